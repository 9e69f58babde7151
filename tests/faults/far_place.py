"""A place whose target is a machine behind SSH: a host of the lab, and a laptop of its own.

The faults are those of the line to port 22; users ask at the host's own address, past them. What
runs is looked at through the socket of the host's engine itself, which no fault of a line reaches.
"""

from __future__ import annotations

import os
import secrets
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from mldeploy.engines.docker import DockerEngine
from mldeploy.engines.docker_edge import DockerEdge
from tests.conftest import copy_of, until
from tests.faults.place import Place, heed_interrupts, name_it
from tests.lab import host_network
from tests.lab.host import Host
from tests.lab.laptop import Laptop

if TYPE_CHECKING:
    import docker

PATIENCE = 240  # of `mldeploy`, in seconds, where a case doesn't make it shorter
LEAVES_SECONDS = 5


@dataclass
class FarPlace(Place):
    """``patience`` is how long `mldeploy` tries for a lost connection, in seconds."""

    host: Host = field(kw_only=True)
    laptop: Laptop = field(kw_only=True)
    patience: int = PATIENCE
    mending: threading.Timer | None = None

    def variables(self) -> dict[str, str]:
        """The laptop's `ssh` and its own state; all else is this machine's."""
        return {
            **os.environ,
            "PATH": self.laptop.environment["PATH"],
            "SSH_AUTH_SOCK": "",
            "XDG_STATE_HOME": str(self.laptop.home / "state"),
            "MLDEPLOY_SSH_PATIENCE": str(self.patience),
            **self.environment,
        }

    @property
    def target(self) -> dict[str, Any]:
        return {"kind": "ssh", "host": self.laptop.alias, "tls": "own"}

    # What runs

    @cached_property
    def client(self) -> docker.DockerClient:
        """Through the file system of the host's first process: another one after a reboot."""
        import docker

        pid = self._first_process()
        return docker.DockerClient(
            base_url=f"unix:///proc/{pid}/root/run/docker.sock", version="1.41", timeout=60
        )

    @property
    def engine(self) -> DockerEngine:
        engine = super().engine
        edge = DockerEdge(self.client, engine.names, engine.target, self.host.address)
        engine.__dict__["edge"] = edge
        return engine

    # Requests

    @property
    def url(self) -> str:
        return f"https://{self.host.address}"

    def connection(self, wait: float) -> HTTPConnection:
        trust = ssl.create_default_context(cadata=self.root_certificate)
        return HTTPSConnection(self.host.address, timeout=wait, context=trust)

    @cached_property
    def root_certificate(self) -> str:
        root = self.engine.authority()
        assert root is not None
        return root

    # Harm

    def cut(self) -> None:
        """Not a packet more on the ssh connection."""
        host_network.cut(self.host, ssh_only=True)

    def slow(self, *, delay_ms: float = 0, loss_percent: float = 0, rate_kbit: float = 0) -> None:
        host_network.slow(self.host, delay_ms, loss_percent, rate_kbit, ssh_only=True)

    def cut_for(self, seconds: float) -> None:
        """Returns at once; the line is whole again by itself."""
        self.cut()
        self.mending = threading.Timer(seconds, self.host.restore)
        self.mending.start()

    def restore(self) -> None:
        if self.mending is not None:
            self.mending.join()
            self.mending = None
        self.host.restore()

    def drop(self) -> None:
        """Every ssh session ends at once; new ones are let in."""
        self.host.drop_connections()

    def reboot(self) -> None:
        self.forget_client()
        self.host.reboot()

    # A look at the laptop and the host

    def no_ssh_left(self) -> None:
        """No ssh that `mldeploy` started runs on this laptop, soon after its end."""
        until(lambda: not self.sshs(), LEAVES_SECONDS)

    def sshs(self) -> list[str]:
        return [line for line in _command_lines() if str(self.laptop.config) in line]

    def builds(self) -> list[str]:
        """What builds images on the host."""
        return [line for line in self.host.processes() if line.startswith("docker build")]

    def _first_process(self) -> int:
        import docker

        with closing(docker.from_env(timeout=60)) as outer:
            found: Any = outer.containers.get(self.host.container)
            return int(found.attrs["State"]["Pid"])


def _command_lines() -> Iterator[str]:
    for process in psutil.process_iter():
        try:
            yield " ".join(process.cmdline())
        except psutil.Error:
            continue


@contextmanager
def far_place_at(trained: Path, root: Path, host: Host) -> Iterator[FarPlace]:
    """A copy of a trained project with the host as its target; what it runs goes with the host."""
    heed_interrupts()
    copy = copy_of(trained, root)
    laptop = host.write_laptop(root.parent / "laptop")
    name = f"far-{secrets.token_hex(4)}"
    place = FarPlace(copy, 443, name=name, host=host, laptop=laptop)
    name_it(place)
    try:
        yield place
    finally:
        place.end_commands()
        place.forget_client()
