"""Room on the engine's disk, and what of ours lies there that nobody looks after."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mldeploy.doctor.checks import Finding, Fix, ok
from mldeploy.doctor.docker_reach import Facts, Reach
from mldeploy.engines.docker_client import told
from mldeploy.engines.docker_names import PROJECT, ROLE
from mldeploy.ui import Ui

if TYPE_CHECKING:
    import docker

    from mldeploy.orphans import Group

ENOUGH = 3_000_000_000  # bytes: the first build of a release, with all its packages, and its copy
TOO_LITTLE = 500_000_000
TO_PRUNE = "mldeploy prune     (old releases; other people's images: docker system df)"


@dataclass(frozen=True)
class Image:
    """``layers`` from the lowest up; ``size`` in bytes of all of them together."""

    layers: tuple[str, ...]
    size: int


def disk(reach: Reach) -> Finding:
    """The engine's disk, as far as it can be seen from here, and our part of it."""
    with told():
        return room(free_bytes(reach.facts), *taken(reach.client))


def taken(client: docker.DockerClient) -> tuple[int, int]:
    """Bytes of all images of ours, and of those that no container of ours uses."""
    containers = client.containers.list(all=True, filters={"label": PROJECT}, sparse=True)
    in_use = {one.attrs.get("ImageID") for one in containers}
    images, used = [], []
    for one in client.images.list(filters={"label": ROLE}):
        image = Image(tuple(one.attrs["RootFS"].get("Layers") or ()), one.attrs["Size"])
        images.append(image)
        used += [image] if one.id in in_use else []
    return on_disk(images), idle_bytes(images, used)


def idle_bytes(images: Sequence[Image], used: Sequence[Image]) -> int:
    """Bytes of ``images`` that are neither ``used`` nor stood upon by one that is."""
    needed = [i for i in images if any(u.layers[: len(i.layers)] == i.layers for u in used)]
    return on_disk(images) - on_disk(needed)


def room(free: int | None, ours: int, idle: int) -> Finding:
    """``ours`` are the bytes of our images, ``idle`` those that no container uses; ``free`` is None
    when the disk is another machine's."""
    taken = f"our images take {_shown(ours)}, {_shown(idle)} of it used by no container"
    if free is None:
        return ok("engine disk", f"it can't be seen from here; {taken}")
    message = f"{_shown(free)} free; {taken}"
    if free < TOO_LITTLE:
        return Finding("engine disk", "error", f"The engine's disk is full: {message}.", TO_PRUNE)
    if free < ENOUGH:
        why = f"Hardly room for a first build: {message}."
        return Finding("engine disk", "warning", why, TO_PRUNE)
    return ok("engine disk", message)


def on_disk(images: Sequence[Image]) -> int:
    """Bytes that these images take together: what one is built upon is there once.

    Each adds what it has above the tallest of the others that it stands on; ours are made so, one
    on another. What two share is counted twice if it is no image of its own among them.
    """
    tallest_last = sorted({image.layers: image for image in images}.values(), key=_height)
    total = 0
    for number, image in enumerate(tallest_last):
        below = [
            other
            for other in tallest_last[:number]
            if other.layers == image.layers[: len(other.layers)]
        ]
        total += image.size - (below[-1].size if below else 0)
    return total


def free_bytes(facts: Facts) -> int | None:
    """Of the disk with the engine's images; None when that is not a disk of this machine."""
    if facts.info.get("Name") != socket.gethostname():
        return None  # another machine, or the virtual one of Docker Desktop
    try:
        return shutil.disk_usage(Path(str(facts.info.get("DockerRootDir")))).free
    except OSError:
        return None


def leftovers(reach: Reach) -> Finding:
    """Things with our labels whose project's folder, on this machine, is gone."""
    from mldeploy import orphans

    with told():
        left = [group for group in orphans.find(reach.client) if group.abandoned]
        dead = _dead_containers(reach, left)
    if not left:
        return ok("leftovers", "everything of ours here belongs to a project")
    shown = ", ".join(f"{group.project}/{group.target} ({group.folder})" for group in left)
    fix = None
    if dead:
        fix = Fix(
            f"remove {len(dead)} container(s) that ended, of projects that are gone",
            lambda ui: _remove(dead, reach, ui),
        )
    message = f"Nobody looks after {shown}."
    return Finding("leftovers", "warning", message, "mldeploy orphans", fix)


def _dead_containers(reach: Reach, groups: Sequence[Group]) -> list[str]:
    """Never the edge, which is how keys and history are read by whoever only moved the folder."""
    names = {t.name for g in groups for t in g.things if t.kind == "container"}
    ended: dict[str, str | list[str] | bool] = {
        "status": ["created", "exited", "dead"],
        "label": [PROJECT],
    }
    found = reach.client.containers.list(all=True, filters=ended, ignore_removed=True)
    return [str(one.name) for one in found if one.name in names and one.labels.get(ROLE) != "edge"]


def _remove(names: Sequence[str], reach: Reach, ui: Ui) -> None:
    import docker

    with told(), closing(reach.fresh()) as client:
        for name in names:
            ui.explain(f"docker rm {name}", "it has ended, and its project is gone")
            with suppress(docker.errors.NotFound):
                client.containers.get(name).remove()


def _height(image: Image) -> int:
    return len(image.layers)


def _shown(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
