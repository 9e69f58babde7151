"""How good is a forecast of a number? The main metric decides; the others tell more."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..config import Evaluation
from ..errors import ProjectError

MAIN = "r2"  # bigger is better; 1 is perfect
CHANCE = 0.0  # the main metric of always naming the mean

Truth = NDArray[np.float64]
Forecast = NDArray[np.float64]  # (rows,): in the unit of the target


def truth(column: "pd.Series[Any]") -> Truth:
    return column.to_numpy(dtype=np.float64)


def numbers(truth: Truth) -> NDArray[np.float64]:
    """The answers as numbers, which they are."""
    return truth


def baseline(train: Truth, rows: int) -> Forecast:
    """A forecast without looking: the mean of training, the same for every row.

    A model that does not beat this has learned nothing.
    """
    return np.full(rows, train.mean())


def score(truth: Truth, forecast: Forecast, params: Evaluation) -> dict[str, float]:
    """Metrics of a forecast; mae and rmse are in the unit of the target, and smaller is better."""
    error = forecast - truth
    return {
        "r2": main(truth, forecast),
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "bias": float(error.mean()),
    }


def main(truth: Truth, forecast: Forecast) -> float:
    """The main metric alone. Not a number where all true values are the same."""
    spread = float(((truth - truth.mean()) ** 2).sum())
    if spread == 0:
        return float("nan")
    return 1 - float(((forecast - truth) ** 2).sum()) / spread


def on_part(truth: Truth, forecast: Forecast, whole: Truth) -> float:
    """The main metric of a part of the rows, to be compared with that of the whole.

    The errors are set against the spread of the whole. Against that of the part, a part whose true
    values are nearly the same would look bad even with the smallest errors.
    """
    return 1 - float(((forecast - truth) ** 2).mean() / whole.var())


def about(truth: Truth, forecast: Forecast) -> dict[str, str]:
    """What some rows are like, in words, beside the main metric on them."""
    return {"mean": f"{truth.mean():.4g}", "mae": f"{np.abs(forecast - truth).mean():.4g}"}


def check(train: Truth, holdout: Truth) -> tuple[str, ...]:
    """Refuse sides from which nothing can be learned, or on which nothing can be judged."""
    for side, answers in (("the rows to train on", train), ("the rows held out", holdout)):
        if answers.min() == answers.max():
            raise ProjectError(
                what=f"All answers among {side} are {answers[0]:g}.",
                why="A model learns, and is judged, by where answers differ.",
                do="Collect more rows, or change split.by, holdout_share or salt in params.toml.",
            )
    return ()
