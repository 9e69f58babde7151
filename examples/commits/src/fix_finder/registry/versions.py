"""A version of the model, and the files that its run kept for serving."""

from pathlib import Path

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from .. import PROJECT
from ..errors import ProjectError
from . import tracking


def find(client: mlflow.MlflowClient, version: str | None) -> ModelVersion:
    """The version of that number; None: the newest."""
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
            what="There is no version of a model yet.",
            why="No model has been trained in this project.",
            do="Train one: make train",
        )
    return versions[-1]


def files_of(client: mlflow.MlflowClient, version: ModelVersion, folder: str = "serving") -> Path:
    """A local copy of a folder that the version's run kept."""
    try:
        return Path(client.download_artifacts(str(version.run_id), folder))
    except (MlflowException, OSError) as error:
        raise ProjectError(
            what=f"The files of version {version.version} are not there.",
            why=f"Its training was interrupted, or the run's files were deleted: {error}",
            do="Train again: make train",
        ) from None
