"""What a trained model says about a matrix, as plain numbers. The service needs this too."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def forecast(model: Any, matrix: Matrix) -> NDArray[np.float64]:
    """The probability that the answer is yes, for each row of the matrix."""
    result: NDArray[np.float64] = model.predict_proba(matrix)[:, 1]  # classes are False, True
    return result
