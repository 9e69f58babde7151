"""A model as two plain files: model.json, and model.onnx or model.skops.

As ONNX if it can be converted and says the same as the trained model on the hold-out, which is
measured each time; else as skops, and the service then needs scikit-learn. Neither is a pickle:
loading one of those runs whatever its maker put into it.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import files
from ..errors import ProjectError
from . import onnx
from .forecast import forecast

FORMAT = 3  # of model.json
ONNX, SKOPS, ABOUT = "model.onnx", "model.skops", "model.json"
ADD_TO_SERVICE = "uv add --group serve scikit-learn skops"

# A loaded model: from the matrix of features.build to a forecast for each row.
Forecaster = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def save_to(
    folder: Path, model: Any, matrix: NDArray[np.float64], about: dict[str, Any]
) -> dict[str, Any]:
    """Put both files there, and return what model.json says. `matrix` is that of the hold-out."""
    attempt = onnx.attempt(model, matrix, forecast(model, matrix))
    name, content = ONNX, attempt.content
    if content is None:
        from . import skops_file

        name, content = SKOPS, skops_file.dump(model)
    known = about | {
        "model_file": name,
        "model_sha256": files.sha256(content),
        "onnx_max_difference": attempt.difference,
        "why_not_onnx": attempt.why_not,
    }
    _put(folder, name, content, known)
    return known


def copy(source: Path, folder: Path) -> None:
    """Copy both files."""
    about = _known(source)
    _put(folder, about["model_file"], (source / about["model_file"]).read_bytes(), about)


def load_from(folder: Path) -> tuple[Forecaster, dict[str, Any]]:
    """The model in a folder, ready to forecast, and what is known of it."""
    about = _known(folder)
    path = folder / about["model_file"]
    content = path.read_bytes()
    if files.sha256(content) != about["model_sha256"]:
        raise ProjectError(
            what=f"{path} is not the model that model.json describes.",
            why="Its sha256 differs: one of the two was changed or copied alone.",
            do="Export the champion again: make promote",
        )
    if path.name == ONNX:
        return onnx.load(content), about
    try:
        from . import skops_file

        return partial(forecast, skops_file.load(content, str(path))), about
    except ModuleNotFoundError as error:
        raise ProjectError(
            what=f"{path} is not loaded.",
            why=f"{error}. It is needed because {about['why_not_onnx']}.",
            do=f"Add it to the service: {ADD_TO_SERVICE}",
        ) from None


def describe(folder: Path) -> dict[str, Any] | None:
    """What model.json says, or None when there is none."""
    try:
        about: dict[str, Any] = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    # Format 2 knew skops only.
    return {"model_file": SKOPS, "why_not_onnx": "it was trained before there was ONNX"} | about


def to_json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _known(folder: Path) -> dict[str, Any]:
    about = describe(folder)
    if about is None:
        raise ProjectError(
            what="There is no champion yet.",
            why=f"{folder / ABOUT} does not exist: no model has been promoted.",
            do="Train one: make train",
        )
    return about


def _put(folder: Path, name: str, content: bytes, about: dict[str, Any]) -> None:
    """model.json comes last: what it describes is there by then, and the other kind is not."""
    files.write(folder / name, content)
    files.write(folder / ABOUT, to_json(about))
    for other in {ONNX, SKOPS} - {name}:
        (folder / other).unlink(missing_ok=True)
