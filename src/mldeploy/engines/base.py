"""The contract between the runbooks and whatever runs releases.

The runbooks know nothing of processes or containers; an engine knows nothing of plans, gates or
words to the user. Truth lives where the release runs: an engine answers from what is really there,
never from a note about what it meant to do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from mldeploy.golden import Request
    from mldeploy.history import Event
    from mldeploy.release import Release

State = Literal["serving", "unhealthy", "dead", "down"]


@dataclass(frozen=True)
class Serving:
    """What runs now.

    ``state``: ``serving`` answers ``/readyz``; ``unhealthy`` is alive and does not; ``dead`` should
    run and does not (killed, crashed, machine restarted); ``down`` is not meant to run. The other
    fields are None when ``down``. ``detail`` says in words how we know.
    """

    state: State
    release: str | None = None
    url: str | None = None
    started_at: str | None = None
    replicas: int = 0
    detail: str = ""


@dataclass(frozen=True)
class Candidate:
    """A new release, started beside the one that serves; it gets no user's request yet.

    ``url`` reaches it for the gate; ``handle`` is the engine's own.
    """

    release: str
    url: str
    handle: Any


@dataclass(frozen=True)
class Switched:
    """``pause`` is how long no server answered; None when no request could be lost."""

    url: str
    pause: timedelta | None


@dataclass(frozen=True)
class Removed:
    """One line of a receipt: what was removed, or what is ``left`` and why."""

    what: str
    left: bool = False


class Engine(ABC):
    """Runs the releases of one target.

    Every method has a bound on how long it waits, and may be called again after a crash at any
    point. Unless said otherwise a method raises only errors of :mod:`mldeploy.errors`.
    """

    @abstractmethod
    def lock(self, action: str) -> AbstractContextManager[None]:
        """Hold the target for one action; raises RefusedError naming who holds it, at once."""

    @abstractmethod
    def serving(self) -> Serving:
        """What runs now. Needs no lock, changes nothing, answers within 3 seconds."""

    @abstractmethod
    def tidy(self) -> list[str]:
        """Remove what an interrupted action left, and say what. Needs the lock."""

    @abstractmethod
    def check(self) -> None:
        """Raise now what would stop a switch later, such as a port that somebody else holds."""

    @abstractmethod
    def start(self, release: Release) -> Candidate:
        """Start a release beside the one that serves, and return when it answers ``/readyz``.

        Raises RefusedError, with its last log lines, if it dies or isn't ready in time; then
        nothing of it runs any more.
        """

    @abstractmethod
    def ask(self, candidate: Candidate, request: Request) -> Any:
        """The candidate's JSON answer to one golden request; an HTTP error is a RefusedError."""

    @abstractmethod
    def switch(self, candidate: Candidate) -> Switched:
        """Give the candidate the users' requests, let the old finish its own, and end it.

        The point of no return is inside: when this raises, the error says what serves now.
        """

    @abstractmethod
    def discard(self, candidate: Candidate) -> None:
        """End a candidate. Never raises, may be called twice."""

    @abstractmethod
    def stop(self) -> list[Removed]:
        """End everything of this target; what could not be ended is in the answer as left."""

    @abstractmethod
    def record(self, event: Event) -> None:
        """Append to the target's history."""

    @abstractmethod
    def history(self) -> list[Event]:
        """Everything recorded, oldest first."""

    @abstractmethod
    def log(self, *, lines: int | None, since: datetime | None, follow: bool) -> Iterator[str]:
        """The log of what serves (or served last): its last ``lines``, from ``since`` on.

        With ``follow`` it never ends by itself, and goes on with the next release after a switch.
        """
