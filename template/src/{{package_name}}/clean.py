"""Drop rows by named rules, and count what each rule dropped: rows in = rows out + explained."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from . import schema
from .config import Clean
from .errors import ProjectError
from .rows import CATEGORIES, GROUP, NUMBERS, TARGET

Rule = Callable[[pd.DataFrame, Clean], "pd.Series[bool]"]


@dataclass(frozen=True)
class Cleaned:
    frame: pd.DataFrame
    dropped: dict[str, int]  # rule: number of rows that it dropped


def only_a_docstring(frame: pd.DataFrame, params: Clean) -> "pd.Series[bool]":
    """A body that is a docstring and nothing else: no statements would give the answer away."""
    return frame["statements"] == 0


def too_long(frame: pd.DataFrame, params: Clean) -> "pd.Series[bool]":
    """Tables and parsers written as one function: too few to learn from."""
    return frame["lines"] > params.max_lines


def duplicate(frame: pd.DataFrame, params: Clean) -> "pd.Series[bool]":
    """A copy of an earlier row: the same function name, columns and answer in any module.

    A copy in another module could land on the other side of the split, and the model would be
    asked in the examination what it has seen in class.
    """
    columns = frame[[*CATEGORIES, *NUMBERS, TARGET]]
    last_name = frame["name"].str.rpartition(".")[2]
    return columns.assign(last_name=last_name).duplicated()


# In this order: a row that breaks two rules is counted for the first.
RULES: tuple[Rule, ...] = (only_a_docstring, too_long, duplicate)


def clean(raw: pd.DataFrame, params: Clean) -> Cleaned:
    frame, dropped = raw, {}
    for rule in RULES:
        refused = rule(frame, params)
        dropped[rule.__name__] = int(refused.sum())
        frame = frame[~refused]
    frame = schema.check(frame.reset_index(drop=True), schema.Clean)
    if frame[TARGET].nunique() < 2 or frame[GROUP].nunique() < 2:
        raise _too_little(len(raw), dropped)
    return Cleaned(frame, dropped)


def _too_little(rows: int, dropped: dict[str, int]) -> ProjectError:
    counts = ", ".join(f"{rule} {count}" for rule, count in dropped.items())
    return ProjectError(
        what="Too little is left to learn from: one answer only, or one group only.",
        why=f"Of {rows} rows the rules dropped: {counts}.",
        do="Collect more, or loosen the rule that drops most (params.toml, clean.py).",
    )
