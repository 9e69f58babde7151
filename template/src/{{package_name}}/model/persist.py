"""A model as two plain files: model.skops and model.json, without pickle.

Loading a pickle runs whatever its maker put in it. A skops file is only data, and the types it may
bring to life are those of scikit-learn that skops trusts, and the ones that we list here.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from numpy.typing import NDArray
from skops.io.exceptions import UntrustedTypesFoundException

from .. import files
from ..errors import ProjectError
from .forecast import forecast

FORMAT = 2  # of model.json

# A loaded model: from the matrix of features.build to a forecast for each row.
Forecaster = Callable[[NDArray[np.float64]], NDArray[np.float64]]

# Reviewed by us; the file itself has no say. TreePredictor holds the nodes of a boosted tree.
TRUSTED_TYPES = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]


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
            do="Train again; or review these types and add them to TRUSTED_TYPES in persist.py.",
        ) from None


def save_to(folder: Path, model: Any, about: dict[str, Any]) -> None:
    """Put both files there. model.json comes last: what it describes is there by then."""
    content = dump(model)
    files.write(folder / "model.skops", content)
    files.write(folder / "model.json", to_json(about | {"model_sha256": files.sha256(content)}))


def copy(source: Path, folder: Path) -> None:
    """Copy both files, in the same order."""
    for name in ("model.skops", "model.json"):
        files.write(folder / name, (source / name).read_bytes())


def load_from(folder: Path) -> tuple[Forecaster, dict[str, Any]]:
    """The model in a folder, ready to forecast, and what is known of it."""
    about = describe(folder)
    if about is None:
        raise ProjectError(
            what="There is no champion yet.",
            why=f"{folder / 'model.json'} does not exist: no model has been promoted.",
            do="Train one: make train",
        )
    content = (folder / "model.skops").read_bytes()
    if files.sha256(content) != about["model_sha256"]:
        raise ProjectError(
            what=f"{folder / 'model.skops'} is not the model that model.json describes.",
            why="Its sha256 differs: one of the two was changed or copied alone.",
            do="Export the champion again: make promote",
        )
    return partial(forecast, load(content, str(folder / "model.skops"))), about


def describe(folder: Path) -> dict[str, Any] | None:
    """What model.json says, or None when there is none."""
    try:
        about: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return about


def to_json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
