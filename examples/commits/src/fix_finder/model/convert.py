"""From a fitted scikit-learn model, or a pipeline of them, to the bytes of an ONNX file."""

import warnings
from typing import Any

from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType


def convert(model: Any, columns: int) -> bytes:
    """Raises what skl2onnx raises when it knows no translation of the model.

    The same model gives the same bytes: a name of its own would be made up anew each time.
    """
    with warnings.catch_warnings():
        # It hands protobuf booleans for numbers, see pyproject.toml; nothing that you could change.
        warnings.simplefilter("ignore", DeprecationWarning)
        made = convert_sklearn(
            model,
            name="model",
            initial_types=[("rows", FloatTensorType([None, columns]))],
            options={id(model): {"zipmap": False}},  # probabilities as a matrix, not dictionaries
        )
    content: bytes = made.SerializeToString()
    return content
