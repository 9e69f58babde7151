"""A job's MLflow runs, and the metrics that it printed, come into the project's own store."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mldeploy.errors import FailedError, MldeployError
from mldeploy.jobs import shelf
from mldeploy.jobs.record import Job
from mldeploy.project import Project
from mldeploy.ui import Ui


def bring_home(project: Project, job: Job, ui: Ui) -> list[dict[str, Any]]:
    """The job's runs, as they are in the project's MLflow now; may be called again.

    A project without an environment, or without MLflow, keeps them as files; that is said.
    """
    place = shelf.place_of(project, job.id)
    found: list[dict[str, Any]] = []
    if (place / "runs").is_dir():
        found += _merge(project, job, place / "runs", ui)
    printed = metrics_of(place / "metrics.jsonl")
    if printed:
        run = _record(project, job, place / "metrics.jsonl")
        name = f"job {job.number}, printed"
        found.append({"name": name, "run_id": run, "metrics": latest(printed)})
    return found


def metrics_of(file: Path) -> list[dict[str, Any]]:
    """What the job printed as lines of JSON: metric, value, step, at (seconds since 1970)."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]


def latest(printed: list[dict[str, Any]]) -> dict[str, float]:
    """The last value of each."""
    return {one["metric"]: one["value"] for one in printed}


def _record(project: Project, job: Job, file: Path) -> str | None:
    """The id of the MLflow run that has them now; None for a project without MLflow."""
    from mldeploy.programs import ProgramError, run
    from mldeploy.runs import SCRIPTS

    status = "FINISHED" if job.end == "succeeded" else "FAILED"
    words = [str(file), job.id, f"job-{job.number}", project.config.project.name, status]
    tags = [f"mldeploy.job={job.id}", f"mldeploy.command={job.order.command}"]
    store = {"MLFLOW_TRACKING_URI": _store(project)}
    try:
        python = project.python()
        script = SCRIPTS / "record_metrics.py"
        said = run([python, script, *words, *tags], cwd=project.root, timeout=120, env=store)
    except ProgramError as error:
        if "exit code 4" in error.why:
            return None
        raise
    except FailedError:
        return None
    return said.split()[-1]


def _store(project: Project) -> str:
    """Where the project's own runs are, as its template has it."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{project.root / 'mlflow.db'}"


def _merge(project: Project, job: Job, folder: Path, ui: Ui) -> list[dict[str, Any]]:
    from mldeploy import runs

    try:
        project.python()
    except FailedError as error:
        ui.note(f"the MLflow runs stay in {folder}: {error.what}")
        return []
    tags = {"mldeploy.job": job.id, "mldeploy.target": job.order.target}
    if job.order.commit:
        tags["mlflow.source.git.commit"] = job.order.commit
    with ui.step("bring the MLflow runs home") as step:
        try:
            merged = runs.merge(project, folder, tags, job.order.register)
        except MldeployError as error:
            raise FailedError(
                error.code,
                what=error.what,
                why=f"{error.why} The files are here: {folder}.",
                do=f"{error.do}; then: mldeploy jobs fetch {job.number}",
                detail=error.detail,
            ) from error
        versions = f", {len(merged.versions)} versions registered" if merged.versions else ""
        step.say(f"{len(merged.runs)} runs, {merged.new} of them new here{versions}")
    for note in merged.notes:
        ui.note(note)
    return [asdict(run) for run in merged.runs]
