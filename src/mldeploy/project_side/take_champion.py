"""Copy the serving files of the model that an alias names out of the project's MLflow.

usage: take_champion.py NAME ALIAS FOLDER

Prints ``{"version", "run_id", "metrics", "folder"}``, the folder of the files where it is one of
this machine's, else null; or ``{"missing": reason}`` where reason is
``registry``, ``alias``, ``files`` or ``elsewhere`` (with ``why``: a bucket that did not answer).
Wants run artifacts ``serving/``: a model file of any kind, ``model.json`` and ``golden.json``:
docs/release.md.
"""

import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname


def main(name: str, alias: str, folder: str) -> dict[str, object]:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    database = Path.cwd() / "mlflow.db"
    uri = os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    # Asking would create the database, and an empty one looks like lost runs.
    if uri == f"sqlite:///{database}" and not database.exists():
        return {"missing": "registry"}

    import logging

    logging.getLogger("alembic").setLevel(logging.ERROR)
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    client = MlflowClient()
    try:
        version = client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return {"missing": "alias"}
        raise
    run = client.get_run(version.run_id)
    try:
        if not client.list_artifacts(version.run_id, "serving"):
            return {"missing": "files", "version": version.version, "run_id": version.run_id}
        client.download_artifacts(version.run_id, "serving", folder)
    except Exception as error:  # each kind of store has a library, and errors, of its own
        if not is_remote(run.info.artifact_uri):
            raise
        why = f"{run.info.artifact_uri}: {error}"
        return {"missing": "elsewhere", "version": version.version, "why": why}
    return {
        "version": str(version.version),
        "run_id": version.run_id,
        "metrics": dict(run.data.metrics),
        "folder": local_folder(run.info.artifact_uri),
    }


def is_remote(artifacts: str) -> bool:
    parts = urlsplit(artifacts)
    return parts.scheme not in ("", "file") or bool(parts.netloc)


def local_folder(artifacts: str) -> str | None:
    if is_remote(artifacts):
        return None
    parts = urlsplit(artifacts)
    serving = Path(url2pathname(parts.path) if parts.scheme else artifacts, "serving")
    return str(serving.resolve()) if serving.is_dir() else None


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))  # noqa: T201 - the caller reads this line
