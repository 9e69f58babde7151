"""Images that were built here, sent layer by layer: for a machine that can't reach the internet.

`docker load` looks for each layer in its own store before it opens the file of it (moby,
image/tarexport/load.go), so the layers that the host has are left out of what is sent. An engine
with another store (containerd's) wants all of them, and then gets them.
"""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mldeploy.errors import ConfigError, FailedError
from mldeploy.images import build
from mldeploy.images.recipe import ImageStep
from mldeploy.ssh import upload
from mldeploy.ssh.connection import Connection
from mldeploy.ui import Ui

if TYPE_CHECKING:
    import docker

LOAD_SECONDS = 900
LOAD = f'cd {upload.FOLDER} && docker load < "$1" 2>&1'


def make(
    there: docker.DockerClient, connection: Connection, steps: Sequence[ImageStep], ui: Ui
) -> None:
    """Build the images with this machine's engine, and have the last of them over there."""
    from mldeploy.engines.docker_client import connect

    if build.is_there(there, steps[-1]):
        return
    with_engine = 'build = "there" in mldeploy.toml: then no Docker is needed here'
    here = connect(with_engine)
    _same_kind_of_processor(here, there, connection)
    built = build.ensure(here, steps, ui)
    known = shared(_layers(here.images.get(built.tag)), map(_layers, there.images.list(all=True)))
    send(here, connection, built.tag, known, ui)
    if not build.is_there(there, steps[-1]):
        ui.note("that engine wants every layer: all of them are sent")
        send(here, connection, built.tag, 0, ui)
    if not build.is_there(there, steps[-1]):
        raise _not_loaded(connection, "it was loaded, and is not there")


def bring(there: docker.DockerClient, connection: Connection, image: str, ui: Ui) -> None:
    """Have an image that others made over there, where no registry may be in reach."""
    import docker

    from mldeploy.engines.docker_client import connect

    with suppress(docker.errors.ImageNotFound):
        there.images.get(image)
        return
    here = connect()
    try:
        here.images.get(image)
    except docker.errors.ImageNotFound:
        with ui.step(f"pull {image}, to be sent"):
            here.images.pull(image)
    send(here, connection, image, 0, ui)


def shared(layers: Sequence[str], others: Iterable[Sequence[str]]) -> int:
    """How many of an image's first layers another image begins with as well: pure."""
    most = 0
    for other in others:
        same = 0
        for one, two in zip(layers, other, strict=False):
            if one != two:
                break
            same += 1
        most = max(most, same)
    return most


def send(here: docker.DockerClient, connection: Connection, tag: str, known: int, ui: Ui) -> None:
    """Send an image without its first ``known`` layers, and load it over there."""
    with tempfile.TemporaryDirectory(prefix="mld-") as folder:
        whole, slim = Path(folder, "whole.tar"), Path(folder, "slim.tar")
        with whole.open("wb") as file:
            file.writelines(here.images.get(tag).save(named=tag))
        without_layers(whole, slim, known)
        whole.unlink()
        with ui.step(f"send the image to {connection.address}") as step:
            sent = upload.send(
                connection,
                slim,
                lambda done, of: ui.note(f"{done / 1e6:.1f} of {of / 1e6:.1f} MB sent"),
            )
            step.say(f"{sent.bytes / 1e6:.1f} MB; {known} layers are there already")
        ran = connection.run(LOAD, sent.name, seconds=LOAD_SECONDS)
        connection.run(upload.FORGET, sent.name)
    if ran.code != 0 and not known:
        raise _not_loaded(connection, ran.out.strip()[-300:])


def without_layers(whole: Path, slim: Path, known: int) -> None:
    """Copy what `docker save` wrote, but for the files of an image's first ``known`` layers."""
    with tarfile.open(whole) as source, tarfile.open(slim, "w") as to:
        manifest: Any = source.extractfile("manifest.json")
        layers: list[str] = json.load(manifest)[0]["Layers"]
        left_out = set(layers[:known]) - set(layers[known:])
        for entry in source:
            if entry.name not in left_out:
                content: IO[bytes] | None = source.extractfile(entry) if entry.isfile() else None
                to.addfile(entry, content)


def _layers(image: Any) -> list[str]:
    return list(image.attrs["RootFS"].get("Layers") or [])


def _same_kind_of_processor(
    here: docker.DockerClient, there: docker.DockerClient, connection: Connection
) -> None:
    ours, theirs = here.version()["Arch"], there.version()["Arch"]
    if ours != theirs:
        raise ConfigError(
            "wrong-architecture",
            what=f"An image that is built here does not run on {connection.address}.",
            why=f"This engine builds for {ours}, that machine is {theirs}.",
            do='write build = "there" in mldeploy.toml: it is built on that machine',
        )


def _not_loaded(connection: Connection, why: str) -> FailedError:
    return FailedError(
        "image-not-loaded",
        what=f"{connection.address} did not take the image.",
        why=why,
        do="mldeploy doctor     (looks for what is wrong with the engine)",
    )
