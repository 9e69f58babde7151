"""From columns to a proposal: what is asked, from what, and which rows belong together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from ..errors import ProjectError
from .looking import Column

Task = Literal["binary", "classes", "regression"]

MOST_CLASSES = 30
GROUPS = re.compile(
    r"(^|_)(customer|client|user|patient|person|seller|dealer|owner|shop|store|household|company|"
    r"station|device|machine|sensor|vehicle|session|batch|site|building|school|team|author)(_|$)"
)
MOMENTS = re.compile(
    r"(^|_)(time|timestamp|date|created|listed|recorded|measured|ordered|on|at)(_|$)"
)


@dataclass(frozen=True)
class Proposal:
    """What rows.py will say."""

    task: Task
    target: Column
    group: Column | None
    time: Column | None
    label: Column | None
    features: tuple[Column, ...]
    days: tuple[Column, ...]  # dates that become a number: days until the time of the row
    aside: tuple[Column, ...]  # dates that are collected, and never shown to the model
    left_out: tuple[tuple[Column, str], ...]  # and why
    answers: tuple[str, ...]  # binary: the value that means yes; classes: the labels


def named(columns: Sequence[Column], wanted: str, what: str) -> Column:
    """The column with this header or name."""
    for column in columns:
        if wanted.strip().lower() in (column.header.lower(), column.name):
            return column
    headers = [column.header for column in columns]
    near = get_close_matches(wanted, headers, n=1, cutoff=0.5)
    raise ProjectError(
        what=f"There is no column {wanted!r} (--{what}).",
        why="The columns are: " + ", ".join(headers[:20]) + (", …" if len(headers) > 20 else ""),
        do=f"Type it as in the table: --{what} {(near or headers[:1])[0]!r}",
    )


def check_answer(target: Column) -> None:
    """An answer must change, and be there."""
    if target.distinct < 2:
        raise ProjectError(
            what=f"{target.header} cannot be learned: it never changes.",
            why=f"Its only value is {target.example!r}." if target.distinct else "It is empty.",
            do="Name a column with at least two values: --target COLUMN",
        )
    if target.missing > 0.5:
        raise ProjectError(
            what=f"{target.header} is mostly missing.",
            why=f"{target.missing:.0%} of the rows have no answer, and those cannot teach.",
            do="Name another column, or keep only the rows that have the answer: --target COLUMN",
        )


def check_time(time: Column | None) -> None:
    """A time is a date."""
    if time is not None and time.role != "date":
        raise ProjectError(
            what=f"{time.header} is not a time: {time.role}.",
            why=f"It holds, for example, {time.example!r}.",
            do="Name a column with dates, or --time none",
        )


def task_of(target: Column) -> Task:
    """Two values: binary. Many numbers: regression. Some words, or up to ten numbers: classes."""
    if target.distinct == 2:
        return "binary"
    if target.role == "number":
        return "regression" if target.distinct > 10 else "classes"
    if target.role == "category" and target.distinct <= MOST_CLASSES:
        return "classes"
    raise ProjectError(
        what=f"{target.header} cannot be the answer as it is: {target.role}.",
        why=f"It has {target.distinct:,} different values, such as {target.example!r}.",
        do="Name a column with numbers, or with a few words (at most 30): --target COLUMN",
    )


def group_of(columns: Sequence[Column], rows: int) -> Column | None:
    """A column that names things which occur in several rows: rows of one of them are alike."""
    often = [c for c in columns if 5 <= c.distinct <= (1 - c.missing) * rows / 1.3]
    called = [c for c in often if GROUPS.search(c.name) and c.role in ("category", "identifier")]
    called += [c for c in often if c.role == "identifier"]
    return called[0] if called else None


def time_of(columns: Sequence[Column]) -> Column | None:
    """The moment of a row: a date that is (nearly) always there, by its name or else the first."""
    dates = [c for c in columns if c.role == "date" and c.missing <= 0.01]
    return next((c for c in dates if MOMENTS.search(c.name)), dates[0] if dates else None)


def label_of(columns: Sequence[Column], rows: int) -> Column | None:
    """A column that tells a reader which row it is: hardly two rows have the same."""
    unique = (c for c in columns if c.role == "identifier" and c.distinct > 0.9 * rows)
    return next(unique, None)
