"""What must hold for a `docker` target: from the engine's socket to the images it starts from."""

from __future__ import annotations

import os
import platform
from functools import cached_property

from mldeploy.config import EngineTarget
from mldeploy.doctor import docker_host, docker_images, docker_reach, docker_room
from mldeploy.doctor.checks import Check, Finding
from mldeploy.project import Project


def checks(project: Project, target: EngineTarget) -> list[Check]:
    """The engine first: what needs it is not looked at when it can't be reached."""
    one = _Engine(project, target)
    return [
        Check("docker command", docker_reach.command),
        Check("engine", lambda: docker_reach.engine(one.reach)),
        Check("version", lambda: docker_host.version(one.facts), needs="engine"),
        Check("platform", lambda: docker_host.platform(one.facts, platform.machine()), "engine"),
        Check("capacity", lambda: docker_host.capacity(one.facts, target), needs="engine"),
        Check("clock", lambda: docker_host.clock(one.facts), needs="engine"),
        Check("engine disk", lambda: docker_room.disk(one.reach), needs="engine"),
        Check("credentials", lambda: docker_images.credentials(os.environ)),
        Check("base image", lambda: one.image("base image", one.base), needs="engine"),
        Check("edge image", lambda: one.image("edge image", one.edge), needs="engine"),
        Check("proxy", one.proxy, needs="engine"),
        Check("leftovers", lambda: docker_room.leftovers(one.reach), needs="engine"),
    ]


class _Engine:
    """What several of the checks ask for, asked once."""

    def __init__(self, project: Project, target: EngineTarget) -> None:
        self.project = project
        self.target = target
        self.reach = docker_reach.Reach()

    @property
    def facts(self) -> docker_reach.Facts:
        return self.reach.facts

    @cached_property
    def base(self) -> str:
        from mldeploy.images.ingredients import python_version
        from mldeploy.images.recipe import base_for

        if self.target.base:
            return self.target.base
        return base_for(python_version(self.project.python()), None)

    @property
    def edge(self) -> str:
        from mldeploy.edge import IMAGE

        return IMAGE

    def image(self, check: str, name: str) -> Finding:
        return docker_images.image(check, name, self.reach)

    def proxy(self) -> Finding:
        in_base = docker_images.environment_of(self.base, self.reach)
        return docker_host.proxy(self.facts, os.environ, in_base)
