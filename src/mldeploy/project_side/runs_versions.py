"""The versions that a job registered, as the next ones of the project's own registry.

No alias is moved: which version is the champion is decided here, by the project's `promote`.
"""

# ruff: noqa: S608 - what is put together are names of tables, and expressions of this file

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mldeploy.project_side import runs_artifacts
else:
    import runs_artifacts

DECIDED = "promotion"  # a tag: what was decided in the job, between the models that were there
ELSEWHERE = "promotion_in_job"


def register(store: sqlite3.Connection, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """Make the job's versions versions here, unless they are; gives name, version and run of each.

    Of the runs and models that are here already: within the transaction that copied them.
    """
    store.row_factory = sqlite3.Row
    made = []
    for row in store.execute(
        "SELECT * FROM job.model_versions WHERE status = 'READY'"
        " AND run_id IN (SELECT run_uuid FROM main.runs) ORDER BY name, version"
    ).fetchall():
        source, storage = (_home(store, row[column]) for column in ("source", "storage_location"))
        if store.execute(
            "SELECT 1 FROM main.model_versions WHERE name = ? AND run_id = ? AND source = ?",
            (row["name"], row["run_id"], source),
        ).fetchone():
            continue
        _have_model(store, row["name"])
        [(version,)] = store.execute(
            "SELECT coalesce(max(version), 0) + 1 FROM main.model_versions WHERE name = ?",
            (row["name"],),
        ).fetchall()
        changed = {"version": version, "source": source, "storage_location": storage}
        _insert(store, "model_versions", dict(row) | changed)
        _tag(store, row, version, tags)
        made.append({"name": row["name"], "version": str(version), "run_id": row["run_id"]})
    return made


def say_version(serving: Path, version: dict[str, Any]) -> None:
    """Let model.json, which the service shows, name the version that its model is here."""
    about = serving / "model.json"
    try:
        known = json.loads(about.read_text(encoding="utf-8"))
        if (known["name"], known["run_id"]) != (version["name"], version["run_id"]):
            return
    except (OSError, ValueError, KeyError, TypeError):
        return  # a project of one's own, which keeps its models in another way
    draft = about.with_name(".model.json.part")
    text = json.dumps(known | {"version": version["version"]}, indent=2, ensure_ascii=False)
    draft.write_text(f"{text}\n", encoding="utf-8")
    draft.replace(about)


def _home(store: sqlite3.Connection, address: str | None) -> str | None:
    """Where a version's files are here; `models:/…` and `runs:/…` hold everywhere."""
    if address is None or not runs_artifacts.is_local(address):
        return address
    places = (
        "SELECT job.runs.artifact_uri, main.runs.artifact_uri FROM job.runs JOIN main.runs"
        " USING (run_uuid) UNION SELECT job.logged_models.artifact_location,"
        " main.logged_models.artifact_location FROM job.logged_models JOIN main.logged_models"
        " USING (model_id)"
    )
    for was, home in store.execute(places).fetchall():
        if address == was or address.startswith(f"{was.rstrip('/')}/"):
            return f"{home}{address.removeprefix(was.rstrip('/'))}"
    return address


def _have_model(store: sqlite3.Connection, name: str) -> None:
    now = int(time.time() * 1000)
    known = "UPDATE main.registered_models SET last_updated_time = ? WHERE name = ?"
    if store.execute(known, (now, name)).rowcount:
        return
    for table in ("registered_models", "registered_model_tags"):
        for row in store.execute(f"SELECT * FROM job.{table} WHERE name = ?", (name,)).fetchall():
            _insert(store, table, dict(row))


def _tag(
    store: sqlite3.Connection, row: sqlite3.Row, version: int, tags: Mapping[str, str]
) -> None:
    which = (row["name"], row["version"])
    chosen = "SELECT * FROM job.model_version_tags WHERE name = ? AND version = ?"
    found = {each["key"]: each["value"] for each in store.execute(chosen, which).fetchall()}
    if DECIDED in found:
        found[ELSEWHERE] = found.pop(DECIDED)
    for key, value in (found | dict(tags)).items():
        pair = {"key": key, "value": value, "name": row["name"], "version": version}
        _insert(store, "model_version_tags", pair)


def _insert(store: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    values = ", ".join("?" for _ in row)
    store.execute(
        f"INSERT INTO main.{table} ({names}) VALUES ({values})",
        tuple(row.values()),
    )
