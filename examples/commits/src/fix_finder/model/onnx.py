"""A model as ONNX: arithmetic in a file, for which no library that trains models is needed.

A service without scikit-learn and scipy starts sooner, is smaller, and answers a row of a tree
model some hundred times as fast. Whether both say the same is measured, not believed: `attempt`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

# What may lie between the trained model and its ONNX file, which computes in float32:
# of a probability.
TOLERANCE = 1e-5

# A worker of the service has one row at a time to answer: more threads would only wait for work.
THREADS = "ONNX_THREADS"  # an environment variable says how many, if one is not right

Matrix = NDArray[np.float64]
Forecast = NDArray[np.float64]


@dataclass(frozen=True)
class Attempt:
    """A model as ONNX, or why it is not served so."""

    content: bytes | None
    difference: float | None  # the largest, in the unit of TOLERANCE; None: it was not converted
    why_not: str = ""


def attempt(model: Any, matrix: Matrix, expected: Forecast) -> Attempt:
    """Convert, and compare on all rows of `matrix`, for which `expected` is what the model says."""
    from .convert import convert  # it imports what only training has

    try:
        content = convert(model, matrix.shape[1])
        found = largest_difference(expected, load(content)(matrix))
    except Exception as error:  # noqa: BLE001 - whatever the reason is, there is another way
        return Attempt(None, None, f"{type(model).__name__} is not converted: {_first(error)}")
    if not found <= TOLERANCE:  # so written that NaN is refused
        name = type(model).__name__
        return Attempt(None, found, f"{name} and its ONNX file differ by up to {found:.1e}")
    return Attempt(content, found)


def load(content: bytes) -> Callable[[Matrix], Forecast]:
    """A session, as a function from the matrix of features.build to a forecast for each row."""
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = int(os.environ.get(THREADS, "1"))
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    rows, output = session.get_inputs()[0].name, session.get_outputs()[-1].name

    def forecast(matrix: Matrix) -> Forecast:
        answers: Forecast = session.run([output], {rows: matrix.astype(np.float32)})[0]
        # The columns are: no, yes. A sum over trees in float32 may come out as 1.0000001.
        return answers[:, 1].astype(np.float64).clip(0, 1)

    return forecast


def largest_difference(expected: Forecast, given: Forecast) -> float:
    """In the unit of TOLERANCE. Different shapes are an error, not broadcast."""
    if expected.shape != given.shape:
        raise ValueError(f"forecasts of shape {expected.shape} and {given.shape}")
    return float(np.abs(expected - given).max())


def _first(error: Exception) -> str:
    """The first line of what it says: these libraries print whole models."""
    said, kind = str(error).strip().splitlines(), type(error).__name__
    return f"{kind}: {said[0][:200].rstrip('.')}" if said else kind
