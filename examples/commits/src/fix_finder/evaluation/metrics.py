"""How good is a forecast of yes or no? The main metric decides; the others tell more.

Written out in NumPy: the intervals need them some hundred times, and scikit-learn, which gives the
same values (see the tests), takes longer to check its input than to work them out.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..config import Evaluation
from ..errors import ProjectError

MAIN = "roc_auc"  # bigger is better
CHANCE = 0.5  # the main metric of a forecast that knows nothing

Truth = NDArray[np.bool_]
Forecast = NDArray[np.float64]  # (rows,): the probability of yes


def truth(column: "pd.Series[Any]") -> Truth:
    return column.to_numpy(dtype=bool)


def numbers(truth: Truth) -> NDArray[np.float64]:
    """The answers as numbers, for checks that fit something simple to them."""
    return truth.astype(np.float64)


def baseline(train: Truth, rows: int) -> Forecast:
    """A forecast without looking: the share of yes in training, the same for every row.

    A model that does not beat this has learned nothing.
    """
    return np.full(rows, train.mean())


def score(truth: Truth, forecast: Forecast, params: Evaluation) -> dict[str, float]:
    """Metrics of a forecast; for log_loss and brier smaller is better."""
    return {
        "roc_auc": main(truth, forecast),
        "average_precision": average_precision(truth, forecast),
        "accuracy": float(((forecast >= params.threshold) == truth).mean()),
        "log_loss": log_loss(truth, forecast),
        "brier": float(((forecast - truth) ** 2).mean()),
    }


def main(truth: Truth, forecast: Forecast) -> float:
    """The main metric alone: how often a yes is ranked before a no, a tie counting half.

    Not a number where the rows hold only one of the two answers. Worked out from the ranks of the
    forecasts (Mann and Whitney's U), which is the area under the ROC curve.
    """
    yes = int(truth.sum())
    no = len(truth) - yes
    if yes == 0 or no == 0:
        return float("nan")
    _, place, ties = np.unique(forecast, return_inverse=True, return_counts=True)
    ranks = np.cumsum(ties) - (ties - 1) / 2  # equal forecasts share the mean of their ranks
    return float((ranks[place][truth].sum() - yes * (yes + 1) / 2) / (yes * no))


def average_precision(truth: Truth, forecast: Forecast) -> float:
    """Precision at each forecast as the threshold, averaged over the yeses that it newly finds."""
    _, place = np.unique(-forecast, return_inverse=True)  # the highest forecast first
    newly, flagged = np.bincount(place, weights=truth), np.bincount(place)
    precision = newly.cumsum() / flagged.cumsum()
    return float((precision * newly).sum() / truth.sum())


def log_loss(truth: Truth, forecast: Forecast) -> float:
    """How surprised it is by the truth, in nats; sure and wrong costs most, but not infinitely."""
    given = np.where(truth, forecast, 1 - forecast)
    return float(-np.log(np.clip(given, np.finfo(float).eps, 1)).mean())


def on_part(truth: Truth, forecast: Forecast, whole: Truth) -> float:
    """The main metric of a part of the rows, to be compared with that of the whole."""
    return main(truth, forecast)


def about(truth: Truth, forecast: Forecast) -> dict[str, str]:
    """What some rows are like, in words, beside the main metric on them."""
    return {"share of yes": f"{truth.mean():.1%}", "mean forecast": f"{forecast.mean():.1%}"}


def check(train: Truth, holdout: Truth) -> tuple[str, ...]:
    """Refuse sides from which nothing can be learned, or on which nothing can be judged."""
    for side, answers in (("the rows to train on", train), ("the rows held out", holdout)):
        if answers.all() or not answers.any():
            raise ProjectError(
                what=f"All answers among {side} are {'yes' if answers.all() else 'no'}.",
                why="A model learns, and is judged, by telling one answer from the other.",
                do="Collect more rows, or change split.by, holdout_share or salt in params.toml.",
            )
    return ()
