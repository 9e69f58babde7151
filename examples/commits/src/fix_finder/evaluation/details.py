"""More than metrics: what the service needs to answer, and what a reader should know of answers."""

from typing import Any

import numpy as np
import pandas as pd

from ..config import Params
from . import calibration
from .document import Section
from .metrics import Forecast, Truth
from .trial import trial

THRESHOLDS = tuple(number / 10 for number in range(1, 10))


def facts(train: pd.DataFrame, params: Params) -> dict[str, Any]:
    """What the service has to know, beside the model, to answer."""
    return {"threshold": params.evaluation.threshold}


def details(
    train: pd.DataFrame, truth: Truth, said: Forecast, answers: dict[str, Any], params: Params
) -> Section:
    """Can the probabilities be believed, and what would another threshold do?"""
    used = answers["threshold"]
    error = calibration.error(truth, said)
    text = (
        f"Its probabilities are off by {100 * error:.1f} percentage points on average "
        "(expected calibration error, over ten bins).",
        _best(train, used, params),
    )
    lines = [
        (f"{threshold:g}{' (used)' if threshold == used else ''}", *_shares(truth, said, threshold))
        for threshold in sorted({*THRESHOLDS, used})
    ]
    header = ("yes from", "precision", "recall", "flagged")
    return Section("What another threshold would do", text, (header, *lines))


def _best(train: pd.DataFrame, used: float, params: Params) -> str:
    """The threshold is yours to choose: what a missed yes and a false alarm cost, you know."""
    seen = trial(train, params)
    scores = {threshold: f1(seen.truth, seen.said, threshold) for threshold in _finer()}
    best = max(scores, key=lambda threshold: scores[threshold])
    now = f1(seen.truth, seen.said, used)
    return (
        "On the training side, in a trial on rows that it had not learned from, F1 is best with a "
        f"threshold of {best:.2f}: {scores[best]:.3f}; with {used:g} it is {now:.3f}. Choose "
        "evaluation.threshold by that, or by what mistakes cost, but never by the table below: it "
        "is made of the rows held out."
    )


def f1(truth: Truth, said: Forecast, threshold: float) -> float:
    """The harmonic mean of precision and recall; 0 where nothing is found."""
    found = int((truth & (said >= threshold)).sum())
    return 2 * found / (int(truth.sum()) + int((said >= threshold).sum())) if found else 0.0


def _shares(truth: Truth, said: Forecast, threshold: float) -> tuple[str, str, str]:
    flagged = said >= threshold
    precision = f"{truth[flagged].mean():.1%}" if flagged.any() else "nothing is flagged"
    return precision, f"{flagged[truth].mean():.1%}", f"{flagged.mean():.1%}"


def _finer() -> list[float]:
    return [float(each) for each in np.linspace(0.01, 0.99, 99).round(2)]
