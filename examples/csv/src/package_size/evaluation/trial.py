"""Errors on rows that a model has not seen, without looking at the rows held out.

What is decided by looking at forecasts (a threshold, the width of an interval) must not be decided
on the hold-out: it would fit those rows a little, and their score would no longer be that of new
rows. So the training side is split once more, by the same rule, and a trial model learns from the
one part and answers the other.
"""

from dataclasses import dataclass

import pandas as pd

from ..config import Params, Split
from ..data.rows import TARGET
from ..data.split import split
from ..errors import ProjectError
from ..model import features
from ..model.fit import fit
from ..model.forecast import forecast
from . import metrics
from .metrics import Forecast, Truth


@dataclass(frozen=True)
class Trial:
    """What the trial model said of the rows that it had not seen, and what is true."""

    truth: Truth
    said: Forecast


def trial(train: pd.DataFrame, params: Params) -> Trial:
    known, asked = _sides(train, params.split)
    model = fit(features.build(known), metrics.truth(known[TARGET]), params.model)
    return Trial(metrics.truth(asked[TARGET]), forecast(model, features.build(asked)))


def _sides(train: pd.DataFrame, params: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split like the whole, or, where that is too coarse (one group is left), by rows."""
    # Another salt: with the same one, all names that are held out are held out already.
    again = params.model_copy(update={"salt": f"{params.salt}, on trial"})
    try:
        return _judged(*split(train, again))
    except ProjectError:
        return _judged(*split(train, again.model_copy(update={"by": "rows"})))


def _judged(known: pd.DataFrame, asked: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    metrics.check(metrics.truth(known[TARGET]), metrics.truth(asked[TARGET]))
    return known, asked
