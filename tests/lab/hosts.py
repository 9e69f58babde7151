"""SSH hosts of the lab: their start and their end.

All that is started has a label with the host's name and one with its owner: the process it is for,
or ``up`` for those that a contributor started. Nothing without these labels is ever touched.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldeploy.errors import RefusedError
from mldeploy.ui import Ui
from tests.lab import host_image, host_images, host_rights, packages
from tests.lab.daemon import identity
from tests.lab.host import HOST, OWNER, SETTINGS, Host
from tests.lab.host_disk import Disk
from tests.lab.places import CACHE, locked

if TYPE_CHECKING:
    import docker
    from docker.models.networks import Network

UP = "up"  # the owner of what outlives its process
NETWORKS = IPv4Network("10.215.0.0/16")  # none that Docker gives by itself; one /24 for each host
USERS = ("root", "ubuntu")
CLIENT = {"ssh": "openssh-client", "ssh-keygen": "openssh-client"}
CGROUPS = Path("/sys/fs/cgroup")


@contextmanager
def lab_host(
    ui: Ui, *, engine: bool = True, disk: int | None = None, user: str = "root"
) -> Iterator[Host]:
    """A host that is up, with the base images in its engine; nothing of it is left afterwards.

    ``disk`` is the size of its /var/lib/docker in bytes, which needs root. ``user`` is who an ssh
    configuration logs in as: root, or ubuntu, who may sudo.
    """
    clear_left()
    host = start(ui, owner=this_process(), engine=engine, disk=disk, user=user)
    try:
        yield host
    finally:
        clear(host.name)


def start(
    ui: Ui, *, owner: str = UP, engine: bool = True, disk: int | None = None, user: str = "root"
) -> Host:
    """As `lab_host`, but it stays."""
    import docker

    if disk is not None and os.geteuid() != 0:
        raise RefusedError(
            "lab-not-root",
            what="No host was started.",
            why="It was to have a disk of its own, which only root may mount.",
            do="Run these tests as root, or leave them out: -m 'not docker'",
        )
    packages.install(CLIENT, ui, purpose="An SSH host")
    with closing(docker.from_env(timeout=900)) as client:
        plan = Plan(owner=owner, image="", user=user, engine=engine, disk=disk)
        with locked():
            plan = plan.with_image(host_image.ensure(client, ui, engine=engine))
            images = _images(client, plan, ui) if engine else None
        return _start(client, plan, images)


@dataclass(frozen=True)
class Plan:
    """What a host is to be."""

    owner: str
    image: str
    user: str
    engine: bool
    disk: int | None

    def with_image(self, image: str) -> Plan:
        return Plan(self.owner, image, self.user, self.engine, self.disk)


@dataclass(frozen=True)
class Found:
    """A host that is there, whoever started it."""

    host: Host
    owner: str
    running: bool

    def as_dict(self) -> dict[str, Any]:
        host = self.host
        told = {"name": host.name, "address": host.address, "port": host.port, "user": host.user}
        told |= {"key": str(host.key), "engine": host.engine}
        return told | {"owner": self.owner, "running": self.running}


def found() -> list[Found]:
    import docker

    with closing(docker.from_env(timeout=60)) as client:
        listed: Any = client.containers.list(all=True, filters={"label": HOST}, ignore_removed=True)
        return [
            Found(
                Host.of(each, folder_of(each.labels[HOST])),
                each.labels[OWNER],
                each.status == "running",
            )
            for each in listed
        ]


def clear_left(*, also_up: bool = False) -> list[str]:
    """Clear the hosts of processes that are gone, and those of `up` if asked; their names."""
    import docker

    with closing(docker.from_env(timeout=60)) as client:
        owners = {
            labels[HOST]: labels.get(OWNER, "")
            for labels in (_labels(thing) for thing in _things(client, {"label": HOST}))
        }
    gone = [name for name, owner in owners.items() if is_over(owner, also_up=also_up)]
    for name in gone:
        clear(name)
    return sorted(gone)


def clear(name: str) -> None:
    """Remove whatever is there of this host. May be done twice."""
    import docker
    from docker.errors import NotFound

    with closing(docker.from_env(timeout=120)) as client:
        for thing in _things(client, {"label": f"{HOST}={name}"}):
            with suppress(NotFound):
                thing.remove(**_forced(thing))
    Disk(name).remove()
    shutil.rmtree(folder_of(name), ignore_errors=True)
    _remove_cgroups(name)


def _start(client: docker.DockerClient, plan: Plan, images: Path | None) -> Host:
    name = f"lab-{secrets.token_hex(3)}"
    try:
        key = _make_key(folder_of(name), name)
        labels = {HOST: name, OWNER: plan.owner}
        network, address = _make_network(client, name, labels)
        host = Host(
            name=name,
            address=address,
            port=_free_port(),
            user=plan.user,
            folder=folder_of(name),
            engine=plan.engine,
            disk=Disk(name) if plan.disk else None,
        )
        if host.disk and plan.disk:
            host.disk.make(plan.disk)
        mounts = [f"{_data(client, host, labels)}:/var/lib/docker", f"{CGROUPS}:{CGROUPS}:rw"]
        mounts += [f"{images}:/images.tar:ro"] if images else []
        api = client.api
        endpoints: Any = {str(network.name): api.create_endpoint_config(ipv4_address=address)}
        api.create_container(
            plan.image,
            name=host.container,
            hostname=name,
            labels=labels | {SETTINGS: _settings(host)},
            environment=_environment(name, key),
            ports=[22],
            networking_config=api.create_networking_config(endpoints),
            host_config=host_rights.host_config(
                api,
                init=True,
                network_mode=network.name,
                port_bindings={22: ("127.0.0.1", host.port)},
                tmpfs={"/run": "exec,mode=755"},
                binds=mounts,
            ),
        )
        api.start(host.container)
        host.wait_until_up()
    except BaseException:
        clear(name)
        raise
    return host


def _images(client: docker.DockerClient, plan: Plan, ui: Ui) -> Path:
    """The saved ones, or made now by means of a host that is there for nothing else."""
    tar = host_images.saved(client, CACHE)
    if not tar.exists():
        maker = Plan(this_process(), plan.image, "root", engine=True, disk=None)
        host = _start(client, maker, None)
        try:
            host_images.save(client, host, tar, ui)
        finally:
            clear(host.name)
    return tar


def _data(client: docker.DockerClient, host: Host, labels: dict[str, str]) -> str:
    """An engine's overlay file systems can't lie on the container's own one."""
    if host.disk:
        return str(host.disk.folder)
    return str(client.volumes.create(f"{host.container}-data", labels=labels).name)


