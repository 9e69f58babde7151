"""The rows of a job's runs, from its database into the project's: within one transaction.

The job's database is attached as `job`, so that every value is copied as it is. What differs here,
the experiment's id, the places of files, the id of a dataset that is known already, is looked up in
temporary tables.
"""

# ruff: noqa: S608 - what is put together are names of tables, and expressions of this file

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mldeploy.project_side import runs_artifacts
    from mldeploy.project_side.runs_artifacts import Folder
else:
    import runs_artifacts
    from runs_artifacts import Folder

OF_RUN = ("params", "metrics", "latest_metrics", "tags")
OF_MODEL = ("logged_model_params", "logged_model_tags")

ENDED = "mldeploy.ended"
HOW = "with its job, which left it RUNNING; its end is when it last wrote something down"
LAST_SIGN = (
    "max(coalesce((SELECT max(timestamp) FROM job.metrics WHERE run_uuid = job.runs.run_uuid), 0),"
    " job.runs.start_time)"
)
EXPERIMENT = "(SELECT here FROM temp.experiment WHERE there = experiment_id)"
DATASET = "(SELECT here FROM temp.dataset WHERE there = {0})"


def attach(store: sqlite3.Connection, job: Path) -> None:
    store.execute("PRAGMA temp_store = MEMORY")  # or a temporary table is a file more to sync
    store.execute("ATTACH ? AS job", (str(job),))
    store.execute("CREATE TEMP TABLE experiment (there PRIMARY KEY, here)")
    store.execute("CREATE TEMP TABLE dataset (there PRIMARY KEY, here)")


