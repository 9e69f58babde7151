"""How much of a score is chance? With other rows held out it would have been another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..config import Params
from . import metrics
from .metrics import MAIN, Forecast, Truth
from .resample import Rows, Units, draws, few_units, units


@dataclass(frozen=True)
class Interval:
    """A value, and the ends between which it lies 95 times of 100."""

    low: float
    value: float
    high: float
    left_out: int = 0  # draws in which the value can't be told, such as those without a yes

    def __str__(self) -> str:
        return f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f})"


def of(holdout: pd.DataFrame, truth: Truth, said: Forecast, params: Params) -> dict[str, Interval]:
    """For each metric of a forecast."""

    def measure(rows: Rows) -> dict[str, float]:
        if np.isnan(metrics.main(truth[rows], said[rows])):  # the other metrics would warn
            return {}
        return metrics.score(truth[rows], said[rows], params.evaluation)

    return _intervals(measure, units(holdout, params.split), params)


def difference(
    holdout: pd.DataFrame, truth: Truth, one: Forecast, other: Forecast, params: Params
) -> Interval:
    """By how much the main metric of `one` is above that of `other`.

    Both are measured on the same draws. What makes rows hard makes them hard for both, so the
    difference is known better than either of the two.
    """

    def measure(rows: Rows) -> float:
        return metrics.main(truth[rows], one[rows]) - metrics.main(truth[rows], other[rows])

    return interval(measure, units(holdout, params.split), params)


def interval(measure: Callable[[Rows], float], units: Units, params: Params) -> Interval:
    """For anything that can be measured on rows; not a number where it can't be told."""

    def named(rows: Rows) -> dict[str, float]:
        value = measure(rows)
        return {} if np.isnan(value) else {MAIN: value}

    return _intervals(named, units, params).get(MAIN, Interval(np.nan, np.nan, np.nan))


def remarks(
    found: Mapping[str, Interval], holdout: pd.DataFrame, params: Params
) -> tuple[str, ...]:
    """What a reader of these intervals has to know."""
    left_out = found[MAIN].left_out
    if not left_out:
        return few_units(holdout, params.split)
    told = f"{left_out} of {params.evaluation.resamples} draws had no answer to tell from another"
    return (*few_units(holdout, params.split), f"{told}: the intervals go without them.")


def _intervals(
    measure: Callable[[Rows], dict[str, float]], units: Units, params: Params
) -> dict[str, Interval]:
    """The bootstrap: the middle 95 % of what is measured on the draws."""
    drawn = [measured for rows in draws(units, params) if (measured := measure(rows))]
    left_out = params.evaluation.resamples - len(drawn)
    found = {}
    for name, value in measure(np.arange(len(units))).items():
        values = [each[name] for each in drawn] or [np.nan]
        low, high = np.quantile(values, (0.025, 0.975))
        found[name] = Interval(float(low), value, float(high), left_out)
    return found
