"""Where a machine keeps data, and how to get at it: this machine's folder, or one behind SSH.

Both are spoken to by the same POSIX shell scripts, so there is one way in which data is kept.
"""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from mldeploy.errors import FailedError
from mldeploy.ssh.connection import Ran

if TYPE_CHECKING:
    from mldeploy.config import Target
    from mldeploy.project import Project
    from mldeploy.ssh.connection import Connection


class Place(ABC):
    """A machine, and the project whose data is meant; ``called`` is for a person.

    Methods raise errors of :mod:`mldeploy.errors`, and LostError where a line broke.
    """

    project: str
    called: str
    python: str  # what a script in Python is run with

    @abstractmethod
    def run(self, script: str, *words: str, stdin: bytes = b"", seconds: float = 60) -> Ran:
        """Run a script to its end; again, if the line breaks: it must bear that."""

    @abstractmethod
    def start(self, script: str, *words: str, quiet: bool = False) -> subprocess.Popen[bytes]:
        """Start one, with pipes; ``quiet``: nobody will read what it says."""

    @abstractmethod
    def ensure(self) -> None:
        """Have a way there, and wait for a while if it broke."""


class ThisPlace(Place):
    """The machine that this runs on."""

    def __init__(self, project: str) -> None:
        import sys

        self.project = project
        self.called = "this machine"
        self.python = sys.executable

    def run(self, script: str, *words: str, stdin: bytes = b"", seconds: float = 60) -> Ran:
        command = ["sh", "-c", script, "mldeploy", *words]
        try:
            done = subprocess.run(command, input=stdin, capture_output=True, timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise FailedError(
                "timeout",
                what="This machine's disk did not do what it was asked to.",
                why=f"Nothing came back within {seconds:.0f} s.",
                do="is the disk full, or on a network that is down? df -h ~/.local/share",
            ) from error
        out, err = (each.decode("utf-8", "replace") for each in (done.stdout, done.stderr))
        return Ran(done.returncode, out, err)

    def start(self, script: str, *words: str, quiet: bool = False) -> subprocess.Popen[bytes]:
        there = subprocess.DEVNULL if quiet else subprocess.PIPE
        return subprocess.Popen(
            ["sh", "-c", script, "mldeploy", *words],
            stdin=subprocess.PIPE,
            stdout=there,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl+C is for us
        )

    def ensure(self) -> None:
        """It is always there."""


class FarPlace(Place):
    """A machine behind a connection."""

    def __init__(self, connection: Connection, project: str, called: str) -> None:
        self.connection = connection
        self.project = project
        self.called = called
        self.python = "python3"

    def run(self, script: str, *words: str, stdin: bytes = b"", seconds: float = 60) -> Ran:
        return self.connection.run(script, *words, stdin=stdin, seconds=seconds)

    def start(self, script: str, *words: str, quiet: bool = False) -> subprocess.Popen[bytes]:
        return self.connection.start(script, *words, quiet=quiet)

    def ensure(self) -> None:
        self.connection.ensure()


def place_of(project: Project, name: str, target: Target) -> Place:
    """The machine of a target; logs in where it is behind SSH, and never rents one."""
    from mldeploy.config import FarTarget
    from mldeploy.machines import machine_of
    from mldeploy.machines.remote import RemoteMachine

    if isinstance(target, FarTarget):
        machine = machine_of(project, name, target)
        if isinstance(machine, RemoteMachine):
            machine.log_in_again()
            return FarPlace(machine.connection, project.config.project.name, name)
    return ThisPlace(project.config.project.name)
