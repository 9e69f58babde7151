"""What happened to a target: events, and what follows from them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Action = Literal["up", "rollback", "scale", "down", "refused"]

KEPT_RELEASES = 5


@dataclass(frozen=True)
class Event:
    """One line of history; ``at`` is ISO 8601, ``detail`` the reason of a refusal.

    What is known of the release stands in the event itself: it outlives the release.
    """

    at: str
    who: str
    action: Action
    release: str | None = None
    detail: str = ""
    model_version: str | None = None
    run_id: str | None = None
    commit: str | None = None
    metric_name: str | None = None  # of the metric to show beside it
    metric_value: float | None = None

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def deployed(events: Sequence[Event]) -> list[str]:
    """The releases that took traffic, the latest first, each once."""
    names = [e.release for e in events if e.action in ("up", "rollback") and e.release]
    return list(dict.fromkeys(reversed(names)))


def previous(events: Sequence[Event], current: str | None, there: Collection[str]) -> str | None:
    """The release to roll back to: the latest other one that can still run."""
    return next((name for name in deployed(events) if name != current and name in there), None)


def kept(events: Sequence[Event]) -> list[str]:
    """The releases that can be rolled back to: the last five that took traffic."""
    return deployed(events)[:KEPT_RELEASES]


def merged(here: Sequence[Event], there: Sequence[Event]) -> list[Event]:
    """One history of what this folder and the target know, in the order in which it happened.

    That is the order of each, and not of the times in it: a clock may have been wrong.
    """
    found: list[Event] = []
    left = list(there)
    for event in here:
        if event in left:
            until = left.index(event)
            found += left[:until]
            del left[: until + 1]
        if event not in found:
            found.append(event)
    return found + left
