"""Does the file that is served still say what the model that was trained says?

It did on the hold-out of its training, or it would not have been stored so. The hold-out of today
may hold other rows; the model is loaded from the registry, as anybody else would load it.
"""

import mlflow
import numpy as np
from mlflow.entities.model_registry import ModelVersion
from numpy.typing import NDArray

from ..model import onnx
from ..model.forecast import forecast
from . import flavour

METRIC = "onnx_max_difference"


def difference(
    client: mlflow.MlflowClient,
    version: ModelVersion,
    matrix: NDArray[np.float64],
    said: NDArray[np.float64],
) -> float:
    """The largest on the rows of `matrix`, in the unit of onnx.TOLERANCE, also noted in the run.

    `said` is what the served file says of them.
    """
    mlflow.set_tracking_uri(client.tracking_uri)
    mlflow.set_registry_uri(client.tracking_uri)
    trained = flavour.load(f"models:/{version.name}/{version.version}")
    found = onnx.largest_difference(forecast(trained, matrix), said)
    client.log_metric(str(version.run_id), METRIC, found)
    return found
