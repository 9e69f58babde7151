"""The engine of this machine: the one that answers, or one that the lab installs and starts."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mldeploy.errors import FailedError, RefusedError
from mldeploy.ui import Ui
from tests.lab import daemon, images, packages
from tests.lab.daemon import Daemon, program
from tests.lab.places import CACHE, locked

SOCKET = Path("/var/run/docker.sock")
MAIN = Daemon(
    socket=SOCKET,
    run=Path("/var/run/docker"),
    pidfile=Path("/var/run/docker.pid"),
    record=CACHE / "engine.json",
    log=CACHE / "dockerd.log",
)
PIDFILE_SECONDS = 30.0  # somebody else's dockerd that is just starting


@dataclass(frozen=True)
class Status:
    """``engine`` is a version or None; ``pid`` that of a dockerd which the lab started."""

    engine: str | None
    pid: int | None
    images: dict[str, bool]

    @property
    def ready(self) -> bool:
        return self.engine is not None and bool(self.images) and all(self.images.values())

    def as_dict(self) -> dict[str, Any]:
        return {"ready": self.ready, **asdict(self)}


def status() -> Status:
    import docker

    process = MAIN.process()
    engine = daemon.version()
    if engine is None:
        return Status(None, process.pid if process else None, {})
    with closing(docker.from_env()) as client:
        found = images.present(client)
    return Status(engine, process.pid if process else None, found)


def bring_up(ui: Ui, cache: Path = CACHE) -> int | None:
    """An engine that answers, and the base images in it; the pid of the dockerd that this started.

    None where one answered already: it is used as it is, and is not ours to end.
    """
    import docker

    with locked(cache):
        started = _ensure_engine(ui)
        try:
            with closing(docker.from_env(timeout=600)) as client:
                images.ensure(client, cache, ui)
        except BaseException:  # whoever typed this, or .ci/run, knows nothing of it yet
            if started:
                MAIN.stop()
            raise
    return started


def take_down(pid: int | None = None, cache: Path = CACHE) -> int | None:
    """End the dockerd that the lab started, with its containers; its pid, or None: there is none.

    With ``pid`` only if it is that one. Images and volumes stay on the disk for the next start.
    """
    with locked(cache):
        process = MAIN.process()
        if process is None or pid not in {None, process.pid}:
            return None
        MAIN.stop()
        return process.pid


def _ensure_engine(ui: Ui) -> int | None:
    if found := daemon.version():
        ui.note(f"Docker Engine {found} answers: used as it is")
        return None
    if host := os.environ.get("DOCKER_HOST"):
        raise RefusedError(
            "lab-docker-host",
            what="The lab started no engine.",
            why=f"DOCKER_HOST is {host}, and nothing answers there.",
            do="Start that engine, or: unset DOCKER_HOST",
        )
    packages.install(packages.ENGINE, ui, purpose="A Docker engine")
    if _somebody_starts_it():
        return None
    with ui.step("start dockerd") as step:
        pid = MAIN.start()
        step.say(f"Docker Engine {daemon.version()}, pid {pid}, log {MAIN.log}")
    return pid


def _somebody_starts_it() -> bool:
    """With systemd, installing starts it; and a dockerd that we did not start may be on its way."""
    if Path("/run/systemd/system").is_dir():
        subprocess.run(["systemctl", "start", "docker"], timeout=60, check=False)
    deadline = time.monotonic() + PIDFILE_SECONDS
    while daemon.runs(MAIN.pidfile, "dockerd"):
        if daemon.answers():
            return True
        if time.monotonic() > deadline:
            raise FailedError(
                "lab-engine-stuck",
                what="The lab started no engine.",
                why=f"A dockerd runs (pid {MAIN.pidfile.read_text().strip()}), but does not answer "
                f"at {SOCKET} within {PIDFILE_SECONDS:.0f} s.",
                do=f"Look at it: {program('ps')} aux | grep dockerd",
            )
        time.sleep(0.1)
    return False
