"""What must hold for an `ssh` target: from the ssh program here to the ports over there."""

from __future__ import annotations

import platform
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import replace
from functools import cached_property

from mldeploy.config import FarTarget
from mldeploy.doctor import (
    docker_host,
    docker_images,
    docker_reach,
    docker_room,
    ssh_host,
    ssh_ports,
    ssh_way,
)
from mldeploy.doctor.checks import Check, Finding, Fix, ok
from mldeploy.engines.base import Serving
from mldeploy.engines.docker_client import told
from mldeploy.errors import FailedError, MldeployError
from mldeploy.machines.remote import RemoteMachine
from mldeploy.project import Project
from mldeploy.ssh import docker_api, host_key, install, trouble
from mldeploy.ssh.facts import HostFacts
from mldeploy.ui import Ui


def checks(
    project: Project, target: FarTarget, machine: RemoteMachine, serving: Callable[[], Serving]
) -> list[Check]:
    """In the order of the way there; each needs the one that makes it possible."""
    one = _Host(project, target, machine, serving)
    return [
        Check("ssh", ssh_way.program),
        Check("address", one.address, needs="ssh"),
        Check("reachable", one.reachable, needs="address"),
        Check("host key", one.host_key, needs="reachable"),
        Check("login", one.login, needs="host key"),
        Check("system", lambda: ssh_host.system(one.facts), needs="login"),
        Check("rights", lambda: ssh_host.rights(one.facts), needs="login"),
        Check("host clock", one.clock, needs="login"),
        Check("host disk", one.disk, needs="login"),
        Check("docker", one.docker, needs="login"),
        Check("permission", one.permission, needs="docker"),
        Check("docker program", one.docker_program, needs="permission"),
        Check("engine", one.engine, needs="permission"),
        Check("version", lambda: docker_host.version(one.reach.facts), needs="engine"),
        Check("platform", one.platform, needs="engine"),
        Check("capacity", lambda: docker_host.capacity(one.reach.facts, target), needs="engine"),
        Check("base image", one.base_image, needs="engine"),
        Check("edge image", one.edge_image, needs="engine"),
        Check("leftovers", lambda: docker_room.leftovers(one.reach), needs="engine"),
        Check("open ports", one.open_ports, needs="login"),
        Check("way in", one.way_in, needs="engine"),
    ]


