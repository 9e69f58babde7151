"""MLflow: where runs are kept, what a run records, which version of the model is which."""

import logging
import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models.model import ModelInfo

from .. import PROJECT, files
from ..paths import Layout
from . import abandoned
from .flavour import LIBRARIES

ALIAS = "champion"

# Read once, here: mlflow.set_tracking_uri writes this variable itself.
ELSEWHERE = os.environ.get("MLFLOW_TRACKING_URI")

# What they say at the info level, and about a missing pip, is harmless but reads like trouble.
for noisy in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent"):
    logging.getLogger(noisy).setLevel(logging.WARNING)
for noisy in ("mlflow.utils.environment", "mlflow.utils.uv_utils"):
    logging.getLogger(noisy).setLevel(logging.ERROR)


def uri(layout: Layout) -> str:
    """Where runs are kept: a database in the project, unless MLFLOW_TRACKING_URI says otherwise.

    The path is absolute. MLflow's own default is relative to the current folder, so a run started
    in another folder would be written to another, new database.
    """
    return ELSEWHERE or f"sqlite:///{layout.database.as_posix()}"


def client(layout: Layout) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(uri(layout), uri(layout))


@contextmanager
def run(layout: Layout) -> Iterator[str]:
    """A new run; gives its id. An error or Ctrl+C inside ends it as FAILED, not as RUNNING.

    A process that is killed can't do that: the next run does it for it.
    """
    mlflow.set_tracking_uri(uri(layout))
    mlflow.set_registry_uri(uri(layout))
    experiment = mlflow.get_experiment_by_name(PROJECT)
    if experiment is None:
        # Said explicitly, the files lie beside the database, wherever the command is started.
        own = uri(layout).startswith("sqlite:")
        location = layout.artifacts.as_uri() if own else None
        experiment_id = mlflow.create_experiment(PROJECT, artifact_location=location)
    else:
        experiment_id = experiment.experiment_id
    abandoned.end(client(layout), experiment_id)
    with mlflow.start_run(experiment_id=experiment_id, tags=abandoned.tags()) as active:
        yield active.info.run_id


def champion(of: mlflow.MlflowClient) -> ModelVersion | None:
    try:
        return of.get_model_version_by_alias(PROJECT, ALIAS)
    except MlflowException:  # raised for an unknown model and for an unknown alias alike
        return None


def versions(of: mlflow.MlflowClient) -> list[ModelVersion]:
    """All versions of the model, the oldest first."""
    found = of.search_model_versions(f"name = '{PROJECT}'")
    return sorted(found, key=lambda each: int(each.version))


def origin(layout: Layout) -> dict[str, Any]:
    """Which code, which locked libraries and which Python make this model."""
    lock = layout.root / "uv.lock"
    commit, dirty = _commit(layout)
    return {
        "git_commit": commit,
        "git_dirty": dirty,
        "lock_sha256": files.sha256(lock.read_bytes()) if lock.is_file() else None,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
    }


def _commit(layout: Layout) -> tuple[str | None, bool | None]:
    """The commit, and whether the code differs from it. A job, whose code is a copy, is told."""
    if told := os.environ.get("MLDEPLOY_COMMIT"):
        return told, os.environ.get("MLDEPLOY_DIRTY") == "1"
    commit = _git(layout, "rev-parse", "HEAD")
    # The card and its pictures are written by the training itself: they are no change of the code.
    made = (":(exclude)MODEL_CARD.md", ":(exclude)docs/model-card")
    changes = _git(layout, "status", "--porcelain", "--", ".", *made)
    return commit, None if commit is None else changes != ""


def _git(layout: Layout, *arguments: str) -> str | None:
    """What git answers, or None without git, a repository or a first commit."""
    command = ["git", "-C", str(layout.root), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def new_version(of: mlflow.MlflowClient, logged: ModelInfo, run_id: str) -> str:
    """Make the logged model the next version of the project's model in the registry."""
    try:
        of.get_registered_model(PROJECT)
    except MlflowException:
        of.create_registered_model(PROJECT)
    made = of.create_model_version(
        PROJECT, source=logged.model_uri, run_id=run_id, model_id=logged.model_id
    )
    return str(made.version)


def mark(of: mlflow.MlflowClient, version: str, tags: dict[str, str]) -> None:
    for name, value in tags.items():
        of.set_model_version_tag(PROJECT, version, name, value)
