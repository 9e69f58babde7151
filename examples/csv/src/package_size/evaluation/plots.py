"""Pictures of a forecast on the hold-out. Each one answers a question, which is its title."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..data.rows import TARGET
from ..model.forecast import Matrix
from . import importance
from .metrics import Forecast, Truth
from .picture import picture, save

MOST_POINTS = 2000  # more only paint the picture black


def draw(folder: Path, model: Any, matrix: Matrix, truth: Truth, forecast: Forecast) -> None:
    """Write the pictures, as PNG files, into `folder`."""
    pictures = {
        "truth": truth_by_forecast(truth, forecast),
        "residuals": residuals(truth, forecast),
        "errors": errors(truth, forecast),
        "importance": importance.draw(model, matrix, truth),
    }
    save(pictures, folder)


def truth_by_forecast(truth: Truth, forecast: Forecast) -> Figure:
    shown = _some(len(truth))
    figure, axes = picture("How near is it to the truth?")
    axes.scatter(forecast[shown], truth[shown], s=6, alpha=0.4, label="rows held out")
    ends = [min(truth.min(), forecast.min()), max(truth.max(), forecast.max())]
    axes.plot(ends, ends, linestyle=":", color="grey", label="perfect")
    axes.set(xlabel=f"forecast of {TARGET}", ylabel=f"true {TARGET}")
    axes.legend(loc="upper left")
    return figure


def residuals(truth: Truth, forecast: Forecast) -> Figure:
    """Errors around zero everywhere are chance; a curve or a funnel is something not learned."""
    shown = _some(len(truth))
    figure, axes = picture("Is it wrong more often in one direction?")
    axes.scatter(forecast[shown], (truth - forecast)[shown], s=6, alpha=0.4)
    axes.axhline(0, linestyle=":", color="grey", label="perfect")
    middles, means = _means(forecast, truth - forecast)
    axes.plot(middles, means, marker="o", color="tab:orange", label="mean of a tenth of the rows")
    axes.set(xlabel=f"forecast of {TARGET}", ylabel="truth minus forecast")
    axes.legend(loc="upper left")
    return figure


def errors(truth: Truth, forecast: Forecast) -> Figure:
    wrong = truth - forecast
    below, above = np.quantile(wrong, (0.1, 0.9))
    figure, axes = picture("How far off is it, eight times of ten?")
    # A few huge errors would squeeze all others into one bar: the picture ends where they begin.
    ends = tuple(np.quantile(wrong, (0.002, 0.998)).tolist())
    axes.hist(wrong, bins=50, range=ends)
    axes.axvspan(below, above, color="tab:green", alpha=0.2, label=f"{below:+.3g} to {above:+.3g}")
    axes.set(xlabel="truth minus forecast", ylabel="rows")
    axes.legend(loc="upper left")
    return figure


def _some(rows: int) -> Any:
    return np.random.default_rng(0).permutation(rows)[:MOST_POINTS]


def _means(forecast: Forecast, wrong: Forecast) -> tuple[list[float], list[float]]:
    """The rows in order of their forecast, in tenths: mean forecast and mean error of each."""
    tenths = [part for part in np.array_split(np.argsort(forecast), 10) if len(part)]
    return [forecast[part].mean() for part in tenths], [wrong[part].mean() for part in tenths]
