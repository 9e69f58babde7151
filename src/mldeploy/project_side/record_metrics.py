"""Writes the metrics that a job printed as lines of JSON into the project's MLflow, as one run.

Run by the project's own interpreter: FILE, the job's id, its name, the experiment, its status; then
`key=value` tags. Prints the run's id; 4 is its exit code where the project has no MLflow. A second
call finds the run of the first.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

BATCH = 1000  # the most that MLflow takes at once


def main(file: str, job: str, name: str, experiment: str, status: str, *tags: str) -> int:
    try:
        from mlflow import MlflowClient
        from mlflow.entities import Metric, RunTag
    except ImportError:
        return 4
    client = MlflowClient()
    found = client.get_experiment_by_name(experiment)
    where = found.experiment_id if found else client.create_experiment(experiment)
    mark = f"tags.`mldeploy.printed_by` = '{job}'"
    for known in client.search_runs([where], filter_string=mark):
        if known.info.status == status:
            print(known.info.run_id)  # noqa: T201 - it is the answer
            return 0
        client.delete_run(known.info.run_id)  # it was cut off half-way
    lines = [json.loads(line) for line in Path(file).read_text("utf-8").splitlines() if line]
    began = int(lines[0]["at"] * 1000)
    run = client.create_run(where, start_time=began, run_name=name).info.run_id
    given = dict(tag.split("=", 1) for tag in tags) | {"mldeploy.printed_by": job}
    client.log_batch(run, tags=[RunTag(key, value) for key, value in given.items()])
    values = [Metric(m["metric"], m["value"], int(m["at"] * 1000), m["step"]) for m in lines]
    for start in range(0, len(values), BATCH):
        client.log_batch(run, metrics=values[start : start + BATCH])
    client.set_terminated(run, status, end_time=int(lines[-1]["at"] * 1000))
    print(run)  # noqa: T201 - it is the answer
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
