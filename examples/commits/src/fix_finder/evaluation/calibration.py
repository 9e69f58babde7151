"""Can a probability be believed? Of the answers given with 70 %, about 70 % should be right."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10


def bins(right: NDArray[np.bool_], sure: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rows in order of their probability, in tenths: mean probability, share that came true,
    and rows of each. Rows with the same probability stay together."""
    edges = np.unique(np.quantile(sure, np.linspace(0, 1, BINS + 1)[1:-1]))
    places = np.searchsorted(edges, sure, side="left")
    tenths: list[Any] = [places == place for place in np.unique(places)]
    return np.array([(sure[rows].mean(), right[rows].mean(), rows.sum()) for rows in tenths])


def error(right: NDArray[np.bool_], sure: NDArray[np.float64]) -> float:
    """The expected calibration error: by how much a probability is off, averaged over the rows."""
    forecast, observed, rows = bins(right, sure).T
    return float(np.average(np.abs(forecast - observed), weights=rows))
