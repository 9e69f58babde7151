"""This machine, with the engine that its `docker` command would speak to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from mldeploy.config import DockerTarget
from mldeploy.machines.base import Machine
from mldeploy.project import Project

if TYPE_CHECKING:
    import docker

    from mldeploy.images.recipe import ImageStep
    from mldeploy.ui import Ui


class ThisMachine(Machine):
    def __init__(self, project: Project, target: DockerTarget) -> None:
        self.project = project
        self.target = target

    def connect(self) -> docker.DockerClient:
        return self._client

    @cached_property
    def _client(self) -> docker.DockerClient:
        from mldeploy.engines.docker_client import connect

        return connect(_without_docker(self.project))

    def host(self) -> str:
        anywhere = self.target.address == "0.0.0.0"  # noqa: S104 - compared, not bound
        return "127.0.0.1" if anywhere else self.target.address

    def holder_of(self, port: int) -> str | None:
        from mldeploy.engines.ports import holder_of

        return holder_of(port)

    def make(self, steps: Sequence[ImageStep], ui: Ui) -> None:
        from mldeploy.images import build

        build.ensure(self._client, steps, ui)

    def clear(self) -> None:
        """Nothing is sent anywhere."""

    def make_ready(self, ui: Ui) -> None:
        """What a laptop has installed is its owner's; `mldeploy doctor` says what is missing."""

    def keep_reached(self) -> None:
        """There is no way that could break."""

    def login(self) -> list[str]:
        from mldeploy.engines.base import cannot

        raise cannot("ssh", "it runs on this machine: there is nowhere to log in to")


def _without_docker(project: Project) -> str:
    """What works on a machine without an engine."""
    for name, target in project.config.targets.items():
        if target.kind == "process":
            return f"mldeploy up {name}"
    return 'a target with kind = "process" in mldeploy.toml'
