"""Pictures of a forecast on the hold-out. Each one answers a question, which is its title."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve, roc_curve

from ..model.forecast import Matrix
from . import importance
from .calibration import bins
from .metrics import Forecast, Truth
from .picture import picture, save


def draw(folder: Path, model: Any, matrix: Matrix, truth: Truth, probability: Forecast) -> None:
    """Write the pictures, as PNG files, into `folder`."""
    pictures = {
        "roc": roc(truth, probability),
        "precision-recall": precision_recall(truth, probability),
        "calibration": calibration(truth, probability),
        "importance": importance.draw(model, matrix, truth),
    }
    save(pictures, folder)


def roc(truth: Truth, probability: Forecast) -> Figure:
    false_positive, true_positive, _ = roc_curve(truth, probability)
    figure, axes = picture("Does it rank the yeses first?")
    axes.plot(false_positive, true_positive, label="model")
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="baseline")
    axes.set(xlabel="share of the others that it also names", ylabel="share that it finds")
    axes.legend(loc="lower right")
    return figure


def precision_recall(truth: Truth, probability: Forecast) -> Figure:
    precision, recall, _ = precision_recall_curve(truth, probability)
    figure, axes = picture("When it says yes, how often is it right?")
    axes.plot(recall, precision, label="model")
    axes.axhline(truth.mean(), linestyle=":", color="grey", label="baseline")
    axes.set(xlabel="recall: share that it finds", ylabel="precision: share that is right")
    axes.set_ylim(0, 1.02)
    axes.legend(loc="lower left")
    return figure


def calibration(truth: Truth, probability: Forecast) -> Figure:
    forecast, observed, _ = bins(truth, probability).T
    figure, axes = picture("Is 70 % sure right 7 times of 10?")
    axes.plot(forecast, observed, marker="o", label="model")
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="perfect")
    axes.set(xlabel="probability that it gives", ylabel="share that came true")
    axes.legend(loc="lower right")
    return figure
