"""Stay with a job that runs: its log as it comes, how its metrics stand, its checkpoints."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from mldeploy.errors import FailedError, MldeployError
from mldeploy.jobs import shelf
from mldeploy.jobs.base import READER, SUPERVISOR, CutError, Line, Runner, Seen
from mldeploy.jobs.fetching import as_file
from mldeploy.jobs.places import JobPlace, Rental
from mldeploy.jobs.record import Job
from mldeploy.project import Project
from mldeploy.providers import lifetime
from mldeploy.ui import Ui

QUIET_SECONDS = 10.0  # of a log, before it is said that the job is still at work
LIVE_SECONDS = 10.0  # between two looks at the metrics
COPY_SECONDS = 60.0  # between two looks at the checkpoints
COPY = "MLDEPLOY_CHECKPOINT_SECONDS"  # other seconds than those
MOST_PATIENCE = 600.0  # seconds without any answer, after which this command gives up waiting
MARK = "log.mark"  # how far the log was read
NOTE_SECONDS = 0.5


class MachineGoneError(Exception):
    """The machine that was rented for the job is no more."""


@dataclass
class Watch:
    """One job, watched by one command. ``out`` gets each line of the log."""

    project: Project
    job: Job
    place: JobPlace
    ui: Ui
    out: Callable[[str], None]
    _heard: float = field(default_factory=time.monotonic)
    _said: str = ""

    def until_it_ends(self) -> Seen:
        """Raises MachineGoneError, and FailedError when nothing answers for ten minutes."""
        stop = threading.Event()
        beside = threading.Thread(target=self._look_on, args=(stop,), daemon=True)
        beside.start()
        try:
            return self._follow()
        finally:
            stop.set()
            beside.join(timeout=1)

    def _follow(self) -> Seen:
        silent_since: float | None = None
        while True:
            try:
                self.read_on()
                seen = self.place.runner.look(self.job)
                if seen.state != "running":
                    self.read_on()
                    return seen
                silent_since = None
                time.sleep(0.2)
            except (CutError, MldeployError) as error:
                silent_since = silent_since or time.monotonic()
                self._bear(error, silent_since)

    def read_on(self) -> None:
        """The log behind what is here already; each line is kept here as well."""
        with KeptLog(shelf.log_of(self.project, self.job)) as log:
            for line in self.place.runner.lines(self.job, log.mark):
                log.write(line)
                self._heard = time.monotonic()
                self.out(line.text)

    def _bear(self, error: Exception, since: float) -> None:
        """A line that is cut is no reason to stop; a machine that is gone, or silent, is."""
        if self.place.rental is not None and self._is_gone(self.place.rental):
            raise MachineGoneError from error
        if time.monotonic() - since > MOST_PATIENCE or not _passes(error):
            if isinstance(error, MldeployError):
                raise error
            raise FailedError(
                "job-silent",
                what=f"{self.place.runner.where} does not answer any more.",
                why=f"{error}. The job goes on there, as far as anybody knows.",
                do=f"mldeploy jobs logs -f {self.job.number}",
            ) from error
        self.ui.note(f"the line to {self.place.runner.where} broke; the job goes on; once more")
        time.sleep(2)

    def _is_gone(self, rental: Rental) -> bool:
        """False, too, where the cloud does not answer: without a network nothing is known."""
        try:
            return rental.is_gone(self.ui)
        except MldeployError:
            return False

    # Beside it, in a thread

    def _look_on(self, stop: threading.Event) -> None:
        looked = copied = time.monotonic()
        while not stop.wait(0.5):
            now = time.monotonic()
            with suppress(MldeployError, CutError, OSError, ValueError):
                if now - looked > LIVE_SECONDS:
                    looked = now
                    self._tell_metrics()
                if self.place.rental is not None and now - copied > _copy_seconds():
                    copy_checkpoints(self.project, self.job, self.place.runner)
                    copied = time.monotonic()
            if now - self._heard > QUIET_SECONDS:
                self._heard = now
                self.ui.note(f"job {self.job.number} runs{self._since()}")

    def _tell_metrics(self) -> None:
        told = brief(live_runs(self.job, self.place.runner))
        if told and told != self._said:
            self._said = told
            self._heard = time.monotonic()
            self.ui.note(f"job {self.job.number}{self._since()}: {told}")

    def _since(self) -> str:
        lasted = self.job.lasted(datetime.now(UTC))
        return f", since {lifetime.words(lasted)}" if lasted else ""


class KeptLog:
    """The log here, and how far it has come. Whatever ends us, no line is missing or comes twice:
    what stands behind the last mark is taken back, and read again."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.note = file.with_name(MARK)
        self.mark, self.length = "", 0
        self._noted = 0.0

    def __enter__(self) -> KeptLog:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError, ValueError):
            told = json.loads(self.note.read_text(encoding="utf-8"))
            self.mark, self.length = told["mark"], told["bytes"]
        self._open = self.file.open("ab")
        self._open.truncate(self.length)
        return self

    def write(self, line: Line) -> None:
        data = f"{line.text}\n".encode()
        self._open.write(data)
        self._open.flush()
        self.mark, self.length = line.mark, self.length + len(data)
        if time.monotonic() - self._noted > NOTE_SECONDS:
            self._note()

    def __exit__(self, *_: object) -> None:
        self._note()
        self._open.close()

    def _note(self) -> None:
        draft = self.note.with_suffix(".new")
        draft.write_text(json.dumps({"mark": self.mark, "bytes": self.length}), encoding="utf-8")
        draft.replace(self.note)
        self._noted = time.monotonic()


