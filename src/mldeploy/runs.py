"""The MLflow runs of a job: read while it runs, and brought home when it has ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mldeploy.errors import FailedError
from mldeploy.programs import last_lines, run
from mldeploy.project import Project

SCRIPTS = Path(__file__).parent / "project_side"
MERGE_SECONDS = 1800  # most of it copies files and reads them again


@dataclass(frozen=True)
class RunSummary:
    """A run, with the latest value of each metric; one may be NaN or infinite."""

    run_id: str
    name: str
    experiment: str
    status: str  # RUNNING, SCHEDULED, FINISHED, FAILED or KILLED
    params: dict[str, str]
    metrics: dict[str, float]


@dataclass(frozen=True)
class Version:
    """A version of the project's own registry that was made of a job's."""

    name: str
    version: str
    run_id: str


@dataclass(frozen=True)
class Merged:
    """What a merge found and did."""

    runs: tuple[RunSummary, ...]  # all that the job left, as they are here now
    new: int
    known: int
    versions: tuple[Version, ...]  # made by this merge
    notes: tuple[str, ...]  # sentences: what is not here, and why


def merge(project: Project, folder: Path, tags: Mapping[str, str], register: bool) -> Merged:
    """Bring the runs in ``folder``, what a job that has ended left, into the project's own store.

    ``folder`` has mlflow.db and mlruns/, or mlruns/ alone. All or nothing; a second call completes
    what was killed, and else finds nothing to do. A run that its job left RUNNING becomes KILLED.
    ``tags`` go on the new runs and versions. ``register`` makes the job's model versions the next
    versions here; no alias is moved. With a tracking server nothing is merged, and a note says so.

    Raises :class:`FailedError` with nothing merged, RefusedError where another merge is at work.
    """
    from mldeploy.locks import held

    if not (project.root / ".venv").exists():  # as one that only runs jobs
        why = f"this project has no environment, so no MLflow: the runs are in {folder}"
        return Merged(runs=(), new=0, known=0, versions=(), notes=(why,))

    script = [str(project.python()), str(SCRIPTS / "merge_runs.py"), str(folder.resolve())]
    words = ["--json", "--root", str(project.root), *(["--register"] if register else [])]
    words += [word for key, value in tags.items() for word in ("--tag", f"{key}={value}")]
    project.make_state()
    what = "Another command brings runs into this project."
    with held(project.state / "runs-lock", f"runs of {folder}", what=what):
        printed = run([*script, *words], cwd=project.root, timeout=MERGE_SECONDS)
    told = json.loads(last_lines(printed, 1))
    if "error" in told:
        raise FailedError(**told["error"])
    return Merged(
        runs=tuple(_summary(each) for each in told["runs"]),
        new=told["new"],
        known=told["known"],
        versions=tuple(Version(**each) for each in told["versions"]),
        notes=tuple(told["notes"]),
    )


def read_command(python: str, database_path: str) -> list[str]:
    """The words that print the runs of a store, for :func:`read`.

    They hold the whole script, so that they work in any container with a Python from 3.11 on.
    ``database_path`` may also be a file store, or a folder with either.
    """
    script = (SCRIPTS / "read_runs.py").read_text(encoding="utf-8")
    return [python, "-c", script, database_path]


def read(output: str) -> tuple[RunSummary, ...]:
    """What :func:`read_command` printed; of a store that cannot be read there is no run."""
    return tuple(_summary(each) for each in json.loads(last_lines(output, 1))["runs"])


def read_folder(folder: Path) -> tuple[RunSummary, ...]:
    """The runs in a folder of this machine, as it was fetched from a job."""
    from mldeploy.project_side import read_runs

    return tuple(_summary(each) for each in read_runs.main(str(folder))["runs"])


def _summary(run: Mapping[str, Any]) -> RunSummary:
    return RunSummary(
        run_id=run["run_id"],
        name=run["name"] or run["run_id"][:8],
        experiment=run["experiment"],
        status=run["status"],
        params=run["params"],
        metrics={name: float(each["value"]) for name, each in run["metrics"].items()},
    )
