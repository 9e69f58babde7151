"""The model itself: boosted trees of scikit-learn. Another model is another `fit`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from ..config import Model

Matrix = NDArray[np.float64]


def fit(matrix: Matrix, truth: NDArray[Any], params: Model) -> HistGradientBoostingRegressor:
    """The same rows and parameters give the same model: the seed is a parameter."""
    model = HistGradientBoostingRegressor(
        max_iter=params.max_iterations,
        learning_rate=params.learning_rate,
        max_leaf_nodes=params.max_leaves,
        min_samples_leaf=params.min_leaf_rows,
        l2_regularization=params.l2,
        early_stopping=False,
        random_state=params.seed,
    )
    return model.fit(matrix, truth)
