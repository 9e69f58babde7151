"""How good is it, beside a dumb baseline, and is that good enough?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)

from .config import Evaluation

MAIN = "roc_auc"  # the metric that decides

Vector = NDArray[np.float64]
Truth = NDArray[np.bool_]


@dataclass(frozen=True)
class Verdict:
    """Whether a model is good enough, and what was found, in words."""

    passed: bool
    reasons: tuple[str, ...]


def probabilities(model: Any, matrix: Vector) -> Vector:
    """The probability that the answer is yes, for each row of the matrix."""
    column = list(model.classes_).index(True)
    result: Vector = model.predict_proba(matrix)[:, column]
    return result


def baseline(truth: Truth, rows: int) -> Vector:
    """A forecast without looking: the share of yes in training, the same for every row.

    A model that does not beat this has learned nothing.
    """
    return np.full(rows, truth.mean())


def score(truth: Truth, probability: Vector, threshold: float) -> dict[str, float]:
    """Metrics of a forecast; for log_loss and brier smaller is better."""
    return {
        "roc_auc": float(roc_auc_score(truth, probability)),
        "average_precision": float(average_precision_score(truth, probability)),
        "accuracy": float(accuracy_score(truth, probability >= threshold)),
        "log_loss": float(log_loss(truth, probability)),
        "brier": float(brier_score_loss(truth, probability)),
    }


def judge(model: dict[str, float], dumb: dict[str, float], params: Evaluation) -> Verdict:
    """Passed if the main metric reaches the minimum of params.toml and beats the baseline."""
    value = model[MAIN]
    enough = value >= params.minimum_roc_auc
    better = value > dumb[MAIN]
    reasons = (
        f"{MAIN} {value:.4f} {'reaches' if enough else 'is below'} "
        f"the minimum of {params.minimum_roc_auc}",
        f"it {'beats' if better else 'does not beat'} the baseline's {dumb[MAIN]:.4f}",
    )
    return Verdict(enough and better, reasons)
