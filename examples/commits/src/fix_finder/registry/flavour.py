"""How a model of scikit-learn is kept in MLflow, and how it comes back."""

from collections.abc import Mapping
from typing import Any

import mlflow.sklearn
from mlflow.models import infer_signature
from mlflow.models.model import ModelInfo

from ..model.forecast import Matrix
from ..model.skops_file import TRUSTED_TYPES

# Which versions decide what a model says.
LIBRARIES = ("scikit-learn", "skl2onnx", "onnxruntime", "skops", "numpy")


def log(model: Any, example: Matrix, versions: Mapping[str, str]) -> ModelInfo:
    """Into the active run. `versions` are those of LIBRARIES."""
    info: ModelInfo = mlflow.sklearn.log_model(
        model,
        name="model",
        signature=infer_signature(example, model.predict(example)),
        input_example=example,
        # Named, because to find them out MLflow starts a second Python and loads the model in it.
        pip_requirements=[
            f"{name}=={versions[name]}" for name in ("scikit-learn", "skops", "numpy")
        ],
        skops_trusted_types=TRUSTED_TYPES,
    )
    return info


def load(uri: str) -> Any:
    """The model as it was trained, for `forecast`."""
    return mlflow.sklearn.load_model(uri)