def _settings(host: Host) -> str:
    told = {"address": host.address, "port": host.port, "user": host.user, "engine": host.engine}
    return json.dumps(told | {"disk": host.disk is not None})


def _environment(name: str, key: str) -> dict[str, str]:
    """For in_host/boot. dockerd gets this machine's resolvers, if a container can reach them."""
    words = [line.split() for line in Path("/etc/resolv.conf").read_text().splitlines()]
    servers = [line[1] for line in words if line[:1] == ["nameserver"] and len(line) > 1]
    reached = [each for each in servers if not ip_address(each.split("%")[0]).is_loopback]
    return {"LAB_KEY": key, "LAB_NAMESERVERS": " ".join(reached), "LAB_CGROUP": _cgroup(name)}


def _make_key(folder: Path, name: str) -> str:
    """A key pair for this host only; the public one."""
    folder.mkdir(parents=True, mode=0o700)
    key = folder / "id_ed25519"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)
    return key.with_suffix(".pub").read_text(encoding="utf-8").strip()


def _make_network(
    client: docker.DockerClient, name: str, labels: dict[str, str]
) -> tuple[Network, str]:
    """The first part of `NETWORKS` that Docker finds free, and the host's address in it."""
    from docker.errors import APIError
    from docker.types import IPAMConfig, IPAMPool

    for part in NETWORKS.subnets(new_prefix=24):
        pool = IPAMPool(subnet=str(part), gateway=str(part[1]))
        ipam = IPAMConfig(pool_configs=[pool])
        with suppress(APIError):  # "Pool overlaps with other one on this address space"
            made = client.networks.create(f"mldeploy-{name}", ipam=ipam, labels=labels)
            return made, str(part[2])
    raise RefusedError(
        "lab-no-network",
        what="No host was started.",
        why=f"Docker gives no network in {NETWORKS}.",
        do="Look at those there are: docker network ls",
    )


def _free_port() -> int:
    """Chosen here, as Docker would choose another one at every start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _things(client: docker.DockerClient, label: Any) -> list[Any]:
    """Containers first: they hold the others."""
    containers: Any = client.containers.list(all=True, filters=label, ignore_removed=True)
    return [
        *containers,
        *client.networks.list(filters=label),
        *client.volumes.list(filters=label),
    ]


def _labels(thing: Any) -> Mapping[str, str]:
    labels = thing.attrs.get("Labels") or thing.attrs.get("Config", {}).get("Labels") or {}
    found: Mapping[str, str] = labels
    return found


def _forced(thing: Any) -> dict[str, bool]:
    kind = type(thing).__name__
    if kind == "Network":
        return {}
    return {"force": True, "v": True} if kind == "Container" else {"force": True}


def this_process() -> str:
    return f"{os.getpid()} {identity(os.getpid())}"


def is_over(owner: str, *, also_up: bool = False) -> bool:
    """Has nobody a use for what this owner started?"""
    if owner == UP:
        return also_up
    pid, _, known = owner.partition(" ")
    return not pid.isdigit() or identity(int(pid)) != known


def folder_of(name: str) -> Path:
    return CACHE / "hosts" / name


def _cgroup(name: str) -> str:
    return f"/mldeploy-{name}"


def _remove_cgroups(name: str) -> None:
    """Those of its containers: the kernel keeps them when their processes are gone."""
    for root in [CGROUPS, *CGROUPS.glob("*/")]:
        top = root / _cgroup(name)[1:]
        if top.is_dir():
            folders = [folder for folder in top.rglob("*/") if folder.is_dir()]
            for folder in [*sorted(folders, reverse=True), top]:
                with suppress(OSError):
                    folder.rmdir()
