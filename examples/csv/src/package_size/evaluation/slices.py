"""For whom is it better, and for whom worse? The main metric for parts of the rows held out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..config import Params
from ..data.rows import SLICES
from . import metrics
from .intervals import Interval, interval
from .metrics import MAIN, Forecast, Truth
from .resample import LEAST_UNITS, Rows, Units, part_of, units

LEAST_ROWS = 50  # fewer are too few to tell
MOST_VALUES = 12  # of a column; a number with more of them is cut into quarters


@dataclass(frozen=True)
class Slice:
    """The rows that have one value in one column."""

    column: str
    value: str
    rows: int
    answers: dict[str, str]  # what the true answers are like, in words
    score: Interval | None  # of the main metric; None: too few to tell


def of(holdout: pd.DataFrame, truth: Truth, said: Forecast, params: Params) -> tuple[Slice, ...]:
    """A slice for each value of each column in SLICES."""
    alike = units(holdout, params.split)
    found = []
    for column in SLICES:
        for value, part in _parts(holdout[column]):
            about = metrics.about(truth[part], said[part])
            score = _score(truth[part], said[part], truth, part_of(alike, part), params)
            found.append(Slice(column, value, int(part.sum()), about, score))
    return tuple(found)


def table(slices: Sequence[Slice]) -> tuple[tuple[str, ...], ...]:
    """A line for each slice, for people. The first line is the header."""
    if not slices:
        return ()
    lines = [
        (
            each.column,
            each.value,
            str(each.rows),
            *each.answers.values(),
            "too few to tell" if each.score is None else str(each.score),
        )
        for each in slices
    ]
    return (("column", "value", "rows", *slices[0].answers, f"{MAIN} (95 % interval)"), *lines)


def worst(slices: Sequence[Slice], whole: float) -> str:
    """The slice that is worse than the whole by more than chance, in a sentence."""
    worse = [each for each in slices if each.score is not None and each.score.high < whole]
    if not worse:
        return f"In no part of the rows is {MAIN} below the {whole:.4f} of all by more than chance."
    one = min(worse, key=lambda each: each.score.value if each.score else whole)
    return (
        f"It is worst where {one.column} is {one.value}: there {MAIN} is {one.score}, on "
        f"{one.rows} rows, against {whole:.4f} on all."
    )


def _score(
    truth: Truth, said: Forecast, whole: Truth, units: Units, params: Params
) -> Interval | None:
    if len(truth) < LEAST_ROWS or len(np.unique(units)) < LEAST_UNITS:
        return None

    def measure(rows: Rows) -> float:
        return metrics.on_part(truth[rows], said[rows], whole)

    found = interval(measure, units, params)
    return None if np.isnan(found.low) else found


def _parts(column: "pd.Series[Any]") -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """The values of a column in words, each with the rows that have it."""
    missing = column.isna().to_numpy()
    known = column[~missing]
    if known.nunique() <= MOST_VALUES:
        for value in sorted(known.unique()):
            yield str(value), (column == value).to_numpy(dtype=bool)
    elif pd.api.types.is_numeric_dtype(column):
        yield from _quarters(column)
    else:
        common = known.value_counts().index[:MOST_VALUES]
        for value in common:
            yield str(value), (column == value).to_numpy(dtype=bool)
        yield "all others", (~column.isin(common)).to_numpy(dtype=bool) & ~missing
    if missing.any():
        yield "(missing)", missing


def _quarters(column: "pd.Series[Any]") -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """As many rows in each, if many don't have the same value."""
    edges = np.unique(np.nanquantile(column.to_numpy(dtype=float), (0, 0.25, 0.5, 0.75, 1)))
    for low, high in pairwise(edges):
        last = high == edges[-1]
        part = column.between(low, high, inclusive="both" if last else "left").to_numpy(dtype=bool)
        yield f"{low:g} to {'' if last else 'below '}{high:g}", part
