"""The contract between the runbook of jobs and whatever runs them.

What a runner says of a job it reads where the job runs: from its container's labels and its
supervisor's own notes, never from a note of this laptop.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mldeploy.jobs.record import Job

if TYPE_CHECKING:
    from mldeploy.data.base import Bind
    from mldeploy.ui import Ui

SUPERVISOR = Path(__file__).parent.parent / "project_side" / "job.py"
ASK_SECONDS = 20
READER = Path(__file__).parent.parent / "project_side" / "read_runs.py"


@dataclass(frozen=True)
class Seen:
    """How a job stands: ``none`` was never started there, or was removed since.

    ``died`` is one whose container or process ended without a word of its supervisor. ``told`` is
    what the supervisor wrote last: see project_side/job.py.
    """

    state: Literal["none", "running", "died", "ended"]
    told: dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One line of a job's log; ``mark`` is where to go on after it, of the runner's own kind."""

    mark: str
    text: str


class CutError(Exception):
    """A transfer broke off in the middle: to be tried again."""


class Runner(ABC):
    """Runs jobs in one place. Methods raise errors of :mod:`mldeploy.errors` only, unless said.

    Each may be called again after a crash at any point; every wait has a bound.
    """

    where: str  # in words

    @abstractmethod
    def make_ready(self, ui: Ui, *, gpu: bool) -> None:
        """Give the place what it lacks to run jobs; raises what would stop one, such as no GPU."""

    @abstractmethod
    def prepare(self, job: Job, code: Path, ui: Ui) -> None:
        """Have there what the job is made of; ``code`` is a folder with just its files."""

    @abstractmethod
    def start(self, job: Job, binds: Sequence[Bind], resumed: Path | None) -> None:
        """Start it, apart from any connection. One that was started already is left alone.

        ``resumed`` is a folder whose files are laid into the code before its command runs.
        """

    @abstractmethod
    def look(self, job: Job) -> Seen:
        """How it stands now."""

    @abstractmethod
    def lines(self, job: Job, after: str) -> Iterator[Line]:
        """Its log behind a mark (all of it: ``""``), until the job ends. Raises CutError."""

    @abstractmethod
    def stop(self, job: Job, seconds: int) -> None:
        """Ask it to end, and make it after ``seconds``; returns when it has."""

    @abstractmethod
    def pack(self, job: Job) -> None:
        """Lay out what a job left that ended without its supervisor."""

    @abstractmethod
    def read(self, job: Job, path: str) -> Iterator[bytes]:
        """A tar stream of a file or folder below the job's folder. Raises CutError, and
        FileNotFoundError where there is no such thing."""

    @abstractmethod
    def ask(self, job: Job, tool: Path, *words: str) -> str:
        """What a script of ours says beside the running job, started in its folder with these
        words; empty where it can't be asked."""

    @abstractmethod
    def remove(self, job: Job) -> list[str]:
        """Remove all that is of the job there, and say what; nothing there is no error."""

    @abstractmethod
    def listed(self) -> list[Job]:
        """The project's jobs there, whoever started them."""
