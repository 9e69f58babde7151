"""From columns to a proposal: what is asked, from what, and which rows belong together."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

import pandas as pd

from ..data import values
from ..errors import ProjectError
from .looking import Column

Task = Literal["binary", "classes", "regression"]

MOST_CLASSES = 30
LEAST_ROWS = 10  # of a class, to be learned and judged
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


def named(columns: list[Column], wanted: str, what: str) -> Column:
    """The column with this header or name."""
    for column in columns:
        if wanted.strip().lower() in (column.header.lower(), column.name):
            return column
    headers = [column.header for column in columns]
    near = get_close_matches(wanted, headers, n=1, cutoff=0.5)
    raise ProjectError(
        what=f"There is no column {wanted!r} to be the {what}.",
        why="The columns are: " + ", ".join(headers[:20]) + (", …" if len(headers) > 20 else ""),
        do=f"Type it as in the table: --{what} {(near or headers[:1])[0]!r}",
    )


def task_of(target: Column) -> Task:
    """Two values: binary. Many numbers: regression. Some words, or up to ten numbers: classes."""
    if target.role in ("constant", "empty"):
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


def answers_of(
    task: Task, target: Column, texts: "pd.Series[str]", yes: str | None
) -> tuple[str, ...]:
    """Binary: the value that means yes. Classes: the labels that are frequent enough."""
    if task == "regression":
        if target.role == "number":
            return ()
        raise ProjectError(
            what=f"{target.header} holds no numbers.",
            why=f"It is: {target.role}, such as {target.example!r}.",
            do="Leave --task out, or name a column of numbers",
        )
    counts = texts.str.lower().str.split().str.join(" ").value_counts()
    if task == "classes":
        labels = list(counts[counts >= LEAST_ROWS].head(MOST_CLASSES).index)
        if len(labels) >= 2:
            return tuple(sorted(_spelled(texts, str(label)) for label in labels))
        raise ProjectError(
            what=f"{target.header} has too few rows of each kind.",
            why=f"Fewer than two values stand in {LEAST_ROWS} rows or more.",
            do="Collect more rows, or name another column: --target COLUMN",
        )
    if yes is None and len(counts) > 2:
        raise ProjectError(
            what=f"{target.header} has {len(counts):,} values, and yes or no needs two.",
            why="Which of them means yes is not said; all others would mean no.",
            do=f"Say it: --yes {_spelled(texts, str(counts.index[-1]))!r}",
        )
    if yes is not None and yes.lower() not in counts:
        raise ProjectError(
            what=f"{yes!r} does not occur in {target.header}.",
            why="Its values are: " + ", ".join(map(str, counts.index[:10])),
            do="Type one of them: --yes VALUE",
        )
    known = [str(value) for value in counts.index if str(value) in values.YES]
    # Without a word for yes, it is the rarer value: what is looked for is mostly rare.
    return (_spelled(texts, yes.lower() if yes else (known or [str(counts.index[-1])])[0]),)


def group_of(columns: list[Column], rows: int) -> Column | None:
    """A column that names things which occur in several rows: rows of one of them are alike."""
    often = [c for c in columns if 5 <= c.distinct <= (1 - c.missing) * rows / 1.3]
    called = [c for c in often if GROUPS.search(c.name) and c.role in ("category", "identifier")]
    called += [c for c in often if c.role == "identifier"]
    return called[0] if called else None


def time_of(columns: list[Column]) -> Column | None:
    """The moment of a row: a date that is (nearly) always there, by its name or else the first."""
    dates = [c for c in columns if c.role == "date" and c.missing <= 0.01]
    return next((c for c in dates if MOMENTS.search(c.name)), dates[0] if dates else None)


def label_of(columns: list[Column], rows: int) -> Column | None:
    """A column that tells a reader which row it is: hardly two rows have the same."""
    unique = (c for c in columns if c.role == "identifier" and c.distinct > 0.9 * rows)
    return next(unique, None)


def _spelled(texts: "pd.Series[str]", small: str) -> str:
    same = texts[texts.str.lower().str.split().str.join(" ") == small]
    return str(same.value_counts().index[0])
