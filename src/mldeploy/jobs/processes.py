"""Jobs as processes of this machine, in a clean copy of the code: nothing of Docker is needed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldeploy.errors import FailedError
from mldeploy.jobs import shelf
from mldeploy.jobs.base import ASK_SECONDS, SUPERVISOR, Line, Runner, Seen
from mldeploy.jobs.environment import settings
from mldeploy.jobs.record import Job
from mldeploy.jobs.told import environment_of, order_of
from mldeploy.programs import environment, last_lines
from mldeploy.project import Project

if TYPE_CHECKING:
    from mldeploy.data.base import Bind
    from mldeploy.ui import Ui

LOOK_SECONDS = 0.1
START_SECONDS = 20
PACK_SECONDS = 600
NOT_A_JOBS = ("MLFLOW_TRACKING_URI",)  # its runs come home as files, like those of any other job


class ProcessRunner(Runner):
    """Each job has a folder ``place`` of its own, which is the job's world."""

    where = "this machine"

    def __init__(self, project: Project) -> None:
        self.project = project

    def place(self, job: Job) -> Path:
        return shelf.place_of(self.project, job.id) / "place"

    def make_ready(self, ui: Ui, *, gpu: bool) -> None:
        if gpu and not (shutil.which("nvidia-smi") or Path("/dev/nvidia0").exists()):
            raise FailedError(
                "no-gpu",
                what="This machine has no GPU that a job could use.",
                why="There is no NVIDIA driver: neither nvidia-smi nor /dev/nvidia0.",
                do="leave --gpu out, or run it on a target with one: --on TARGET",
            )

    def prepare(self, job: Job, code: Path, ui: Ui) -> None:
        from mldeploy.jobs import images

        if (self.place(job) / "code").exists():
            return
        place = self.place(job)
        place.mkdir(parents=True, exist_ok=True)
        interpreter = images.environment_here(self.project, job, code, ui)
        (place / "interpreter").write_text(str(interpreter), encoding="utf-8")
        draft = place / "code.new"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(code, draft)
        draft.rename(place / "code")

    def start(self, job: Job, binds: Sequence[Bind], resumed: Path | None) -> None:
        place = self.place(job)
        if self.look(job).state != "none":
            return
        (place / "order.json").touch(mode=0o600)  # a variable may be a secret
        (place / "order.json").write_text(json.dumps(order_of(job)), encoding="utf-8")
        for bind in binds:
            link = place / "code" / bind.at.strip("/")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(bind.source)
        if resumed:
            shutil.copytree(resumed, place / "resumed", dirs_exist_ok=True)
        interpreter = Path((place / "interpreter").read_text(encoding="utf-8"))
        own = environment_of(job) | settings(interpreter, place / "code")
        with (place / "log").open("ab") as log, (place / "err").open("ab") as err:
            process = subprocess.Popen(
                [sys.executable, str(SUPERVISOR), str(place)],
                cwd=place,
                env={k: v for k, v in environment(own).items() if k not in NOT_A_JOBS},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=err,
                start_new_session=True,  # it goes on when this command, or the terminal, ends
            )
        (place / "pid").write_text(_identity(process.pid), encoding="utf-8")
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and not (place / "state.json").exists():
            if time.monotonic() > deadline:
                break
            time.sleep(LOOK_SECONDS / 5)
        if not (place / "state.json").exists():
            said = (place / "err").read_text(encoding="utf-8", errors="replace")
            raise FailedError(
                "job-not-started",
                what=f"Job {job.number} did not start.",
                why=f"Its supervisor ended with {process.poll()}.",
                do=f"mldeploy jobs show {job.number}",
                detail=last_lines(said, 10),
            )
        process.returncode = 0  # it is nobody's child to wait for: it lives on without us

    def look(self, job: Job) -> Seen:
        place = self.place(job)
        state = _read(place / "state.json")
        if not (place / "pid").exists():
            return Seen("none", {})
        if state.get("state") == "ended":
            return Seen("ended", state)
        if _is_alive(place / "pid"):
            return Seen("running", state)
        state = _read(place / "state.json")  # it may have ended between the two looks
        return Seen("ended" if state.get("state") == "ended" else "died", state)

    def lines(self, job: Job, after: str) -> Iterator[Line]:
        """A mark is how many bytes of the log were read."""
        read, kept = int(after or 0), b""
        log = self.place(job) / "log"
        while True:
            over = self.look(job).state != "running"
            if log.exists():
                with log.open("rb") as file:
                    file.seek(read + len(kept))
                    news = file.read()
                *whole, kept = (kept + news).split(b"\n")
                for line in whole:
                    read += len(line) + 1
                    yield Line(str(read), line.decode("utf-8", "replace").rstrip("\r"))
            if over:
                if kept:
                    yield Line(str(read + len(kept)), kept.decode("utf-8", "replace"))
                return
            time.sleep(LOOK_SECONDS)

    def ask(self, job: Job, tool: Path, *words: str) -> str:
        try:
            done = subprocess.run(
                [sys.executable, str(tool), *words],
                cwd=self.place(job),
                capture_output=True,
                text=True,
                timeout=ASK_SECONDS,
                check=False,
            )
        except (subprocess.TimeoutExpired, OSError):
            return ""
        return done.stdout if done.returncode == 0 else ""

    def stop(self, job: Job, seconds: int) -> None:
        file = self.place(job) / "pid"
        for how, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 10)):
            if not _is_alive(file):
                return
            os.kill(_pid(file), how)
            deadline = time.monotonic() + patience
            while _is_alive(file) and time.monotonic() < deadline:
                time.sleep(LOOK_SECONDS)

    def pack(self, job: Job) -> None:
        subprocess.run(
            [sys.executable, str(SUPERVISOR), str(self.place(job)), "pack"],
            capture_output=True,
            timeout=PACK_SECONDS,
            check=True,
        )

    def read(self, job: Job, path: str) -> Iterator[bytes]:
        source = self.place(job) / path
        if not source.exists():
            raise FileNotFoundError(path)
        files = [source] if source.is_file() else sorted(source.rglob("*"))
        for file in files:  # one tar a file, and one end for all: see tarfile's blocks
            if file.is_file():
                name = file.relative_to(source.parent).as_posix()
                yield from _as_tar(name, file)
        yield b"\0" * 1024

    def remove(self, job: Job) -> list[str]:
        place = self.place(job)
        if not place.exists():
            return []
        self.stop(job, 10)
        shutil.rmtree(place)
        return [f"folder {place}"]

    def listed(self) -> list[Job]:
        return [job for job in shelf.all_of(self.project) if self.place(job).exists()]


def _as_tar(name: str, file: Path) -> Iterator[bytes]:
    entry = tarfile.TarInfo(name)
    found = file.stat()
    entry.size, entry.mode, entry.mtime = found.st_size, found.st_mode & 0o777, int(found.st_mtime)
    yield entry.tobuf(format=tarfile.PAX_FORMAT)
    left = entry.size
    with file.open("rb") as reader:
        while left > 0 and (chunk := reader.read(min(1 << 20, left))):
            left -= len(chunk)
            yield chunk
    yield b"\0" * (-entry.size % tarfile.BLOCKSIZE)


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _identity(pid: int) -> str:
    """A number and when it began: numbers are given again."""
    import psutil

    try:
        return f"{pid} {psutil.Process(pid).create_time()}"
    except psutil.Error:
        return f"{pid} 0"


def _pid(file: Path) -> int:
    return int(file.read_text(encoding="utf-8").split()[0])


def _is_alive(file: Path) -> bool:
    import psutil

    try:
        pid, began = file.read_text(encoding="utf-8").split()
        process = psutil.Process(int(pid))
        zombie = process.status() == psutil.STATUS_ZOMBIE
        return not zombie and abs(process.create_time() - float(began)) < 1
    except (OSError, ValueError, psutil.Error):
        return False
