"""Which version is the champion, the one that is served? Only the best that passed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from .. import PROJECT, files
from ..data.rows import TARGET
from ..errors import ProjectError
from ..evaluation import metrics
from ..evaluation.metrics import MAIN
from ..model import features, persist
from ..paths import Layout
from . import tracking


@dataclass(frozen=True)
class Decision:
    """Whether a version becomes the champion, and why, in words."""

    promoted: bool
    why: str


def promote(version: str | None, holdout: pd.DataFrame, layout: Layout) -> Decision:
    """Move the alias to `version` (None: the newest) if it deserves it, and export the champion.

    Both models answer the same hold-out now. Metrics that were written down earlier may come from
    other data, and would not be comparable.
    """
    client = tracking.client(layout)
    candidate = _find(client, version)
    champion = tracking.champion(client)
    if champion is not None and str(champion.version) == str(candidate.version):
        _export(client, champion, layout)
        return Decision(True, f"version {champion.version} is the champion already")
    decision = decide(
        candidate,
        _score(client, candidate, holdout),
        champion,
        None if champion is None else _score(client, champion, holdout),
    )
    if decision.promoted:
        client.set_registered_model_alias(PROJECT, tracking.ALIAS, candidate.version)
        champion = candidate
    if champion is not None:  # also when it stays: its files may be missing, as in a new clone
        _export(client, champion, layout)
    return decision


def decide(
    candidate: ModelVersion,
    score: float | None,
    champion: ModelVersion | None,
    champion_score: float | None,
) -> Decision:
    """The rules. A score is the main metric on the hold-out; None: it cannot be scored."""
    name = f"version {candidate.version}"
    if candidate.tags.get("evaluation") != "passed":
        found = candidate.tags.get("evaluation", "missing")
        return Decision(False, f"the evaluation of {name} is: {found}")
    if score is None:
        return Decision(False, f"{name} reads columns that features.py no longer builds")
    if not score > float(candidate.tags[f"baseline_{MAIN}"]):
        return Decision(False, f"{name} does not beat the baseline: {MAIN} {score:.4f}")
    if champion is None:
        return Decision(True, f"{name} is the first champion: {MAIN} {score:.4f}")
    other = f"the champion, version {champion.version}"
    if champion_score is None:
        return Decision(True, f"{name}: {other}, reads columns that are no longer built")
    numbers = f"{MAIN} {score:.4f} against {champion_score:.4f} on the same hold-out"
    if score == champion_score:
        return Decision(False, f"{name} is as good as {other}, not better: {numbers}")
    better = score > champion_score
    return Decision(better, f"{name} {'beats' if better else 'does not beat'} {other}: {numbers}")


def _find(client: mlflow.MlflowClient, version: str | None) -> ModelVersion:
    try:
        if version is not None:
            return client.get_model_version(PROJECT, version)
    except MlflowException as error:
        raise ProjectError(
            what=f"There is no version {version}.",
            why=error.message,
            do="Look at the versions: make runs",
        ) from None
    versions = tracking.versions(client)
    if not versions:
        raise ProjectError(
            what="There is no version to promote.",
            why="No model has been trained in this project yet.",
            do="Train one: make train",
        )
    return versions[-1]


def _score(
    client: mlflow.MlflowClient, version: ModelVersion, holdout: pd.DataFrame
) -> float | None:
    """The main metric on the hold-out now, or None when the model needs columns that are gone."""
    folder = _serving_files(client, version)
    forecaster, about = persist.load_from(folder)
    if not set(about["features"]) <= set(features.NAMES):
        return None
    columns = [features.NAMES.index(name) for name in about["features"]]
    matrix = np.ascontiguousarray(features.build(holdout)[:, columns])
    return metrics.main(metrics.truth(holdout[TARGET]), forecaster(matrix))


def _serving_files(client: mlflow.MlflowClient, version: ModelVersion) -> Path:
    try:
        return Path(client.download_artifacts(str(version.run_id), "serving"))
    except (MlflowException, OSError) as error:
        raise ProjectError(
            what=f"The files of version {version.version} are not there.",
            why=f"Its training was interrupted, or the run's files were deleted: {error}",
            do="Train again: make train",
        ) from None


def _export(client: mlflow.MlflowClient, champion: ModelVersion, layout: Layout) -> None:
    """Copy the champion's files to where the service and the tests look for them."""
    if _is_of(layout.champion / "model.json", champion) and _is_of(layout.golden, champion):
        return  # golden requests that you added stay, as long as the champion does
    folder = _serving_files(client, champion)
    known: dict[str, Any] | None = persist.describe(folder)
    if known is None:
        raise ProjectError("The champion's model.json is missing.", str(folder), "make train")
    files.write(layout.golden, (folder / "golden.json").read_bytes())
    persist.save_to(layout.champion, (folder / "model.skops").read_bytes(), known)


def _is_of(file: Path, version: ModelVersion) -> bool:
    """Was the file written for this version? Both kinds of file name their run."""
    try:
        return bool(json.loads(file.read_text(encoding="utf-8"))["run_id"] == version.run_id)
    except (OSError, ValueError, KeyError):
        return False