def live_runs(job: Job, runner: Runner) -> list[dict[str, Any]]:
    """The MLflow runs of a job that runs, as far as they have come, and what it has printed."""
    runs: list[dict[str, Any]] = _told(runner.ask(job, READER, "code")).get("runs", [])
    printed = _told(runner.ask(job, SUPERVISOR, ".", "metrics"))
    return [*runs, {"name": "printed", "metrics": printed}] if printed else runs


def _told(said: str) -> dict[str, Any]:
    """Nothing, of one that runs no more, or that has nothing to tell yet."""
    try:
        told = json.loads(said or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def brief(runs: list[dict[str, Any]]) -> str:
    """The newest run's metrics in one line."""
    if not runs:
        return ""
    newest = max(runs, key=lambda run: run.get("start_time") or run.get("start") or 0)
    metrics = newest.get("metrics") or {}
    parts = []
    for name, value in list(metrics.items())[:4]:
        number = value.get("value") if isinstance(value, dict) else value
        parts.append(f"{name} {number:.4g}" if isinstance(number, float) else f"{name} {number}")
    return ", ".join(parts)


def copy_checkpoints(project: Project, job: Job, runner: Runner) -> int:
    """Have the files of the output folder here, as they are now: if the machine is taken away,
    they are what is left. Returns how many came.

    A file that was written to meanwhile may have been copied half-way: it does not count.
    """
    here = shelf.place_of(project, job.id) / "live"
    listing = here.with_name("live.json")
    have: dict[str, list[int]] = {}
    with suppress(OSError, ValueError):
        have = json.loads(listing.read_text(encoding="utf-8"))
    now = _marks(job, runner)
    changed = [name for name in sorted(now) if have.get(name) != now[name]]
    drafts = {name: _copy(job, runner, name, here) for name in changed}
    after = _marks(job, runner)
    came = 0
    for name, draft in drafts.items():
        if draft is None:
            continue
        if after.get(name) == now[name] and draft.stat().st_size == now[name][0]:
            draft.replace(here / name)
            have[name] = now[name]
            came += 1
        else:
            draft.unlink()
    if came:
        listing.write_text(json.dumps(have), encoding="utf-8")
    return came


def _marks(job: Job, runner: Runner) -> dict[str, list[int]]:
    """Size and time of each file of the output folder."""
    found: dict[str, list[int]] = _told(runner.ask(job, SUPERVISOR, ".", "list"))
    return {name: marks for name, marks in found.items() if ".." not in PurePosixPath(name).parts}


def _copy(job: Job, runner: Runner, name: str, here: Path) -> Path | None:
    """A draft of one file; None for one that went meanwhile."""
    to = here / name
    to.parent.mkdir(parents=True, exist_ok=True)
    draft = to.with_name(f"{to.name[:200]}.part")
    try:
        stream = runner.read(job, f"code/{job.order.outputs}/{name}")
        with tarfile.open(fileobj=as_file(stream), mode="r|") as archive:
            for entry in archive:
                if (reader := archive.extractfile(entry)) is not None:
                    with draft.open("wb") as file:
                        shutil.copyfileobj(reader, file)
                    return draft
    except (FileNotFoundError, tarfile.TarError):
        pass
    return None


def _copy_seconds() -> float:
    told = os.environ.get(COPY, "")
    return float(told) if told.isdigit() else COPY_SECONDS


def _passes(error: Exception) -> bool:
    """May it be over in a minute?"""
    if isinstance(error, CutError):
        return True
    passing = ("ssh-", "docker-gone", "docker-down", "aws-", "paperspace-", "no-network")
    stays = ("ssh-denied", "ssh-host-changed")
    code = getattr(error, "code", "")
    return code.startswith(passing) and not code.startswith(stays)
