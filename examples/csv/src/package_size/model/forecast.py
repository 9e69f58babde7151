"""What a trained model says about a matrix, as plain numbers. The service needs this too."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def forecast(model: Any, matrix: Matrix) -> NDArray[np.float64]:
    """The number that the model expects, for each row of the matrix."""
    result: NDArray[np.float64] = model.predict(matrix)
    return result
