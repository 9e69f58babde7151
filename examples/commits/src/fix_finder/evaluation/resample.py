"""Other rows that might as well have been held out: drawn, with repeats, from those that were.

What is drawn is not a row but a unit: rows that are alike are drawn together. Drawn one by one,
twenty rows that say the same would count as twenty times the evidence, and a score look surer than
it is.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..config import Params, Split
from ..data.rows import GROUP, TIME

Rows = NDArray[np.int64]  # positions of rows
Units = NDArray[np.int64]  # for each row, the number of its unit

LEAST_UNITS = 10  # fewer say nothing about how much units differ from each other
STRETCHES = 100  # of time


def units(holdout: pd.DataFrame, params: Split) -> Units:
    """Which rows are drawn together: it follows from how the rows were split.

    By "group": the rows of one group. By "time": the rows of one stretch of time, because what
    happens at one time (a heat wave, a release) happens to all rows of that time. By "rows", and
    where there are fewer than LEAST_UNITS groups: each row is drawn for itself.
    """
    if params.by == "group" and GROUP is not None and holdout[GROUP].nunique() >= LEAST_UNITS:
        return _numbered(holdout[GROUP])
    if params.by == "time" and TIME is not None:
        moments = holdout[TIME].rank(method="min").to_numpy()  # those of one moment stay together
        return _numbered(np.ceil(moments * STRETCHES / len(holdout)))
    return np.arange(len(holdout))


def few_units(holdout: pd.DataFrame, params: Split) -> tuple[str, ...]:
    """A warning, where there are too few groups to draw them."""
    if params.by != "group" or GROUP is None or holdout[GROUP].nunique() >= LEAST_UNITS:
        return ()
    return (
        f"Only {holdout[GROUP].nunique()} groups ({GROUP}) are held out, too few to tell how much "
        "groups differ: a new one may do worse than the intervals say.",
    )


def part_of(units: Units, rows: NDArray[np.bool_]) -> Units:
    """The units of some of the rows."""
    return _numbered(units[rows])


def draws(units: Units, params: Params) -> Iterator[Rows]:
    """evaluation.resamples times as many units as there are. The same seed draws the same."""
    random = np.random.default_rng(params.model.seed)
    sizes = np.bincount(units)
    members = np.split(np.argsort(units, kind="stable"), np.cumsum(sizes)[:-1])
    for _ in range(params.evaluation.resamples):
        drawn = random.integers(0, len(members), len(members))
        yield np.concatenate([members[unit] for unit in drawn])


def _numbered(names: Any) -> Units:
    """Numbers 0, 1, 2… in place of names."""
    return np.unique(np.asarray(names), return_inverse=True)[1].astype(np.int64)
