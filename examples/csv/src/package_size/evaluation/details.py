"""More than metrics: what the service needs to answer, and what a reader should know of answers."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..config import Params
from ..model.answers import predictions
from .document import Section
from .metrics import Forecast, Truth
from .trial import Trial, trial

QUARTERS = ("lowest forecasts", "second quarter", "third quarter", "highest forecasts")
LEAST_ERRORS = 50  # in each quarter; with fewer, one interval is made for all forecasts


def facts(train: pd.DataFrame, params: Params) -> dict[str, Any]:
    """What the service has to know, beside the model, to answer: how far off the truth may be.

    It is learned from errors of a trial model on rows of the training side that it had not seen
    (split conformal prediction). Errors on the rows held out would do as well, but nobody could
    then check on those rows whether the interval holds what it promises. The model itself has
    learned from more rows than the trial model: its interval is, if anything, too wide.
    """
    return {"interval": interval(trial(train, params))}


def interval(seen: Trial) -> dict[str, list[float]]:
    """Eight of ten errors lie from `below` to `above`, apart for each quarter of the forecasts,
    between which the `edges` stand: high values are often further off than low ones."""
    errors = seen.truth - seen.said
    parts = len(QUARTERS) if len(errors) >= len(QUARTERS) * LEAST_ERRORS else 1
    edges = np.unique(np.quantile(seen.said, np.arange(1, parts) / parts, method="lower"))
    edges = edges[edges < seen.said.max()]  # above the last one there are forecasts too
    places = np.searchsorted(edges, seen.said)
    ends = [_ends(errors[places == place]) for place in range(len(edges) + 1)]
    below, above = (list(each) for each in zip(*ends, strict=True))
    return {"edges": edges.tolist(), "below": below, "above": above}


def _ends(errors: NDArray[np.float64]) -> tuple[float, float]:
    """To the next error outwards: between two errors nothing is known."""
    below = np.quantile(errors, 0.1, method="lower")
    above = np.quantile(errors, 0.9, method="higher")
    return float(below), float(above)


def details(
    train: pd.DataFrame, truth: Truth, said: Forecast, answers: dict[str, Any], params: Params
) -> Section:
    """Is it wrong in one direction, and does the interval hold what it promises?"""
    errors = truth - said
    inside = within(truth, said, answers)
    text = (
        f"The 80 % interval of an answer holds {inside.mean():.1%} of the truths held out. It was "
        "made from errors on the training side, so this is a fair check.",
    )
    lines = [
        (
            name,
            str(len(part)),
            f"{said[part].min():.3g} to {said[part].max():.3g}",
            f"{errors[part].mean():+.2g}",
            f"{np.abs(errors[part]).mean():.3g}",
            f"{inside[part].mean():.1%}",
        )
        for name, part in zip(QUARTERS, np.array_split(np.argsort(said), 4), strict=True)
        if len(part)
    ]
    header = ("", "rows", "forecasts", "truth minus forecast", "mean error", "inside the interval")
    return Section("Where it is wrong", text, (header, *lines))


def within(truth: Truth, said: Forecast, answers: dict[str, Any]) -> NDArray[np.bool_]:
    """Which truths lie inside the interval that the service gives?"""
    given = predictions(said, answers)
    low, high = (np.array([getattr(each, end) for each in given]) for end in ("low", "high"))
    inside: NDArray[np.bool_] = (low <= truth) & (truth <= high)
    return inside
