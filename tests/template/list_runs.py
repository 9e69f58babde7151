"""Everything that MLflow's own client says of a store, as JSON; run by a project's interpreter.

usage: list_runs.py URI
"""

import hashlib
import json
import sys
import warnings
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

client = MlflowClient(sys.argv[1])


def run_as_json(run: Run) -> dict[str, object]:
    run_id = run.info.run_id
    return {
        "name": run.info.run_name,
        "status": run.info.status,
        "times": [run.info.start_time, run.info.end_time],
        "place": run.info.artifact_uri,
        "params": run.data.params,
        "tags": run.data.tags,
        "latest": {key: repr(value) for key, value in run.data.metrics.items()},
        "histories": {
            key: [
                (point.timestamp, point.step, repr(point.value))
                for point in client.get_metric_history(run_id, key)
            ]
            for key in run.data.metrics
        },
        "datasets": [
            [each.dataset.name, each.dataset.digest, each.dataset.schema]
            + sorted([tag.key, tag.value] for tag in each.tags)
            for each in run.inputs.dataset_inputs
        ],
        "models": sorted([out.model_id, out.step] for out in run.outputs.model_outputs),
        "files": files(Path(client.download_artifacts(run_id, ""))) if has_files(run_id) else {},
    }


def has_files(run_id: str) -> bool:
    return bool(client.list_artifacts(run_id))


def files(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


def listing() -> dict[str, object]:
    experiments = client.search_experiments()
    found: dict[str, object] = {}
    for experiment in experiments:
        ids = [experiment.experiment_id]
        found[experiment.name] = {
            "tags": experiment.tags,
            "runs": {run.info.run_id: run_as_json(run) for run in client.search_runs(ids)},
            "models": {
                model.model_id: {
                    "name": model.name,
                    "run": model.source_run_id,
                    "status": str(model.status),
                    "place": model.artifact_location,
                    "params": model.params,
                    "tags": model.tags,
                    "metrics": sorted(
                        [each.key, repr(each.value), each.step, each.timestamp, each.run_id,
                         each.dataset_name, each.dataset_digest]
                        for each in model.metrics or []
                    ),
                    "files": files(Path(model.artifact_location.removeprefix("file://"))),
                }
                for model in client.search_logged_models(ids)
            },
        }  # fmt: skip
    registry = {
        model.name: {
            "aliases": {alias: str(version) for alias, version in model.aliases.items()},
            "versions": {
                str(each.version): {"run": each.run_id, "source": each.source, "tags": each.tags}
                for each in client.search_model_versions(f"name = '{model.name}'")
            },
        }
        for model in client.search_registered_models()
    }
    return {"experiments": found, "registry": registry}


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sys.stdout.write(json.dumps(listing()))
