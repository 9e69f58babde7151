"""What does the model look at? Its score without a column, shuffled, beside its score with it."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..data.rows import CATEGORIES, NUMBERS
from ..model.features import NAMES
from ..model.forecast import Matrix, forecast
from .metrics import MAIN, main
from .picture import picture

MOST_ROWS = 2000  # more rows make it slower and hardly more exact
REPEATS = 3


def importance(model: Any, matrix: Matrix, truth: NDArray[Any], seed: int = 0) -> dict[str, float]:
    """For each column, how much the main metric falls when its values are dealt out anew.

    The columns that stand for one category are shuffled together: one alone would make rows that
    cannot be, with no category or with two. Two columns that tell the same look unimportant both,
    because the model still has the other one.
    """
    random = np.random.default_rng(seed)
    rows = random.permutation(len(truth))[:MOST_ROWS]
    matrix, truth = matrix[rows], truth[rows]
    whole = main(truth, forecast(model, matrix))
    fall = {}
    for column, places in _places().items():
        scores = []
        for _ in range(REPEATS):
            shuffled = matrix.copy()
            shuffled[:, places] = matrix[random.permutation(len(matrix))][:, places]
            scores.append(main(truth, forecast(model, shuffled)))
        fall[column] = whole - float(np.mean(scores))
    return fall


def draw(model: Any, matrix: Matrix, truth: NDArray[Any]) -> Figure:
    """The columns that matter most, the first at the top."""
    fall = importance(model, matrix, truth)
    order = sorted(fall, key=lambda column: fall[column])[-12:]
    figure, axes = picture("What does it look at?")
    axes.barh(order, [fall[column] for column in order])
    axes.set(xlabel=f"loss of {MAIN} when the column is shuffled")
    return figure


def _places() -> dict[str, list[int]]:
    """Where each column of a row stands in the matrix."""
    numbers = {column: [NAMES.index(column)] for column in NUMBERS}
    return numbers | {
        column: [NAMES.index(f"{column}={value}") for value in values]
        for column, values in CATEGORIES.items()
    }
