"""A machine behind SSH: its engine's socket is forwarded, and images are built over there."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from typing import TYPE_CHECKING

from mldeploy.config import FarTarget, SshTarget
from mldeploy.errors import FailedError, MldeployError
from mldeploy.machines.base import Machine
from mldeploy.project import Project
from mldeploy.ssh import address as addresses
from mldeploy.ssh import facts, host_key, install, trouble
from mldeploy.ssh.address import Address
from mldeploy.ssh.connection import Connection
from mldeploy.ui import Ui

if TYPE_CHECKING:
    import docker

    from mldeploy.images.output import Output
    from mldeploy.images.recipe import ImageStep

LISTENING = """\
ss -Hltnp "sport = :$1" 2>/dev/null || netstat -ltnp 2>/dev/null | grep ":$1 " || true
"""


class RemoteMachine(Machine, ABC):
    """Nothing is connected before something is asked of it."""

    def __init__(self, project: Project, name: str, target: FarTarget) -> None:
        self.project = project
        self.name = name
        self.target = target
        self.ui = Ui()  # for what a person must be told or asked on the way there

    @cached_property
    def connection(self) -> Connection:
        return Connection(
            self.address(),
            asking=sys.stdin.isatty(),
            tell=self.ui.note,
            is_hopeless=self.is_no_more,
        )

    def is_no_more(self) -> bool:
        """Is it known that there is no such machine any more? Then nobody waits for it."""
        return False

    @abstractmethod
    def address(self) -> Address:
        """Where to log in, as whom, and with what."""

    @property
    @abstractmethod
    def called(self) -> str:
        """What a person calls it."""

    # The contract

    def connect(self) -> docker.DockerClient:
        return self._client

    def host(self) -> str:
        return "127.0.0.1" if self.target.private else self.connection.there.hostname

    def holder_of(self, port: int) -> str | None:
        said = self.connection.run(LISTENING, str(port), seconds=20).out.strip()
        if not said:
            return None
        program = said.partition('users:(("')[2].partition('"')[0]
        return f"{program or 'Another program'} on {self.called}"

    def make(self, steps: Sequence[ImageStep], ui: Ui) -> None:
        from mldeploy.images import build

        if self.target.build == "here":
            from mldeploy import edge
            from mldeploy.ssh import ship

            ship.make(self._client, self.connection, steps, ui)
            ship.bring(self._client, self.connection, edge.IMAGE, ui)
            return

        builder = partial(self._build_there, ui)
        build.ensure(self._client, steps, ui, builder, _indexes(os.environ))

    def make_ready(self, ui: Ui) -> None:
        self._log_in()
        if not self.host_facts.socket:
            self._offer_docker(ui)

    @contextmanager
    def reached(self, url: str) -> Iterator[str]:
        """A private target publishes nothing: a port of this machine leads to it meanwhile."""
        if not self.target.private:
            yield url
            return
        with self.connection.tunnel(self.target.published) as port:
            yield f"http://127.0.0.1:{port}"

    def clear(self) -> None:
        from mldeploy.ssh import upload

        self.connection.run(upload.CLEAR, self._store)

    def keep_reached(self) -> None:
        self.connection.ensure()

    def login(self) -> list[str]:
        return [addresses.program(), *self.connection.address.words]

    # Beyond it, for who looks at such a machine

    @cached_property
    def host_facts(self) -> facts.HostFacts:
        """What there is on it; needs a login."""
        return facts.read(self.connection.run(facts.SCRIPT, seconds=30).out)

    def log_in_again(self) -> None:
        """What was installed is seen then, and a group that was joined counts."""
        self.connection.close()
        for known in ("host_facts", "_client"):
            self.__dict__.pop(known, None)
        self._log_in()

    # Small steps of the above

    @cached_property
    def _client(self) -> docker.DockerClient:
        from mldeploy.ssh import docker_api

        self._log_in()
        found = self.host_facts
        if not found.socket:
            raise self._without_docker()
        if not found.may_use_docker:
            raise self._without_permission()
        return docker_api.client(self.connection, found.socket)

    def _log_in(self) -> None:
        """Connect; a host that was never met is shown to the person who is there, if one is."""
        try:
            self.connection.open()
        except MldeployError as error:
            if error.code != trouble.UNKNOWN_KEY or not self.connection.asking:
                raise
            there = self.connection.there
            if not host_key.learn(self.connection.address, there, self.ui.note, self.ui.ask):
                raise
            self.connection.open()

    def _build_there(
        self, ui: Ui, step: ImageStep, told: Mapping[str, str], output: Output
    ) -> None:
        from mldeploy.images.build import files_of
        from mldeploy.ssh import context_store, far_build

        if not self.host_facts.docker_program:
            raise self._without_program()

        def tell(sent: int, whole: int) -> None:
            ui.note(f"{step.role}: {_megabytes(sent)} of {_megabytes(whole)} sent")

        ready = context_store.send(self.connection, self._store, files_of(step), tell)
        ui.note(f"{step.role}: {_megabytes(ready.bytes)} sent to {self.called}")
        far_build.build(self.connection, ready.context, step.tag, told, output)
        if not output.failed:
            context_store.forget(self.connection, ready.sent)

    @property
    def _store(self) -> str:
        return f"store-{self.project.config.project.name}-{self.name}"

    def _offer_docker(self, ui: Ui) -> None:
        words = install.commands(self.host_facts)
        if not words or not self.host_facts.sudo:
            raise self._without_docker()
        found = self.host_facts
        lacks = "Docker is not started, start" if found.installed else "there is no Docker, install"
        ui.note(f"On {self.called} ({found.name}) {lacks} it:")
        for line in install.text(words, found).splitlines():
            ui.note(f"  {line}")
        if not (ui.agreed or ui.ask("Shall I do that now?")):
            raise self._without_docker()
        with ui.step(f"{'start' if found.installed else 'install'} Docker on {self.called}"):
            ran = self.connection.run(
                install.script(found), "\n".join(words), seconds=install.SECONDS
            )
        if ran.code != 0:
            raise FailedError(
                "docker-not-installed",
                what=f"Docker was not installed on {self.called}.",
                why=f"A command ended with {ran.code}.",
                do=f"mldeploy ssh {self.name}   and do it by hand, then: mldeploy up {self.name}",
                detail="\n".join(ran.out.splitlines()[-15:]),
            )
        self.log_in_again()

    def _without_docker(self) -> FailedError:
        found = self.host_facts
        words = install.commands(found)
        by_hand = f"mldeploy ssh {self.name}   and: " + " && ".join(
            install.text(words, found).splitlines()
        )
        do = by_hand if words else "install it: https://docs.docker.com/engine/install/"
        if words and found.sudo:
            do = f"mldeploy up {self.name}   at a terminal offers to do it; by hand: {by_hand}"
        return FailedError(
            "no-docker",
            what=f"There is no Docker Engine on {self.called}.",
            why=f"{found.name}: it is "
            + ("installed, and not started." if found.installed else "not installed."),
            do=do,
        )

    def _without_permission(self) -> FailedError:
        found = self.host_facts
        return FailedError(
            "docker-denied",
            what=f"{found.user} may not speak to Docker on {self.called}.",
            why=f"{found.socket} is for root and the group `docker` (it is as much as root).",
            do=f"mldeploy ssh {self.name} -- sudo {install.GROUP.format(user=found.user)}",
        )

    def _without_program(self) -> FailedError:
        return FailedError(
            "no-docker-program",
            what=f"There is no `docker` program on {self.called}.",
            why="The engine runs, but images are built there with that program.",
            do='install docker-cli there, or write build = "here" in mldeploy.toml',
        )


class OwnMachine(RemoteMachine):
    """The machine of an ``ssh`` target: one that the user can log in to already."""

    target: SshTarget

    def address(self) -> Address:
        return addresses.parse(self.target.host)

    @property
    def called(self) -> str:
        return self.target.host


def _indexes(environment: Mapping[str, str]) -> dict[str, str]:
    """A private package index is the project's; this machine's proxies are this machine's."""
    from mldeploy.images.recipe import INDEX_ARGUMENTS

    return {name: environment[name] for name in INDEX_ARGUMENTS if name in environment}


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} KB"
