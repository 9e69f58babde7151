"""Does anything in the columns give the answer away? A score made by a leak is worth nothing.

Each check answers with a finding: passed or not, and why, in a sentence for people.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeRegressor

from ..config import Honesty
from ..data.rows import CATEGORIES, NUMBERS
from ..model.features import NAMES
from ..model.forecast import Matrix
from . import metrics
from .metrics import MAIN, Forecast, Truth

ROWS = 20_000  # enough for both checks; more would only take longer
FEW = 3  # columns: an answer that is put together from so few was hardly ever unknown


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    check: str
    passed: bool
    sentence: str


@dataclass(frozen=True)
class Sides:
    """What the model learns from, and what it is judged by."""

    matrix: Matrix
    truth: Truth
    holdout: Matrix
    holdout_truth: Truth


def single_column(sides: Sides, params: Honesty) -> Finding:
    """Can one column alone say (nearly) all? A small tree gets it, and nothing else."""
    scores = {name: _alone(sides, places) for name, places in _columns().items()}
    best = max(scores, key=lambda name: scores[name])
    told = [name for name, value in scores.items() if value > params.single_column]
    if told:
        names = " and ".join(f"{name} ({MAIN} {scores[name]:.3f})" for name in told)
        return Finding(
            "single column",
            False,
            f"{names} alone nearly gives the answer: is it known when you have to predict?",
        )
    found = f"no column alone gives the answer: the best, {best}, reaches {MAIN} {scores[best]:.3f}"
    return Finding("single column", True, found)


def few_columns(sides: Sides, params: Honesty) -> Finding:
    """Is the answer a sum of a few columns? Two parts of a total give the total away."""
    columns = _standardised(np.vstack([sides.matrix[:ROWS], sides.holdout[:ROWS]]))
    known = min(len(sides.matrix), ROWS)
    target = metrics.numbers(sides.truth[:ROWS])
    gram = columns[:known].T @ columns[:known] + 1e-6 * known * np.eye(columns.shape[1])
    moment = (columns[:known].T @ (target - target.mean(axis=0))).reshape(columns.shape[1], -1)
    chosen = list(range(columns.shape[1]))
    # Backwards: from all columns, leave out the one that is missed least. Forwards, one by one, two
    # parts of a total are not found: each by itself hardly has to do with it.
    while len(chosen) > FEW:
        inverse = np.linalg.inv(gram[np.ix_(chosen, chosen)])
        missed = ((inverse @ moment[chosen]) ** 2).sum(axis=1) / np.diag(inverse)
        chosen.pop(int(missed.argmin()))
    design = np.column_stack([np.ones(len(columns)), columns[:, chosen]])
    weights, *_ = np.linalg.lstsq(design[:known], target, rcond=None)
    explained = _explained(metrics.numbers(sides.holdout_truth[:ROWS]), design[known:] @ weights)
    names = ", ".join(NAMES[index] for index in chosen)
    passed = explained <= params.few_columns
    said = (
        f"the answer is no sum of {FEW} columns: the best three explain {explained:.1%} of it"
        if passed
        else f"{names} put together give {explained:.1%} of the answer: they look like its parts"
    )
    return Finding("few columns", passed, said)


def _columns() -> dict[str, list[int]]:
    """Each column of a row, with its places in the matrix: a category has one for each value."""
    numbers = {name: [NAMES.index(name)] for name in NUMBERS}
    categories = {
        name: [NAMES.index(f"{name}={value}") for value in values]
        for name, values in CATEGORIES.items()
        if values
    }
    return numbers | categories


def _alone(sides: Sides, places: list[int]) -> float:
    """The main metric on the hold-out of a tree that sees these columns of the matrix only."""
    tree = DecisionTreeRegressor(max_depth=7, min_samples_leaf=5, random_state=0)
    tree.fit(sides.matrix[:ROWS, places], metrics.numbers(sides.truth[:ROWS]))
    forecast: Forecast = tree.predict(sides.holdout[:ROWS, places])
    return metrics.main(sides.holdout_truth[:ROWS], forecast)


def _standardised(matrix: Matrix) -> Matrix:
    """Each column with mean 0 and spread 1; a value that is missing becomes the mean."""
    there = ~np.isnan(matrix)
    mean = np.where(there, matrix, 0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    centred = np.where(there, matrix - mean, 0)
    spread = centred.std(axis=0)
    return centred / np.where(spread > 0, spread, 1)


def _explained(truth: NDArray[np.float64], forecast: NDArray[np.float64]) -> float:
    """The share of the variance that is explained (R²), of all columns together."""
    spread = float(((truth - truth.mean(axis=0)) ** 2).sum())
    return 1 - float(((truth - forecast) ** 2).sum()) / spread if spread else 0.0