def new_runs(store: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """Id, name of the experiment and place of the files of each run that is not here yet."""
    return store.execute(
        "SELECT run_uuid, name, artifact_uri FROM (SELECT run_uuid, experiment_id, artifact_uri"
        " FROM job.runs WHERE lifecycle_stage = 'active') JOIN job.experiments USING"
        " (experiment_id) WHERE run_uuid NOT IN (SELECT run_uuid FROM main.runs)"
    ).fetchall()


def new_models(store: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """The same of logged models, whose run is new or which have none."""
    return store.execute(
        "SELECT m.model_id, e.name, m.artifact_location FROM job.logged_models m"
        " JOIN job.experiments e USING (experiment_id) WHERE m.lifecycle_stage = 'active'"
        " AND m.model_id NOT IN (SELECT model_id FROM main.logged_models)"
        " AND (m.source_run_id IS NULL"
        " OR m.source_run_id IN (SELECT run_uuid FROM job.runs WHERE lifecycle_stage = 'active')"
        " AND m.source_run_id NOT IN (SELECT run_uuid FROM main.runs))"
    ).fetchall()


def experiments(store: sqlite3.Connection, names: set[str], artifacts: str) -> dict[str, str]:
    """Match experiments by name, and make what is missing; gives the name of each one here.

    One that was deleted here stays so: its namesake gets the job's runs. ``artifacts`` is where a
    new one's files go, unless the job's went to a bucket.
    """
    called = {}
    for name in sorted(names):
        [(there, location)] = store.execute(
            "SELECT experiment_id, artifact_location FROM job.experiments WHERE name = ?", (name,)
        ).fetchall()
        called[name] = here = _name_here(store, name)
        if not _stage_of(store, here):
            place = artifacts if runs_artifacts.is_local(location or "") else location
            change = {"experiment_id": "NULL", "name": ":name", "artifact_location": ":place"}
            change["lifecycle_stage"] = "'active'"
            values = {"name": here, "place": place, "there": there}
            _copy(store, "experiments", "experiment_id = :there", change, values)
        store.execute(
            "INSERT INTO temp.experiment SELECT ?, experiment_id FROM main.experiments"
            " WHERE name = ?",
            (there, here),
        )
        tagged = "experiment_id = :there AND NOT EXISTS (SELECT 1 FROM main.experiment_tags t"
        tagged += f" WHERE t.experiment_id = {EXPERIMENT} AND t.key = job.experiment_tags.key)"
        _copy(store, "experiment_tags", tagged, {"experiment_id": EXPERIMENT}, {"there": there})
    return called


def copy(store: sqlite3.Connection, folders: list[Folder], tags: Mapping[str, str]) -> None:
    """Copy the runs and models that own these folders, with all that belongs to them."""
    for folder in folders:
        one = {"one": folder.owner, "home": folder.home}
        _run(store, one, tags)
        _model(store, one)
    for folder in folders:  # when every run and every model is there to be pointed at
        _what_went_in_and_out(store, {"one": folder.owner})


def _run(store: sqlite3.Connection, one: dict[str, str], tags: Mapping[str, str]) -> None:
    open_still = "status IN ('RUNNING', 'SCHEDULED')"
    change = {
        "experiment_id": EXPERIMENT,
        "artifact_uri": ":home",
        "status": f"CASE WHEN {open_still} THEN 'KILLED' ELSE status END",
        "end_time": f"CASE WHEN {open_still} THEN coalesce(end_time, {LAST_SIGN})"
        " ELSE end_time END",
    }
    _copy(store, "runs", "run_uuid = :one", change, one)
    for table in OF_RUN:
        _copy(store, table, "run_uuid = :one", {}, one)
    given = dict(tags)
    ended = f"SELECT 1 FROM job.runs WHERE run_uuid = :one AND {open_still}"
    if store.execute(ended, one).fetchone():
        given[ENDED] = HOW
    for key, value in given.items():
        store.execute(
            "INSERT OR REPLACE INTO main.tags (key, value, run_uuid) SELECT ?, ?, run_uuid"
            " FROM main.runs WHERE run_uuid = ?",
            (key, value, one["one"]),
        )


def _model(store: sqlite3.Connection, one: dict[str, str]) -> None:
    change = {
        "experiment_id": EXPERIMENT,
        "artifact_location": ":home",
        # 1 is pending, 3 is failed: what the job left half-written is never finished.
        "status": "CASE status WHEN 1 THEN 3 ELSE status END",
    }
    _copy(store, "logged_models", "model_id = :one", change, one)
    for table in OF_MODEL:
        _copy(store, table, "model_id = :one", {"experiment_id": EXPERIMENT}, one)


def _what_went_in_and_out(store: sqlite3.Connection, one: dict[str, str]) -> None:
    """Datasets of a run, the models that it made or used, and the metrics of models."""
    touching = "(source_id = :one OR destination_id = :one)"
    used = (
        "dataset_uuid IN (SELECT source_id FROM job.inputs WHERE source_type = 'DATASET' AND"
        " destination_id = :one UNION SELECT dataset_uuid FROM job.logged_model_metrics"
        " WHERE model_id = :one)"
    )
    unknown = f"{used} AND dataset_uuid NOT IN (SELECT there FROM temp.dataset)"
    # The same data, by name and digest, is one dataset of an experiment.
    already = (
        "(SELECT d.dataset_uuid FROM main.datasets d WHERE d.name = job.datasets.name"
        f" AND d.digest = job.datasets.digest AND d.experiment_id = {EXPERIMENT})"
    )
    store.execute(
        "INSERT INTO temp.dataset SELECT dataset_uuid, coalesce"
        f"({already}, dataset_uuid) FROM job.datasets WHERE {unknown}",
        one,
    )
    missing = f"{used} AND {already} IS NULL"
    _copy(store, "datasets", missing, {"experiment_id": EXPERIMENT}, one)

    same = "input_uuid NOT IN (SELECT input_uuid FROM main.inputs)"
    source = f"coalesce({DATASET.format('source_id')}, source_id)"
    inputs = f"SELECT input_uuid FROM job.inputs WHERE {touching}"
    tagged = f"input_uuid IN ({inputs}) AND {same}"
    _copy(store, "input_tags", tagged, {}, one)
    _copy(store, "inputs", f"{touching} AND {same}", {"source_id": source}, one)

    change = {"experiment_id": EXPERIMENT, "dataset_uuid": DATASET.format("dataset_uuid")}
    here = "run_id IN (SELECT run_uuid FROM main.runs)"  # one that was deleted in the job is not
    _copy(store, "logged_model_metrics", f"model_id = :one AND {here}", change, one)


def _copy(
    store: sqlite3.Connection,
    table: str,
    where: str,
    change: Mapping[str, str],
    values: Mapping[str, object],
) -> None:
    """Copy rows of the job, but for the columns in ``change``: those get that SQL expression."""
    columns = [row[1] for row in store.execute(f"PRAGMA main.table_info({table})")]
    names = ", ".join(f'"{name}"' for name in columns)
    chosen = ", ".join(change.get(name, f'job.{table}."{name}"') for name in columns)
    store.execute(
        f"INSERT INTO main.{table} ({names}) SELECT {chosen} FROM job.{table} WHERE {where}",
        values,
    )


def _name_here(store: sqlite3.Connection, name: str) -> str:
    found, number = name, 1
    while _stage_of(store, found) == "deleted":
        found = f"{name} (from jobs)" if number == 1 else f"{name} (from jobs, {number})"
        number += 1
    return found


def _stage_of(store: sqlite3.Connection, experiment: str) -> str | None:
    found = store.execute(
        "SELECT lifecycle_stage FROM main.experiments WHERE name = ?", (experiment,)
    ).fetchone()
    return str(found[0]) if found else None
