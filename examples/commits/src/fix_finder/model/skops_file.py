"""A scikit-learn model as a skops file: for models that ONNX does not know, and without pickle.

Loading a pickle runs whatever its maker put in it. A skops file is only data, and the types it may
bring to life are those of scikit-learn that skops trusts, and the ones that we list here.
"""

from typing import Any

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from ..errors import ProjectError

# Reviewed by us; the file itself has no say. They hold the nodes of trees.
TRUSTED_TYPES = [
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
]


def dump(model: Any) -> bytes:
    content: bytes = skops.io.dumps(model)
    return content


def load(content: bytes, name: str) -> Any:
    """The model in a skops file. `name` is only for the error, when a type is not trusted."""
    try:
        return skops.io.loads(content, trusted=TRUSTED_TYPES)
    except UntrustedTypesFoundException as error:
        raise ProjectError(
            what=f"{name} is not loaded.",
            why=f"It would bring types to life that are not on our list: {error}",
            do="Train again; or review these types and add them to TRUSTED_TYPES in skops_file.py.",
        ) from None
