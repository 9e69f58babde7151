"""The image that the machines of the practice cloud are made from; it is built once a recipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mldeploy.images.recipe import File, ImageStep, base_for
from mldeploy.providers import lifetime
from mldeploy.providers.base import Say
from mldeploy.release import digest_of
from mldeploy.ui import Step, Ui

if TYPE_CHECKING:
    import docker

REPOSITORY = "mldeploy-fake-machine"
FILES = Path(__file__).with_name("in_machine")
ASIDE = ("boot", "cgroups", "ports", "poweroff", "sshd.conf", "systemctl")


class _Telling(Ui):
    """The builder's way to speak, for who has a sentence's worth of room."""

    def __init__(self, say: Say) -> None:
        super().__init__()
        self._say = say

    def note(self, text: str) -> None:
        self._say(text)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        self._say(f"{name} …")
        yield Step()


def recipe() -> ImageStep:
    """On the base image that releases of this Python stand on: it is mostly there already."""
    files = {name: (FILES / name).read_bytes() for name in ASIDE}
    files["lifetime"] = lifetime.PROGRAM.encode()
    body = (FILES / "Dockerfile").read_text(encoding="utf-8")
    base = base_for(".".join(map(str, sys.version_info[:2])), None)
    key = digest_of(files | {"Dockerfile": body.encode(), "base": base.encode()})[:12]
    return ImageStep(
        role="machine",
        tag=f"{REPOSITORY}:{key}",
        parent=base,
        before="",
        body=body,
        files=tuple(File(name, content) for name, content in files.items()),
        key=key,
        why="what a machine of the practice cloud runs: an sshd and a Docker engine; made once",
    )


def ensure(client: docker.DockerClient, say: Say) -> str:
    """The image's name; raises FailedError where it can't be built."""
    from mldeploy.images import build

    step = recipe()
    if not build.is_there(client, step):
        say("the machines' image is made: once, it takes a minute")
        build.ensure(client, [step], _Telling(say))
    return step.tag
