"""From rows to the numbers a model reads. Training and the service both call `build`.

Two versions of this, one in a notebook and one in a service, are the classic way to a model that
is good in training and bad in use (training-serving skew).
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..data.rows import CATEGORIES, NUMBERS

NAMES = (
    *NUMBERS,
    *(f"{column}={value}" for column, values in CATEGORIES.items() for value in values),
)

LARGEST = float(np.finfo(np.float32).max)

Matrix = NDArray[np.float64]


class Columns(Protocol):
    """Gives a column by its name, as a DataFrame does, and a dict of lists."""

    def __getitem__(self, name: str, /) -> Any: ...


def build(columns: Columns) -> Matrix:
    """A matrix with a row for each row and a column for each of NAMES.

    A category gets a column of its own for each value; a value never seen, or none, is 0 in all of
    them. A number that is missing (None, or an empty cell) is NaN: the model knows what to do.
    """
    numbers = [np.asarray(columns[name], dtype=np.float64) for name in NUMBERS]
    categories = [
        (np.asarray(columns[name], dtype=object) == value).astype(np.float64)
        for name, values in CATEGORIES.items()
        for value in values
    ]
    matrix = np.column_stack([*numbers, *categories])
    # In steps of float32, with which the service computes: a model then cannot learn to tell apart
    # two values that are the same to the service.
    stepped: Matrix = np.clip(matrix, -LARGEST, LARGEST).astype(np.float32).astype(np.float64)
    return stepped
