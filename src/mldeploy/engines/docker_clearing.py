"""Finding and removing everything of a target on the engine, by its labels."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mldeploy.engines import docker_replicas
from mldeploy.engines.docker_names import ROLE, Names
from mldeploy.engines.docker_replicas import Spec

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container


def replicas_of(client: docker.DockerClient, names: Names) -> list[Container]:
    """All replicas of a target, whether they serve, run, or neither."""
    filters = names.ours("replica")
    return list(client.containers.list(all=True, filters=filters, ignore_removed=True))


def everything_of(client: docker.DockerClient, names: Names) -> list[str]:
    """Containers, volumes and networks with the target's labels, but for the lock, in words."""
    ours = names.ours()
    containers = client.containers.list(all=True, filters=ours, ignore_removed=True)
    volumes = [v for v in client.volumes.list(filters=ours) if _role(v) != "lock"]
    return [
        *(f"container {c.name}" for c in containers),
        *(f"volume {v.name}" for v in volumes),
        *(f"network {n.name}" for n in client.networks.list(filters=ours)),
    ]


def remove_all(client: docker.DockerClient, names: Names) -> None:
    """Let the replicas finish and end, and remove what is left of the target but its images.

    What the engine refuses to remove stays; who calls this looks at what is there afterwards.
    """
    import docker

    docker_replicas.stop(replicas_of(client, names))
    for container in client.containers.list(all=True, filters=names.ours(), ignore_removed=True):
        with suppress(docker.errors.APIError):
            container.remove(force=True)
    for volume in client.volumes.list(filters=names.ours()):
        if _role(volume) != "lock":
            with suppress(docker.errors.APIError):
                volume.remove(force=True)
    for network in client.networks.list(filters=names.ours()):
        with suppress(docker.errors.APIError):  # somebody else's container is on it
            network.remove()


def remove_unused(client: docker.DockerClient, names: Names) -> None:
    """Writers that were interrupted, volumes of secrets without a replica, a network of nobody."""
    import docker

    for writer in client.containers.list(all=True, filters=names.ours("writer")):
        writer.remove(force=True)
    there = replicas_of(client, names)
    used = {Spec.read(c).secrets for c in there}
    for volume in client.volumes.list(filters=names.ours("secrets")):
        if volume.name not in used:
            with suppress(docker.errors.APIError):  # in use after all: it goes next time
                volume.remove(force=True)
    if not there and not client.containers.list(all=True, filters=names.ours("edge")):
        for network in client.networks.list(filters=names.ours()):
            with suppress(docker.errors.APIError):
                network.remove()


def _role(volume: Any) -> str:
    return str((volume.attrs.get("Labels") or {}).get(ROLE))
