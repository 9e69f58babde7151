"""A host's container, its network and its volume: what Docker is asked for."""

from __future__ import annotations

import json
from contextlib import suppress
from ipaddress import IPv4Network, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldeploy.errors import RefusedError
from tests.lab import host_rights
from tests.lab.host import HOST, OWNER, SETTINGS, Host, cgroup_of

if TYPE_CHECKING:
    import docker

NETWORKS = IPv4Network("10.215.0.0/16")  # none that Docker gives by itself; one /24 for each host
CGROUPS = "/sys/fs/cgroup"


def labels(name: str, owner: str) -> dict[str, str]:
    return {HOST: name, OWNER: owner}


def make_network(client: docker.DockerClient, name: str, owner: str) -> str:
    """The first part of `NETWORKS` that Docker finds free; the host's address in it.

    Only a network whose addresses were chosen lets a container have the same one after a reboot.
    """
    from docker.errors import APIError
    from docker.types import IPAMConfig, IPAMPool

    for part in NETWORKS.subnets(new_prefix=24):
        ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=str(part), gateway=str(part[1]))])
        with suppress(APIError):  # "Pool overlaps with other one on this address space"
            client.networks.create(network_of(name), ipam=ipam, labels=labels(name, owner))
            return str(part[2])
    raise RefusedError(
        "lab-no-network",
        what="No host was started.",
        why=f"Docker gives no network in {NETWORKS}.",
        do="Look at those there are: docker network ls",
    )


def start(
    client: docker.DockerClient,
    host: Host,
    image: str,
    owner: str,
    *,
    public_key: str,
    images: Path | None,
) -> None:
    """``images`` is a tar of a data root to begin with."""
    api = client.api
    ours = labels(host.name, owner)
    endpoints: Any = {network_of(host.name): api.create_endpoint_config(ipv4_address=host.address)}
    mounts = [f"{data(client, host, ours)}:/var/lib/docker", f"{CGROUPS}:{CGROUPS}:rw"]
    mounts += [f"{images}:/images.tar:ro"] if images else []
    api.create_container(
        image,
        name=host.container,
        hostname=host.name,
        labels=ours | {SETTINGS: settings(host)},
        environment=_for_boot(host.name, public_key),
        ports=[22],
        networking_config=api.create_networking_config(endpoints),
        host_config=host_rights.host_config(
            api,
            init=True,
            network_mode=network_of(host.name),
            port_bindings={22: ("127.0.0.1", host.port)},
            tmpfs={"/run": "exec,mode=755"},
            binds=mounts,
        ),
    )
    api.start(host.container)


def network_of(name: str) -> str:
    return f"mldeploy-{name}"


def data(client: docker.DockerClient, host: Host, ours: dict[str, str]) -> str:
    """An engine's overlay file systems can't lie on the container's own one."""
    if host.disk:
        return str(host.disk.folder)
    return str(client.volumes.create(f"{host.container}-data", labels=ours).name)


def settings(host: Host) -> str:
    """What `Host.of` reads."""
    told = {"address": host.address, "port": host.port, "user": host.user, "engine": host.engine}
    return json.dumps(told | {"disk": host.disk is not None})


def nameservers() -> str:
    """For LAB_NAMESERVERS: this machine's resolvers, if a container can reach them."""
    words = [line.split() for line in Path("/etc/resolv.conf").read_text().splitlines()]
    servers = [line[1] for line in words if line[:1] == ["nameserver"] and len(line) > 1]
    return " ".join(each for each in servers if not ip_address(each.split("%")[0]).is_loopback)


def _for_boot(name: str, public_key: str) -> dict[str, str]:
    """Variables."""
    return {
        "LAB_KEY": public_key,
        "LAB_NAMESERVERS": nameservers(),
        "LAB_CGROUP": cgroup_of(name),
    }
