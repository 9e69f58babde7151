"""The contract between the runbooks and whatever runs releases.

The runbooks know nothing of processes or containers; an engine knows nothing of plans, gates or
words to the user. Truth lives where the release runs: an engine answers from what is really there,
never from a note about what it meant to do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mldeploy.errors import ConfigError

if TYPE_CHECKING:
    from mldeploy.golden import Golden, Request
    from mldeploy.history import Event
    from mldeploy.keys import Key
    from mldeploy.providers.base import Rented
    from mldeploy.release import Release
    from mldeploy.timeline import Span
    from mldeploy.ui import Ui

State = Literal["serving", "unhealthy", "dead", "down"]


@dataclass(frozen=True)
class Serving:
    """What runs now.

    ``state``: ``serving`` answers ``/readyz``; ``unhealthy`` is alive and does not; ``dead`` should
    run and does not (killed, crashed, machine restarted); ``down`` is not meant to run. The other
    fields are None when ``down``. ``replicas`` is how many are there, well or not; ``detail`` says
    in words how we know.
    """

    state: State
    release: str | None = None
    url: str | None = None
    started_at: str | None = None
    replicas: int = 0
    detail: str = ""


@dataclass(frozen=True)
class Candidate:
    """Replicas started beside what serves; they get no user's request yet.

    ``place`` says in words where they are; ``handle`` is the engine's own.
    """

    release: str
    place: str
    handle: Any


@dataclass(frozen=True)
class Replica:
    """One running copy of a release, as it is now.

    ``state`` is ``ready``, ``unready`` or the engine's word for what it is instead; ``memory`` is
    in bytes; ``metrics`` is the text of its ``/metrics``, empty when it does not answer.
    """

    name: str
    release: str
    state: str
    started_at: str | None
    restarts: int
    memory: int | None
    metrics: str


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

    # For `--explain`: the command that a person would type, and why.
    start_in_words: ClassVar[tuple[str, str]]
    switch_in_words: ClassVar[tuple[str, str]]
    stop_in_words: ClassVar[tuple[str, str]]

    @property
    @abstractmethod
    def url(self) -> str:
        """Where users reach what serves here, or would; asks nobody."""

    def rent(self, ui: Ui) -> bool:
        """Rent the machine if its target rents one and has none; True when it boots now.

        A person is shown the price and asked before. :meth:`make_ready` waits for it.
        """
        del ui
        return False

    def rented(self) -> Rented | None:
        """The machine that is rented for this target now; None where the user has one."""
        return None

    def meanwhile(self) -> list[Span]:
        """What the machine did while something else was done here, for the timeline."""
        return []

    def what_stays(self) -> list[str]:
        """After an `up` that failed: what exists and costs something, and how to end it."""
        return []

    def make_ready(self, ui: Ui) -> None:
        """Give the machine what it lacks to run releases, such as Docker; a person is asked."""
        del ui  # a process needs this machine alone

    def reached(self, url: str) -> AbstractContextManager[str]:
        """The address at which this laptop reaches ``url``, as long as the context lasts."""
        return nullcontext(url)

    def keep_reached(self) -> None:
        """Make the way there again if it broke; called now and then while one is held open."""
        return

    def login(self) -> list[str]:
        """The command that opens a shell on the machine."""
        raise cannot("ssh", "it runs on this machine: there is nowhere to log in to")

    # One at a time

    @abstractmethod
    def lock(self, action: str) -> AbstractContextManager[None]:
        """Hold the target for one action; raises RefusedError naming who holds it, at once."""

    @abstractmethod
    def refuse_if_locked(self) -> None:
        """Raise what :meth:`lock` would raise now: said before a build, not after it."""

    @abstractmethod
    def unlock(self) -> str | None:
        """Break the lock by hand, and say whose it was; None when there was none."""

    # What is there

    @abstractmethod
    def serving(self) -> Serving:
        """What runs now. Needs no lock, changes nothing, answers within 3 seconds."""

    @abstractmethod
    def as_wanted(self, now: Serving, release: Release) -> bool:
        """Does ``now`` serve this release, with the settings that mldeploy.toml has now?"""

    @abstractmethod
    def replicas(self) -> list[Replica]:
        """Every replica of what serves; empty when nothing does."""

    @abstractmethod
    def releases(self) -> list[Release]:
        """The releases that can be started here without building, oldest first."""

    @abstractmethod
    def golden(self, release: str) -> Golden:
        """The golden requests that were stored with a release."""

    @abstractmethod
    def keys(self) -> tuple[Key, ...]:
        """The API keys that are valid now, the newest last; empty when none is asked for."""

    def authority(self) -> str | None:
        """The root certificate, as PEM text, of what serves if it is its own authority, now.

        None where a public authority vouches for it, or nothing is encrypted.
        """
        return None

    @abstractmethod
    def needs_here(self) -> set[str]:
        """The releases whose folders in .mldeploy this target needs to run or to roll back."""

    # The steps of a switch

    @abstractmethod
    def tidy(self) -> list[str]:
        """Remove what an interrupted action left, and say what. Needs the lock."""

    @abstractmethod
    def check(self) -> None:
        """Raise now what would stop a switch later, such as a port that somebody else holds."""

    @abstractmethod
    def prepare(self, release: Release, ui: Ui) -> None:
        """Put a release that was built here where it will run. Needs no lock, may take minutes."""

    @abstractmethod
    def start(self, release: Release) -> Candidate:
        """Start a release beside the one that serves, and return when it answers ``/readyz``.

        As many replicas as the target wants. Raises RefusedError, with the last log lines, if one
        dies or isn't ready in time; then nothing of them runs any more.
        """

    @abstractmethod
    def start_more(self, count: int) -> Candidate:
        """Start ``count`` more replicas of what serves, as it serves; a switch adds them."""

    @abstractmethod
    def ask(self, candidate: Candidate, request: Request) -> list[Any]:
        """Each replica's JSON answer to one golden request; an HTTP error is a RefusedError."""

    @abstractmethod
    def switch(self, candidate: Candidate) -> Switched:
        """Give the candidate the users' requests, let the old finish its own, and end it.

        The point of no return is inside: when this raises, the error says what serves now.
        """

    @abstractmethod
    def discard(self, candidate: Candidate) -> None:
        """End a candidate. Never raises, may be called twice."""

    @abstractmethod
    def stop_some(self, count: int) -> list[Removed]:
        """Take ``count`` replicas out of what serves: they finish their requests and end."""

    @abstractmethod
    def stop(self) -> list[Removed]:
        """End everything of this target; what could not be ended is in the answer as left."""

    @abstractmethod
    def prune(self) -> list[str]:
        """Remove what no release of :func:`mldeploy.history.kept` needs any more, and say what."""

    # The record

    @abstractmethod
    def record(self, event: Event) -> None:
        """Append to the target's history."""

    @abstractmethod
    def history(self) -> list[Event]:
        """Everything recorded, oldest first."""

    @abstractmethod
    def log(
        self, *, lines: int | None, since: datetime | None, follow: bool, edge: bool = False
    ) -> Iterator[str]:
        """The log of what serves (or served last): its last ``lines``, from ``since`` on.

        With ``follow`` it never ends by itself, and goes on with the next release after a switch.
        ``edge`` is for the log of what stands in front of the replicas, where something does.
        """

    def rotate_keys(self, *, at_once: bool) -> tuple[Key, ...]:
        """A new API key; the one before stays valid until the next rotation, or ends at once."""
        raise cannot("keys rotate", "its address is this machine's own: no key is asked for")

    def execute(self, command: list[str], write: Callable[[bytes], None]) -> int:
        """Run a command where a replica runs; ``write`` gets its output, its code is returned."""
        raise cannot("exec", "it is a process of this machine, not a machine of its own")


def cannot(verb: str, why: str) -> ConfigError:
    return ConfigError(
        "not-on-this-kind",
        what=f"`{verb}` has no meaning on this target.",
        why=f"{why[0].upper()}{why[1:]}.",
        do="mldeploy status     (shows what there is)",
    )
