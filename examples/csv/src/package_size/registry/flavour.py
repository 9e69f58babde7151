"""How a model of scikit-learn is kept in MLflow, and how it comes back."""

from collections.abc import Mapping
from typing import Any

import mlflow.sklearn
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from mlflow.models.model import ModelInfo
from skops.io.exceptions import UntrustedTypesFoundException

from ..errors import ProjectError
from ..model.forecast import Matrix
from ..model.skops_file import TRUSTED_TYPES

# Which versions decide what a model says.
LIBRARIES = ("scikit-learn", "skl2onnx", "onnxruntime", "skops", "numpy")


def log(model: Any, example: Matrix, versions: Mapping[str, str]) -> ModelInfo:
    """Into the active run. `versions` are those of LIBRARIES."""
    try:
        info: ModelInfo = mlflow.sklearn.log_model(
            model,
            name="model",
            signature=infer_signature(example, model.predict(example)),
            input_example=example,
            # Named: to find them out, MLflow starts a second Python and loads the model in it.
            pip_requirements=[
                f"{name}=={versions[name]}" for name in ("scikit-learn", "skops", "numpy")
            ],
            skops_trusted_types=TRUSTED_TYPES,
        )
    except MlflowException as error:
        if isinstance(error.__context__, UntrustedTypesFoundException):
            raise _not_kept(model, error.__context__) from None
        raise
    return info


def load(uri: str) -> Any:
    """The model as it was trained, for `forecast`."""
    return mlflow.sklearn.load_model(uri)


def _not_kept(model: Any, error: UntrustedTypesFoundException) -> ProjectError:
    return ProjectError(
        what=f"MLflow does not keep this {type(model).__name__}: to load it could run any code.",
        why=f"It holds types that are not on our list: {error}",
        do="Do without them (a category has columns of its own already, see model/features.py); or "
        "review them, and add them to TRUSTED_TYPES in model/skops_file.py.",
    )
