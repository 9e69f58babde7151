"""What took how long, side by side: steps here, and what a machine did meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH = 40  # characters of the longest bar
LEAST_SECONDS = 0.3  # what is shorter says nothing


@dataclass(frozen=True)
class Span:
    """Something that took from ``began`` to ``ended``, in seconds of one clock."""

    name: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


def between(moments: Sequence[tuple[float, str]]) -> list[Span]:
    """Moments of one thing as spans: each is named for what it ended with."""
    return [Span(name, began, ended) for (began, _), (ended, name) in pairwise(moments)]


def overlap(some: Sequence[Span], others: Sequence[Span]) -> float:
    """Seconds in which one of each went on at the same time; spans of one kind don't overlap."""
    return sum(
        max(0.0, min(a.ended, b.ended) - max(a.began, b.began)) for a in some for b in others
    )


def chart(spans: Sequence[Span]) -> list[str]:
    """One line each, with a bar where it lies in the whole; the earliest first."""
    shown = sorted((s for s in spans if s.seconds >= LEAST_SECONDS), key=lambda s: s.began)
    if not shown:
        return []
    zero = min(s.began for s in shown)
    whole = max(s.ended for s in shown) - zero
    widest = max(len(s.name) for s in shown)
    lines = []
    for span in shown:
        begins = round((span.began - zero) / whole * WIDTH)
        length = max(1, round(span.seconds / whole * WIDTH))
        bar = (" " * begins + "█" * length).ljust(WIDTH)[:WIDTH]
        times = f"{span.began - zero:5.1f} to {span.ended - zero:5.1f} s"
        lines.append(f"{span.name.ljust(widest)}  {bar}  {times}")
    return lines


def as_dicts(spans: Sequence[Span]) -> list[dict[str, object]]:
    """For --json: seconds since the first of them began."""
    zero = min((s.began for s in spans), default=0.0)
    return [
        {"step": s.name, "began": round(s.began - zero, 2), "ended": round(s.ended - zero, 2)}
        for s in sorted(spans, key=lambda s: s.began)
    ]
