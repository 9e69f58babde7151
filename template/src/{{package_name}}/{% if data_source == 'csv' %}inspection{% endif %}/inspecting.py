"""Look at a whole table and propose what to make of it. Nothing is written here."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ..data import values
from ..data.reading import Sample
from ..errors import ProjectError
from . import looking, proposing
from .looking import Column
from .naming import names_for
from .proposing import Proposal

LEAST_ROWS = 40
NONE = "none"  # said for --group or --time: no column

WHY_NOT: dict[looking.Role, str] = {
    "identifier": "a name of one thing: a new thing has another",
    "free text": "free text: count something in it first, such as its words",
    "constant": "always the same",
    "empty": "always missing",
}


@dataclass(frozen=True)
class Wanted:
    """What was said on the command line; None is: find out."""

    target: str
    group: str | None = None
    time: str | None = None
    task: proposing.Task | None = None
    yes: str | None = None


@dataclass(frozen=True)
class Found:
    columns: tuple[Column, ...]
    decimal: str
    missing: tuple[str, ...]  # the spellings of "nothing" that occur
    copies: float  # share of the rows that repeat an earlier one in every cell
    proposal: Proposal


def inspect(sample: Sample, separator: str, wanted: Wanted) -> Found:
    """The columns and the proposal; or the error that says why nothing can be learned from it."""
    frame = sample.frame
    if sample.rows < LEAST_ROWS:
        raise ProjectError(
            what=f"The table has {sample.rows} row{'s' if sample.rows > 1 else ''}.",
            why=f"With fewer than {LEAST_ROWS} nothing can be learned and then judged on others.",
            do="Collect more rows; some hundreds are a start",
        )
    names = names_for(list(frame.columns))
    few = frame.iloc[:: max(1, len(frame) // 5_000)]
    decimal = values.decimal_of(pd.concat([few[header] for header in names]), separator)
    cells = {header: set(frame[header].unique()) for header in names}
    spellings = sorted({text.lower() for each in cells.values() for text in each} & values.MISSING)
    gone = {header: values.missing(frame[header], spellings) for header in names}
    columns = tuple(
        looking.look(header, name, frame[header], gone[header], decimal)
        for header, name in names.items()
    )
    proposal = _propose(columns, frame, gone, wanted)
    return Found(columns, decimal, tuple(spellings), float(frame.duplicated().mean()), proposal)


def _propose(
    columns: Sequence[Column],
    frame: pd.DataFrame,
    gone: dict[str, "pd.Series[bool]"],
    wanted: Wanted,
) -> Proposal:
    target = proposing.named(list(columns), wanted.target, "target")
    task = wanted.task or proposing.task_of(target)
    proposing.task_of(target)  # a constant or missing answer is refused whatever was said
    known = frame[target.header][~gone[target.header]]
    answers = proposing.answers_of(task, target, known, wanted.yes)

    others = [column for column in columns if column is not target]
    label = proposing.label_of(others, len(frame))
    group, time = proposing.group_of(others, len(frame)), proposing.time_of(others)
    if wanted.group is not None:
        group = _said(others, wanted.group, "group")
    if wanted.time is not None:
        time = _said(others, wanted.time, "time")
    if time is not None and time.role != "date":
        raise ProjectError(
            what=f"{time.header} is not a time: {time.role}.",
            why=f"It holds, for example, {time.example!r}.",
            do="Name a column with dates, or --time none",
        )
    label = None if label is group else label

    features, days, aside, left_out = [], [], [], []
    for column in others:
        if column in (group, time, label):
            continue
        if column.role in WHY_NOT:
            left_out.append((column, WHY_NOT[column.role]))
        elif column.missing > 0.95:
            left_out.append((column, f"missing in {column.missing:.0%} of the rows"))
        elif column.role != "date":
            features.append(column)
        elif time is None:
            left_out.append((column, "a date, and no column says the time of the row"))
        elif (later := _later(column, time, frame)) > 0.5:
            aside.append(column)
            left_out.append(
                (column, f"after {time.header} in {later:.0%} of the rows: not known yet by then")
            )
        else:
            aside.append(column)
            days.append(column)
    if not features and not days:
        raise ProjectError(
            what=f"No column is left to predict {target.header} from.",
            why="; ".join(f"{column.header}: {why}" for column, why in left_out) or "There is one.",
            do="Add a column with a number or a category that is known beforehand",
        )
    return Proposal(
        task, target, group, time, label, tuple(features), tuple(days), tuple(aside),
        tuple(left_out), answers,
    )  # fmt: skip


def _said(columns: list[Column], wanted: str, what: str) -> Column | None:
    return None if wanted.lower() == NONE else proposing.named(columns, wanted, what)


def _later(column: Column, time: Column, frame: pd.DataFrame) -> float:
    """In which share of the rows that have both the date lies after the time of the row."""
    dates = values.dates(frame[column.header], column.formats)
    times = values.dates(frame[time.header], time.formats)
    both = dates.notna() & times.notna()
    return float((dates[both] > times[both]).mean()) if both.any() else 0.0
