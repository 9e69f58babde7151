"""Look at a whole table and propose what to make of it. Nothing is written here."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ..data import values
from ..data.reading import Sample
from ..errors import ProjectError
from . import answers, looking, proposing
from .looking import Column
from .naming import names_for
from .proposing import Proposal

LEAST_ROWS = 40
MOSTLY_MISSING = 0.95
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
    without: tuple[str, ...] = ()  # columns to leave out


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
    complete = len(frame) == sample.rows
    columns = tuple(
        looking.look(header, name, frame[header], gone[header], decimal, complete)
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
    target = proposing.named(columns, wanted.target, "target")
    proposing.check_answer(target)
    task = wanted.task or proposing.task_of(target)
    known = frame[target.header][~gone[target.header]]
    meant = answers.answers_of(task, target, known, wanted.yes)

    unwanted = [proposing.named(columns, said, "without") for said in wanted.without]
    others = [column for column in columns if column not in (target, *unwanted)]
    group = _said(others, wanted.group, "group", proposing.group_of(others, len(frame)))
    time = _said(others, wanted.time, "time", proposing.time_of(others))
    label = proposing.label_of([each for each in others if each is not group], len(frame))
    proposing.check_time(time)

    features, days, aside = [], [], []
    left_out = [(column, "on purpose") for column in unwanted]
    for column in others:
        if column in (group, time, label):
            continue
        if why := _why_not(column, time, frame):
            left_out.append((column, why))
        elif column.role == "date":
            days.append(column)
        else:
            features.append(column)
        if column.role == "date" and time is not None:
            aside.append(column)
    if not features and not days:
        raise ProjectError(
            what=f"No column is left to predict {target.header} from.",
            why="; ".join(f"{each.header}: {why}" for each, why in left_out)
            or "There is no other.",
            do="Add a column with a number or a category that is known beforehand",
        )
    return Proposal(
        task, target, group, time, label, tuple(features), tuple(days), tuple(aside),
        tuple(left_out), meant,
    )  # fmt: skip


def _said(
    columns: Sequence[Column], wanted: str | None, what: str, found: Column | None
) -> Column | None:
    """The column that was named; `found`, if none was."""
    if wanted is None:
        return found
    return None if wanted.lower() == NONE else proposing.named(columns, wanted, what)


def _why_not(column: Column, time: Column | None, frame: pd.DataFrame) -> str:
    """Why nothing is learned from the column; empty, if something is."""
    if column.role in WHY_NOT:
        return WHY_NOT[column.role]
    if column.missing > MOSTLY_MISSING:
        return f"missing in {column.missing:.0%} of the rows"
    if column.role != "date":
        return ""
    if time is None:
        return "a date, and no column says the time of the row"
    later = _later(column, time, frame)
    if later > 0.5:
        return f"after {time.header} in {later:.0%} of the rows: not known yet by then"
    return ""


def _later(column: Column, time: Column, frame: pd.DataFrame) -> float:
    """In which share of the rows that have both the date lies after the time of the row."""
    dates = values.dates(frame[column.header], column.formats)
    times = values.dates(frame[time.header], time.formats)
    both = dates.notna() & times.notna()
    return float((dates[both] > times[both]).mean()) if both.any() else 0.0
