"""Whose the lab's SSH hosts are, and the end of those that nobody needs any more.

Everything of a host has a label with its name and one with its owner: the process that it is for,
or ``up`` for those that a contributor started. Its folder here says the same, as it is made before
all else and may be the only thing there is. Nothing else is ever touched.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldeploy.errors import RefusedError
from tests.lab.daemon import identity
from tests.lab.host import HOST, OWNER, Host, cgroup_of
from tests.lab.host_disk import Disk
from tests.lab.places import CACHE, locked

if TYPE_CHECKING:
    import docker

UP = "up"  # the owner of what outlives its process
FOLDERS = CACHE / "hosts"
CGROUPS = Path("/sys/fs/cgroup")


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
    with closing(_client()) as client:
        listed: Any = client.containers.list(all=True, filters={"label": HOST}, ignore_removed=True)
        return [
            Found(
                Host.of(each, folder_of(each.labels[HOST])),
                each.labels[OWNER],
                each.status == "running",
            )
            for each in listed
        ]


def this_process() -> str:
    """As an owner."""
    return f"{os.getpid()} {identity(os.getpid())}"


def is_over(owner: str, *, also_up: bool = False) -> bool:
    """Has nobody a use for what this owner started?"""
    if owner == UP:
        return also_up
    pid, _, known = owner.partition(" ")
    return not pid.isdigit() or identity(int(pid)) != known


def make_folder(name: str, owner: str) -> Path:
    """For the host's key; written first, so that a start that is killed leaves nothing unowned."""
    folder = folder_of(name)
    folder.mkdir(parents=True, mode=0o700)
    (folder / "owner").write_text(owner, encoding="utf-8")
    return folder


def folder_of(name: str) -> Path:
    return FOLDERS / name


def clear_left(*, also_up: bool = False) -> list[str]:
    """Clear the hosts of processes that are gone, and those of `up` if asked; their names."""
    if not any(is_over(owner, also_up=also_up) for owner in _owners().values()):
        return []
    with locked():  # two test runs begin at the same time
        owners = sorted(_owners().items())
        gone = [name for name, owner in owners if is_over(owner, also_up=also_up)]
        for name in gone:
            clear(name)
    return gone


def clear_of_up(name: str) -> None:
    """Clear this one, unless it is a live test's."""
    owner = _owners().get(name)
    if owner is None or not is_over(owner, also_up=True):
        raise RefusedError(
            "lab-no-such-host",
            what=f"{name} was not ended.",
            why="There is no such host." if owner is None else "A running process needs it.",
            do="Look what there is: python -m tests.lab status",
        )
    clear(name)


def clear(name: str) -> None:
    """Remove whatever is there of this host. May be done twice."""
    from docker.errors import NotFound

    with closing(_client()) as client:
        for thing in _things(client, f"{HOST}={name}"):
            with suppress(NotFound):
                thing.remove(**_forced(thing))
    Disk(name).remove()
    _remove_cgroups(name)
    shutil.rmtree(folder_of(name), ignore_errors=True)


def _owners() -> dict[str, str]:
    """Of the hosts of which anything is there."""
    owners = {}
    for note in FOLDERS.glob("*/owner"):
        with suppress(OSError):  # cleared meanwhile
            owners[note.parent.name] = note.read_text(encoding="utf-8")
    with closing(_client()) as client:
        for labels in map(_labels, _things(client, HOST)):
            owners[labels[HOST]] = labels.get(OWNER, "")
    return owners


def _things(client: docker.DockerClient, label: str) -> list[Any]:
    """Containers first: they hold the others."""
    filters: Any = {"label": label}
    containers: Any = client.containers.list(all=True, filters=filters, ignore_removed=True)
    networks, volumes = client.networks.list(filters=filters), client.volumes.list(filters=filters)
    return [*containers, *networks, *volumes]


def _labels(thing: Any) -> Mapping[str, str]:
    labels = thing.attrs.get("Labels") or thing.attrs.get("Config", {}).get("Labels") or {}
    found: Mapping[str, str] = labels
    return found


def _forced(thing: Any) -> dict[str, bool]:
    kind = type(thing).__name__
    if kind == "Network":
        return {}
    return {"force": True, "v": True} if kind == "Container" else {"force": True}


def _remove_cgroups(name: str) -> None:
    """Those of its containers: the kernel keeps them when their processes are gone."""
    for root in [CGROUPS, *CGROUPS.glob("*/")]:
        top = root / cgroup_of(name)[1:]
        if top.is_dir():
            folders = [folder for folder in top.rglob("*/") if folder.is_dir()]
            for folder in [*sorted(folders, reverse=True), top]:
                with suppress(OSError):
                    folder.rmdir()


def _client() -> docker.DockerClient:
    import docker

    return docker.from_env(timeout=120)
