"""The champion's files, where the service, the tests and the readers look for them."""

import json
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities.model_registry import ModelVersion

from .. import PROJECT, files
from ..errors import ProjectError
from ..evaluation.document import to_markdown
from ..model import persist
from ..paths import Layout
from .versions import files_of


def export(client: mlflow.MlflowClient, champion: ModelVersion, layout: Layout) -> None:
    """Copy model, golden requests and model card out of the run, unless they are there already."""
    exported = (layout.champion / "model.json", layout.golden)
    if all(_is_of(file, champion) for file in exported) and layout.card.is_file():
        return  # golden requests that you added stay, as long as the champion does
    folder = files_of(client, champion)
    about = persist.describe(folder)
    if about is None:
        raise ProjectError("The champion's model.json is missing.", str(folder), "make train")
    files.write(layout.golden, (folder / "golden.json").read_bytes())
    _write_card(about, files_of(client, champion, "reports") / "plots", layout)
    persist.copy(folder, layout.champion)  # last: what it stands for is there by then


def card(about: dict[str, Any], pictures: list[str]) -> bytes:
    """The model card as a file, for a model with this model.json."""
    made = f"Version {about['version']}, run `{about['run_id']}`, {about['created_at']}."
    return to_markdown(f"Model card: {PROJECT}", made, about.get("card", []), pictures).encode()


def _write_card(about: dict[str, Any], plots: Path, layout: Layout) -> None:
    for picture in plots.iterdir():
        files.write(layout.card_pictures / picture.name, picture.read_bytes())
    pictures = [
        (layout.card_pictures / name).relative_to(layout.root).as_posix()
        for name in sorted(file.name for file in plots.iterdir())
    ]
    files.write(layout.card, card(about, pictures))


def _is_of(file: Path, version: ModelVersion) -> bool:
    """Was the file written for this version? Both kinds of file name their run."""
    try:
        return bool(json.loads(file.read_text(encoding="utf-8"))["run_id"] == version.run_id)
    except (OSError, ValueError, KeyError):
        return False
