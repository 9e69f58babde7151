"""One dockerd that the lab starts: known again by its pid and its start, ended by nothing else."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mldeploy.errors import FailedError

if TYPE_CHECKING:
    import docker
    import psutil

DEFAULT = "unix:///var/run/docker.sock"
START_SECONDS = 60.0
STOP_SECONDS = 60.0  # dockerd gives its containers 15 s, then kills them
PING_SECONDS = 5
LOG_LINES = 15

# A daemon is meant to outlive us; a Popen object that goes before its process makes Python warn.
_OUTLIVING_US: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Daemon:
    """A dockerd, running or not: where its socket is, and where it keeps what dies with it."""

    socket: Path
    run: Path  # dockerd's exec-root: what lives as long as the processes do
    pidfile: Path  # dockerd's own
    record: Path  # ours: which process it is that the lab started
    log: Path
    arguments: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def containerd(self) -> Path:
        return self.run / "containerd"

    def client(self, timeout: float = 120) -> docker.DockerClient:
        """A new client, which the caller closes; raises DockerException where nobody answers."""
        import docker

        return docker.DockerClient(base_url=self.url, timeout=int(timeout))

    def answers(self) -> bool:
        return answers(self.url)

    def process(self) -> psutil.Process | None:
        """The live process that the lab started, if it still is that one."""
        import psutil

        try:
            started = json.loads(self.record.read_text(encoding="utf-8"))
            pid = int(started["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if identity(pid) != started.get("identity"):
            return None
        with suppress(psutil.Error):
            return psutil.Process(pid)
        return None

    def start(self, seconds: float = START_SECONDS) -> int:
        """Start it in a session of its own and return its pid when it answers."""
        self._clear_stale_notes()
        self.record.parent.mkdir(parents=True, exist_ok=True)
        command = [
            program("dockerd"),
            f"--host={self.url}",
            f"--exec-root={self.run}",
            f"--pidfile={self.pidfile}",
            *self.arguments,
        ]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _OUTLIVING_US.append(process)
        note = {"pid": process.pid, "identity": identity(process.pid), "socket": str(self.socket)}
        written = self.record.with_suffix(".part")
        written.write_text(json.dumps(note), encoding="utf-8")
        written.replace(self.record)
        self._wait_for_answer(process, seconds)
        return process.pid

    def _wait_for_answer(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        begun = time.monotonic()
        while not self.answers():
            ended = process.poll() is not None
            if ended or time.monotonic() - begun > seconds:
                if not ended:
                    self.kill()
                raise FailedError(
                    "lab-engine-silent",
                    what="The lab's Docker engine did not start.",
                    why="dockerd ended." if ended else f"It did not answer within {seconds:.0f} s.",
                    do=f"Read its log: {self.log}",
                    detail="\n".join(self.last_words()),
                )
            time.sleep(0.1)

    def last_words(self) -> list[str]:
        with suppress(OSError):
            return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        return []

    def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """SIGTERM, which ends its containers too; after ``seconds`` SIGKILL. False: none ran."""
        import psutil

        process = self.process()
        if process is None:
            self.record.unlink(missing_ok=True)
            return False
        process.terminate()
        try:
            process.wait(seconds)
        except psutil.TimeoutExpired:
            self.kill()
        self._wait_for_containerd()
        self.record.unlink(missing_ok=True)
        return True

    def kill(self) -> None:
        """SIGKILL, as the kernel does when memory is short. Containers run on until `start`.

        What talks through a published loopback port does not: docker-proxy dies with dockerd.
        """
        if process := self.process():
            process.kill()
            process.wait(PING_SECONDS)
        self._wait_for_containerd()

    def _wait_for_containerd(self) -> None:
        """It gets a SIGKILL when dockerd dies; a dockerd started meanwhile would take it up."""
        _OUTLIVING_US[:] = [process for process in _OUTLIVING_US if process.poll() is None]
        note = self.containerd / "containerd.pid"
        deadline = time.monotonic() + 10
        while runs(note, "containerd") and time.monotonic() < deadline:
            time.sleep(0.05)

    def _clear_stale_notes(self) -> None:
        """After a crash or a reboot a pid file may name somebody else's process.

        dockerd 20.10 believes it and refuses to start, or waits for a containerd that is none.
        """
        if not runs(self.pidfile, "dockerd"):
            self.pidfile.unlink(missing_ok=True)
        note = self.containerd / "containerd.pid"
        if not runs(note, "containerd"):
            note.unlink(missing_ok=True)


def answers(url: str | None = None) -> bool:
    """Does an engine answer at ``url``, or where the docker SDK looks by itself?"""
    return version(url) is not None


def version(url: str | None = None) -> str | None:
    """The version of the engine that answers, or None."""
    import docker
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    environment = os.environ if url is None else os.environ | {"DOCKER_HOST": url}
    if not _somebody_listens(environment.get("DOCKER_HOST") or DEFAULT):
        return None
    try:
        client = docker.from_env(timeout=PING_SECONDS, environment=dict(environment))
    except (DockerException, RequestException):
        return None
    try:
        client.ping()
        return str(client.version()["Version"])
    except (DockerException, RequestException):
        return None
    finally:
        client.close()


def _somebody_listens(url: str) -> bool:
    """Asked first, as the SDK leaves a socket open that it could not connect, and Python warns."""
    scheme, _, path = url.partition("://")
    if scheme != "unix":
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(PING_SECONDS)
        return probe.connect_ex(path) == 0


def identity(pid: int) -> str | None:
    """Which process this is, also after a reboot or when the clock was set; None: not alive."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    state, start = fields[0], fields[19]
    return None if state in "ZX" else f"{boot} {start}"


def runs(pidfile: Path, name: str) -> bool:
    """Is the process that a program's own pid file names really that program?"""
    try:
        pid = int(pidfile.read_text())
        called = Path(f"/proc/{pid}/comm").read_text().strip()
    except (OSError, ValueError):
        return False
    return called == name and identity(pid) is not None


def program(name: str) -> str:
    """A system program, also where the PATH has no folders for the administrator."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/bin", "/bin"])
    return shutil.which(name, path=path) or name
