"""One SSH host of the lab: how it is reached, and what can be done to it.

A container with an sshd, an engine of its own and a little supervisor for systemd. See
`tests.lab.hosts` for its start and its end. All times are seconds, all sizes bytes.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldeploy.engines import docker_exec
from mldeploy.errors import FailedError
from tests.lab import host_images, host_network, laptop
from tests.lab.host_disk import Disk
from tests.lab.laptop import Laptop
from tests.lab.waiting import wait_for

if TYPE_CHECKING:
    from docker.models.containers import Container

HOST, OWNER, SETTINGS = (f"mldeploy-lab.{name}" for name in ("host", "owner", "settings"))
UP_SECONDS = 60.0
SHUTDOWN_SECONDS = 30
STATE = "/run/lab"  # the supervisor's notes, see in_host/boot
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
COMMAND_LINES = "for each in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $each 2>&-; echo; done"


@dataclass(frozen=True)
class Host:
    """``address`` (port 22) is reached from this machine only; it stays over a reboot.

    ``port`` is the same sshd on the loopback: Docker's proxy accepts there also when the network is
    cut, which no real host does, so prefer the address.
    """

    name: str
    address: str
    port: int
    user: str
    folder: Path  # of this machine: the key that was made for it
    engine: bool
    disk: Disk | None

    @classmethod
    def of(cls, container: Container, folder: Path) -> Host:
        """The host that this container is."""
        told = json.loads(container.labels[SETTINGS])
        name = container.labels[HOST]
        disk = Disk(name) if told.pop("disk") else None
        return cls(name=name, folder=folder, disk=disk, **told)

    # How it is reached

    @property
    def key(self) -> Path:
        """The private key, without a passphrase; both of its users let it in."""
        return self.folder / "id_ed25519"

    @property
    def host_key(self) -> str:
        """Its public key as it is now: type and key."""
        return " ".join(self.exec(["cat", f"{HOST_KEY}.pub"]).split()[:2])

    @property
    def known_hosts_line(self) -> str:
        return f"{self.address} {self.host_key}"

    def ssh_config(self, path: Path, *, alias: str = "box") -> Path:
        """Write a configuration for `ssh -F`; what is known of it lies beside."""
        return laptop.write_config(self, path, alias=alias, key=self.key)

    def write_laptop(self, home: Path, *, alias: str = "box", known: bool = True) -> Laptop:
        """A home folder from which `ssh <alias>` gets here; unless ``known``, its key is new."""
        return laptop.write_laptop(self, home, alias=alias, known=known)

    # Its network

    def cut(self) -> None:
        """Not one packet more, either way: connections hang, new ones get no answer."""
        host_network.cut(self)

    def slow(self, *, delay_ms: float = 0, loss_percent: float = 0, rate_kbit: float = 0) -> None:
        """A bad line, the same for all that goes in and all that comes out; instead of another.

        ``delay_ms`` is that of one way, a round trip has two. What is lost is packets: TCP does the
        rest. ``rate_kbit`` is 1000 bits a second, each way; 0 is no limit.
        """
        host_network.slow(self, delay_ms, loss_percent, rate_kbit)

    def drop_connections(self) -> None:
        """End every ssh session at once, as a host does that runs out of memory."""
        self._sh("pkill -KILL -f '^sshd: .*(@|priv)' || true")

    def restore(self) -> None:
        """The network as it was at the start."""
        host_network.restore(self)

    def bytes_through(self) -> tuple[int, int]:
        """To the host, and from it, over ssh since its last start.

        With IP's and TCP's headers, though of packets that the kernel passes on as one, only once.
        """
        return host_network.bytes_through(self)

    # Its disk

    def fill_disk(self, leave: int = 0) -> None:
        """Leave so many bytes of its /var/lib/docker; only a host with a ``disk`` has an end."""
        if self.disk is None:
            raise ValueError("a host without a disk of its own would fill this machine's")
        self.disk.fill(leave)

    def empty_disk(self) -> None:
        """Give back what ``fill_disk`` took."""
        if self.disk is not None:
            self.disk.empty()

    # Its engine

    def kill_engine(self, pause: float = 1.0) -> None:
        """`kill -9` of dockerd; the supervisor starts it again after a pause, as systemd does."""
        pid = self._sh(f"echo {pause} > {STATE}/dockerd.pause; cat {STATE}/dockerd.pid").strip()
        self._sh(f"kill -9 {pid}")
        wait_for("its dockerd ends", lambda: not self._says_yes(f"kill -0 {pid}"), 10)

    def stop_engine(self) -> None:
        """`systemctl stop docker`: its containers end too."""
        note = f"{STATE}/dockerd.pid"
        self._sh(f"touch {STATE}/dockerd.stopped; if test -e {note}; then kill $(cat {note}); fi")
        gone = f"test ! -e {note}"
        wait_for("its dockerd ends", lambda: self._says_yes(gone), SHUTDOWN_SECONDS)

    def start_engine(self) -> None:
        """`systemctl start docker`, and an answer of it."""
        self._sh(f"rm -f {STATE}/dockerd.stopped")
        wait_for("its dockerd answers", self.engine_answers, UP_SECONDS)

    def load_images(self) -> None:
        """The base images, for an engine that was installed on a bare host."""
        with closing(_client(600)) as client:
            host_images.load_all(client, self.container)

    def engine_answers(self) -> bool:
        return self._says_yes("curl -sf -m 5 --unix-socket /run/docker.sock http://localhost/_ping")

    # All of it

    def reboot(self, *, orderly: bool = True) -> None:
        """All processes die, the disk stays; returns when it is up. Not ``orderly``: power loss."""
        with closing(_client()) as client:
            container = client.containers.get(self.container)
            if orderly:
                container.stop(timeout=SHUTDOWN_SECONDS)
            else:
                container.kill()
                container.wait(timeout=SHUTDOWN_SECONDS)
            container.start()
        self.wait_until_up()

    def wait_until_up(self, seconds: float = UP_SECONDS) -> None:
        """sshd greets, and the engine answers if it is to have one."""
        begun = time.monotonic()
        wait_for("its sshd greets", self._greets, seconds)
        if self.engine:
            left = begun + seconds - time.monotonic()
            wait_for("its dockerd answers", self.engine_answers, left)

    def change_host_key(self) -> None:
        """A new one, as after a new installation; connections that are there stay."""
        self._sh(
            f"rm -f {HOST_KEY} {HOST_KEY}.pub; ssh-keygen -q -t ed25519 -N '' -C '' -f {HOST_KEY}"
            f"; kill -HUP $(cat {STATE}/sshd.pid)"
        )
        wait_for("its sshd greets", self._greets, UP_SECONDS)

    # A look inside

    def processes(self) -> list[str]:
        """Every command line in it, those of its containers too, as `ps` shows them to anybody."""
        found = self._sh(COMMAND_LINES).splitlines()
        return [line.strip() for line in found if line.strip() and COMMAND_LINES not in line]

    def listening(self) -> list[str]:
        """``address:port`` of every TCP socket that listens in its own network.

        Left out is the resolver that this machine's Docker puts into every container.
        """
        found = {line.split()[3] for line in self._sh("ss -Hltn").splitlines()}
        return sorted(each for each in found if not each.startswith("127.0.0.11:"))

    def logs(self, service: str = "dockerd") -> str:
        """What dockerd, containerd or sshd wrote."""
        return self._sh(f"cat /var/log/{service}.log")

    def exec(self, words: Sequence[str], *, timeout: int = 60) -> str:
        """Run it as root, past the network; its output. Raises if it fails."""
        code, said = self._exec(words, timeout)
        if code != 0:
            raise FailedError(
                "lab-host-command",
                what=f"{' '.join(words)[:80]} failed in the lab's host {self.name}.",
                why=f"It ended with {code}.",
                do=f"Look into it: docker exec -it {self.container} bash",
                detail=said,
            )
        return said

    @property
    def container(self) -> str:
        return f"mldeploy-{self.name}"

    def _sh(self, script: str) -> str:
        return self.exec(["sh", "-c", script])

    def _says_yes(self, script: str) -> bool:
        return self._exec(["sh", "-c", script], 60)[0] == 0

    def _exec(self, words: Sequence[str], timeout: int) -> tuple[int, str]:
        # Not the SDK's exec_run: it loses what comes together with the answer's head.
        with closing(_client(timeout)) as client:
            container = client.containers.get(self.container)
            done = docker_exec.run(container, list(words), timeout=timeout)
        return done.code, done.out + done.err

    def _greets(self) -> bool:
        try:
            with socket.create_connection((self.address, 22), timeout=2) as asking:
                return asking.recv(4) == b"SSH-"
        except OSError:
            return False


def cgroup_of(name: str) -> str:
    """Where its engine's containers are in this machine's cgroups: a place to clear by name."""
    return f"/mldeploy-{name}"


def _client(timeout: int = 60) -> Any:
    import docker

    return docker.from_env(timeout=timeout)
