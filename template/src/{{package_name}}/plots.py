"""Pictures of a forecast on the hold-out. Each one answers a question, which is its title."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.inspection import permutation_importance
from sklearn.metrics import precision_recall_curve, roc_curve

from .evaluate import Truth, Vector
from .features import NAMES


def draw(folder: Path, model: Any, matrix: Vector, truth: Truth, probability: Vector) -> None:
    """Write the pictures, as PNG files, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "roc": roc(truth, probability),
        "precision-recall": precision_recall(truth, probability),
        "calibration": calibration(truth, probability),
        "importance": importance(model, matrix, truth),
    }
    for name, figure in pictures.items():
        figure.savefig(folder / f"{name}.png", dpi=90)


def roc(truth: Truth, probability: Vector) -> Figure:
    false_positive, true_positive, _ = roc_curve(truth, probability)
    figure, axes = _picture("Does it rank documented functions first?")
    axes.plot(false_positive, true_positive, label="model")
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="baseline")
    axes.set(xlabel="share of the others that it also names", ylabel="share that it finds")
    axes.legend(loc="lower right")
    return figure


def precision_recall(truth: Truth, probability: Vector) -> Figure:
    precision, recall, _ = precision_recall_curve(truth, probability)
    figure, axes = _picture("When it says yes, how often is it right?")
    axes.plot(recall, precision, label="model")
    axes.axhline(truth.mean(), linestyle=":", color="grey", label="baseline")
    axes.set(xlabel="recall: share that it finds", ylabel="precision: share that is right")
    axes.set_ylim(0, 1.02)
    axes.legend(loc="lower left")
    return figure


def calibration(truth: Truth, probability: Vector) -> Figure:
    observed, forecast = calibration_curve(truth, probability, n_bins=10, strategy="quantile")
    figure, axes = _picture("Is 70 % sure right 7 times of 10?")
    axes.plot(forecast, observed, marker="o", label="model")
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="perfect")
    axes.set(xlabel="probability that it gives", ylabel="share that came true")
    axes.legend(loc="lower right")
    return figure


def importance(model: Any, matrix: Vector, truth: Truth) -> Figure:
    """How much worse the ranking gets when one column is shuffled, on at most 2000 rows."""
    shuffled = permutation_importance(
        model,
        matrix,
        truth,
        scoring="roc_auc",
        n_repeats=2,
        max_samples=min(2000, len(truth)),
        random_state=0,
    )
    order = np.argsort(shuffled.importances_mean)[-12:]
    figure, axes = _picture("What does it look at?")
    axes.barh([NAMES[index] for index in order], shuffled.importances_mean[order])
    axes.set(xlabel="loss of ROC AUC when the column is shuffled")
    return figure


def _picture(title: str) -> tuple[Figure, Any]:
    # Figure, not pyplot: no window, no global state, nothing to close.
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title)
    return figure, axes
