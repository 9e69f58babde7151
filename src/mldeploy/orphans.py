"""Everything of ours that is alive, whoever made it: found by label, with no project at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldeploy.config import SshTarget
from mldeploy.engines.docker_images import labelled
from mldeploy.engines.docker_names import FOLDER, HOST, PROJECT, RELEASE, ROLE, TARGET
from mldeploy.errors import ConfigError, MldeployError
from mldeploy.who import laptop

if TYPE_CHECKING:
    import docker

    from mldeploy.project import Project


@dataclass(frozen=True)
class Thing:
    """One container, volume, network or image that carries our labels."""

    kind: str
    name: str
    labels: dict[str, str]
    running: bool = False

    @property
    def text(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Group:
    """What is left of one target. ``abandoned`` says why nobody would take it down, if so."""

    project: str
    target: str
    folder: str
    release: str
    things: tuple[Thing, ...]
    abandoned: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "project": self.project,
            "target": self.target,
            "folder": self.folder,
            "release": self.release or None,
            "running": sum(thing.running for thing in self.things),
            "things": [thing.text for thing in self.things],
            "abandoned": self.abandoned or None,
        }


def find(client: docker.DockerClient) -> list[Group]:
    """What is on this engine, by target; images shared by all targets are no target's."""
    return grouped(_things(client), folder_is_there=_folder_is_there, here=laptop())


# A machine's name, and what connects to the engine there.
Place = tuple[str, Callable[[], "docker.DockerClient"]]
THIS_MACHINE = "this machine"


@dataclass(frozen=True)
class Asked:
    """By machine: what was ``found``, which are ``without`` an engine, which stayed ``silent``."""

    found: tuple[tuple[str, list[Group]], ...]
    without: tuple[str, ...]
    silent: tuple[tuple[str, MldeployError], ...]


def places(project: Project | None, on: str | None) -> list[Place]:
    """This machine and those of the project's targets; with ``on``, that of one target alone."""
    from mldeploy.engines.docker_client import connect
    from mldeploy.machines import machine_of

    here: Place = (THIS_MACHINE, connect)
    if project is None:
        return [here]
    targets = [project.config.target(on)] if on else list(project.config.targets.items())
    far = {
        target.host: machine_of(project, name, target).connect
        for name, target in targets
        if isinstance(target, SshTarget)
    }
    return [*([] if on and far else [here]), *far.items()]


def ask(where: Sequence[Place]) -> Asked:
    """Every machine, one after the other. The only one must answer; of several, one may not."""
    from mldeploy.engines.docker_client import told

    found, without, silent = [], [], []
    for place, connect in where:
        try:
            with told():
                found.append((place, find(connect())))
        except MldeployError as error:
            if len(where) == 1:
                raise
            if error.code == "no-docker" and place == THIS_MACHINE:
                without.append(place)
            else:
                silent.append((place, error))
    return Asked(tuple(found), tuple(without), tuple(silent))


def named(where: Sequence[Place], wanted: str) -> tuple[docker.DockerClient, Group]:
    """The group called ``project/target``, and the engine it is on; raises ConfigError if none."""
    asked = ask(where)
    there = [(place, g) for place, groups in asked.found for g in groups]
    for place, group in there:
        if f"{group.project}/{group.target}" == wanted:
            return dict(where)[place](), group
    known = ", ".join(f"{g.project}/{g.target}" for _, g in there)
    unheard = "".join(f" {place} could not be asked." for place, _ in asked.silent)
    raise ConfigError(
        "no-such-orphan",
        what=f"There is no {wanted} on any machine that was asked.",
        why=f"There is {known or 'nothing of ours'}.{unheard}",
        do="mldeploy orphans",
    )


def grouped(things: Iterable[Thing], *, folder_is_there: Any, here: str) -> list[Group]:
    """The decision, on values: which belong together, and which of them nobody looks after."""
    groups: dict[tuple[str, str], list[Thing]] = {}
    for thing in things:
        if TARGET in thing.labels:
            groups.setdefault((thing.labels[PROJECT], thing.labels[TARGET]), []).append(thing)
    found = []
    for (project, target), members in sorted(groups.items()):
        folders = {m.labels[FOLDER]: m.labels.get(HOST, "") for m in members if FOLDER in m.labels}
        ours = {folder for folder, host in folders.items() if host == here}
        alive = [folder for folder in ours if folder_is_there(folder, project)]
        abandoned = ""
        if ours and not alive and len(ours) == len(folders):
            abandoned = "its project folder was deleted, or moved"
        releases = sorted({m.labels[RELEASE] for m in members if m.running and RELEASE in m.labels})
        shown = alive or sorted(folders)
        found.append(
            Group(
                project,
                target,
                shown[0] if shown else "",
                ", ".join(releases),
                tuple(members),
                abandoned,
            )
        )
    return found


def end(client: docker.DockerClient, group: Group) -> list[str]:
    """Remove everything of a group; returns what is left, which should be nothing."""
    import docker

    by_kind: dict[str, Callable[[str], Any]] = {
        "container": lambda name: client.containers.get(name).remove(force=True),
        "volume": lambda name: client.volumes.get(name).remove(force=True),
        "network": lambda name: client.networks.get(name).remove(),
        "image": lambda name: client.images.remove(name, force=True),
    }
    for kind, remove in by_kind.items():
        for thing in group.things:
            if thing.kind == kind:
                with suppress(docker.errors.NotFound):
                    remove(thing.name)
    key = (group.project, group.target)
    return [t.text for g in find(client) if (g.project, g.target) == key for t in g.things]


def _things(client: docker.DockerClient) -> Iterable[Thing]:
    ours: dict[str, Any] = {"label": PROJECT}
    for container in client.containers.list(all=True, filters=ours, ignore_removed=True):
        running = container.status == "running" and container.labels.get(ROLE) == "replica"
        yield Thing("container", str(container.name), container.labels, running)
    for volume in client.volumes.list(filters=ours):
        yield Thing("volume", str(volume.name), volume.attrs.get("Labels") or {})
    for network in client.networks.list(filters=ours):
        yield Thing("network", str(network.name), network.attrs.get("Labels") or {})
    for image in labelled(client, label=PROJECT):
        for tag in image.tags:
            yield Thing("image", tag, image.labels)


def _folder_is_there(folder: str, project: str) -> bool:
    """A folder of that name that is another project's does not count."""
    from mldeploy import config
    from mldeploy.errors import MldeployError

    with suppress(MldeployError, OSError):
        return config.load(Path(folder) / config.FILE_NAME).project.name == project
    return False