class _Host:
    """What several of the checks ask for, asked once, over one connection."""

    def __init__(
        self,
        project: Project,
        target: FarTarget,
        machine: RemoteMachine,
        serving: Callable[[], Serving],
    ) -> None:
        self.project = project
        self.target = target
        self.machine = machine
        self.name = machine.name
        self.serving = serving
        self.connection = self.machine.connection
        self.reach = docker_reach.Reach(
            lambda: docker_api.client(self.connection, self.facts.socket)
        )

    @property
    def facts(self) -> HostFacts:
        return self.machine.host_facts

    # The way there

    def address(self) -> Finding:
        return ssh_way.address(self.connection.address, self.connection.there)

    def reachable(self) -> Finding:
        return ssh_way.reachable(self.connection.address, self.connection.there)

    def host_key(self) -> Finding:
        address, there = self.connection.address, self.connection.there
        try:
            host_key.verify(address, there)
        except MldeployError as error:
            fix = None
            if error.code == trouble.UNKNOWN_KEY:
                fix = Fix("show its key, and write it down if you say that it is right", self._meet)
            return Finding("host key", "error", f"{error.what} {error.why}", error.do, fix)
        return ok("host key", f"the one that {there.known_as} is known by")

    def _meet(self, ui: Ui) -> None:
        address, there = self.connection.address, self.connection.there
        host_key.learn(address, there, ui.note, ui.ask)

    def login(self) -> Finding:
        self.connection.open()
        return ok("login", f"as {self.connection.there.user}")

    # The host

    def clock(self) -> Finding:
        return ssh_host.clock(self.connection)

    def disk(self) -> Finding:
        return ssh_host.disk(self.connection)

    def docker(self) -> Finding:
        if self.facts.socket:
            return ok("docker", f"it listens at {self.facts.socket} of {self.machine.called}")
        words = install.commands(self.facts)
        fix = None
        if words and self.facts.sudo:
            fix = Fix("show these commands, and run them if you agree", self._install)
        return ssh_host.no_docker(self.facts, install.text(words, self.facts), fix)

    def _install(self, ui: Ui) -> None:
        """The same offer as that of `mldeploy up`."""
        self.machine.make_ready(ui)

    def permission(self) -> Finding:
        if self.facts.may_use_docker:
            return ok("permission", f"{self.facts.user} may speak to Docker")
        fix = Fix(f"let {self.facts.user} join the group `docker`", self._let_in)
        return ssh_host.no_permission(self.facts, self.name, fix if self.facts.sudo else None)

    def _let_in(self, ui: Ui) -> None:
        word = install.GROUP.format(user=self.facts.user)
        ui.explain(f"sudo {word}", "who may speak to Docker can become root over there")
        ran = self.connection.run(install.script(self.facts), word, seconds=30)
        if ran.code != 0:
            raise FailedError(
                "docker-denied",
                what=f"{self.facts.user} was not let into the group `docker`.",
                why=ran.out.strip()[-300:] or f"usermod ended with {ran.code}.",
                do=f"mldeploy ssh {self.name}   and look at it there",
            )
        self.machine.log_in_again()

    def docker_program(self) -> Finding:
        return ssh_host.docker_program(self.facts, self.target.build)

    # Its engine

    def engine(self) -> Finding:
        with told():
            facts = self.reach.facts
        kind = " (rootless)" if docker_reach.is_rootless(facts.info) else ""
        version, system = facts.version.get("Version"), facts.info.get("OperatingSystem")
        return ok("engine", f"Docker {version}{kind} on {system}, through ssh")

    def platform(self) -> Finding:
        found = docker_host.platform(self.reach.facts, platform.machine())
        there = str(self.reach.facts.info.get("Architecture"))
        if self.target.build == "here" and not docker_host.same_architecture(
            platform.machine(), there
        ):
            return Finding(
                "platform",
                "error",
                f"Images that are built here do not run there: {found.message}.",
                'build = "there" in mldeploy.toml',
            )
        return found

    @cached_property
    def _base(self) -> str:
        from mldeploy.images.ingredients import python_version
        from mldeploy.images.recipe import base_for

        return self.target.base or base_for(python_version(self.project.python()), None)

    def base_image(self) -> Finding:
        return self._image("base image", self._base)

    def edge_image(self) -> Finding:
        from mldeploy.edge import IMAGE

        return self._image("edge image", IMAGE)

    def _image(self, check: str, name: str) -> Finding:
        """Where images are built here, all that is lacking there comes from here."""
        if self.target.build == "here":
            here = docker_reach.Reach()
            with closing(here.client):
                return docker_images.image(check, name, here)
        found = docker_images.image(check, name, self.reach)
        if found.severity == "ok":
            return found
        instead = ', or build = "here" in mldeploy.toml' if found.severity == "error" else ""
        return replace(found, remedy=f"over there: {found.remedy}{instead}")

    # Who gets in

    def open_ports(self) -> Finding:
        there = self.connection.there
        listening = ssh_ports.listening(self.connection.run(ssh_ports.SCRIPT, seconds=20).out)
        asked = {there.port, *ssh_ports.NAMES, *(one.port for one in listening or ())}
        expected = {there.port, 80, 443, *ssh_ports.listening_after(self.target)}
        return ssh_ports.judged(self._answering(asked), listening, expected, self.name)

    def way_in(self) -> Finding:
        asked = {*ssh_ports.listening_after(self.target), self.target.published}
        return ssh_ports.way_in(self.serving().state, self.target, lambda: self._answering(asked))

    def _answering(self, ports: Collection[int]) -> frozenset[int] | None:
        """A name that the jump host knows is nobody's here, or somebody else's."""
        there = self.connection.there
        return None if there.through else ssh_ports.answering(there.hostname, ports)
