"""The private network of a target, and the ports of the machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mldeploy.engines.docker_names import Names
from mldeploy.errors import FailedError

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container


def ensure(client: docker.DockerClient, names: Names, *, outbound: bool) -> None:
    """Make the network unless it is there; ``outbound``: may replicas reach the world?"""
    import docker

    try:
        closed = bool(client.networks.get(names.network).attrs.get("Internal"))
    except docker.errors.NotFound:
        closed = not outbound
        client.networks.create(
            names.network,
            driver="bridge",
            internal=closed,
            labels=names.labels("network"),
            check_duplicate=True,
        )
    if closed == outbound:
        raise FailedError(
            "network-fixed",
            what="`outbound` can't be changed while the target is up.",
            why="Whether replicas reach the world is a property of their network.",
            do=f"mldeploy down {names.target} && mldeploy up {names.target}",
        )


def published(container: Container) -> set[int]:
    """The ports of the machine that a container's are published at."""
    bindings = (container.attrs["HostConfig"].get("PortBindings") or {}).values()
    return {int(one["HostPort"]) for each in bindings if each for one in each if one["HostPort"]}


def check_port(
    client: docker.DockerClient, port: int, holder_of: Callable[[int], str | None]
) -> None:
    """Raise FailedError, which names who holds it, if ``port`` of the machine is taken."""
    running = client.containers.list(ignore_removed=True)
    holder = next((f"Container {c.name}" for c in running if port in published(c)), None)
    if holder := holder or holder_of(port):
        raise FailedError(
            "port-taken",
            what=f"Port {port} is taken.",
            why=f"{holder} listens on it.",
            do="stop it, or choose another `port` in mldeploy.toml",
        )
