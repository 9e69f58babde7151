"""What MLflow's runs say so far: read from their files, without MLflow and without a write.

usage: read_runs.py PLACE     mlflow.db, a file store (mlruns/), or a folder with one of them

Prints ``{"runs": [{"run_id", "experiment", "name", "status", "start_time", "end_time", "params",
"tags", "metrics": {NAME: {"value", "step", "timestamp", "steps"}}}]}``, the first started run
first. Times are milliseconds since 1970; ``steps`` counts the steps that were written down. A
value that JSON has no number for is one of "nan", "inf" and "-inf". Nothing there yet is no run; a
file that cannot be read is ``{"runs": [], "trouble": "why"}``.

It needs the standard library alone, as an image for a job may have nothing else, and is sent to
such a container as text (mldeploy.runs.read_command): it imports nothing that lies beside it.
"""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

DATABASE, FILES = "mlflow.db", "mlruns"
BUSY_SECONDS, ATTEMPTS = 5.0, 3
MOST = 1.7976931348623157e308  # what MLflow writes for an infinite value
STATUS = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
NOT_RUNS = {"tags", "datasets", "traces", "models", ".trash"}  # in an experiment's folder

Run = dict[str, Any]


def read(place: Path) -> list[Run]:
    """Every run that is not deleted. Raises sqlite3.Error for a file that is no such database."""
    for database in (place, place / DATABASE):
        if database.is_file():
            return of_database(database)
    for folder in (place / FILES, place):
        if folder.is_dir():
            return sorted(_of_files(folder), key=_started)
    return []


def of_database(path: Path) -> list[Run]:
    """The runs in a database, which may be written to at the same time."""
    with closing(_opened(path)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs'").fetchone():
            return []  # MLflow is making its tables, which takes it seconds
        database.row_factory = sqlite3.Row
        rows = database.execute(
            "SELECT runs.*, experiments.name AS experiment FROM runs JOIN experiments"
            " USING (experiment_id) WHERE runs.lifecycle_stage = 'active'"
        ).fetchall()
        return sorted((_of_row(database, row) for row in rows), key=_started)


def _opened(path: Path) -> sqlite3.Connection:
    """Open for reading. What a killed writer left half-done can only be undone in a copy."""
    try:
        return _answering(f"{path.resolve().as_uri()}?mode=ro")
    except sqlite3.Error:
        pass
    for attempt in range(1, ATTEMPTS + 1):  # a copy of a file that is being written may be torn
        with tempfile.TemporaryDirectory() as folder:
            for name in (path.name, f"{path.name}-journal", f"{path.name}-wal"):
                if path.with_name(name).exists():
                    shutil.copyfile(path.with_name(name), Path(folder, name))
            try:
                with closing(_answering(Path(folder, path.name).as_uri())) as copy:
                    inside = sqlite3.connect(":memory:")
                    copy.backup(inside)
                    return inside
            except sqlite3.Error:
                if attempt == ATTEMPTS:
                    raise
    raise AssertionError("unreachable")


def _answering(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _of_row(database: sqlite3.Connection, row: sqlite3.Row) -> Run:
    one = (row["run_uuid"],)
    steps = dict(
        database.execute(
            "SELECT key, count(DISTINCT step) FROM metrics WHERE run_uuid = ? GROUP BY key", one
        ).fetchall()
    )
    latest = "SELECT key, value, step, timestamp, is_nan FROM latest_metrics WHERE run_uuid = ?"
    return {
        "run_id": row["run_uuid"],
        "experiment": row["experiment"],
        "name": row["name"],
        "status": row["status"],
        "start_time": row["start_time"],
        "end_time": row["end_time"],
        "params": _pairs(database, "params", one),
        "tags": _pairs(database, "tags", one),
        "metrics": {
            key: _metric(math.nan if is_nan else value, step, timestamp, steps.get(key, 1))
            for key, value, step, timestamp, is_nan in database.execute(latest, one)
        },
    }


def _pairs(database: sqlite3.Connection, table: str, one: tuple[str]) -> dict[str, str]:
    chosen = f"SELECT key, value FROM {table} WHERE run_uuid = ?"  # noqa: S608 - our own two names
    return dict(database.execute(chosen, one).fetchall())


def _metric(value: float, step: int, timestamp: int | None, steps: int) -> dict[str, Any]:
    if abs(value) >= MOST:
        value = math.copysign(math.inf, value)
    shown = value if math.isfinite(value) else str(value)
    return {"value": shown, "step": step, "timestamp": timestamp, "steps": steps}


def _of_files(store: Path) -> Iterator[Run]:
    for about in store.glob("*/*/meta.yaml"):
        folder = about.parent
        meta, experiment = _yaml(about), _yaml(folder.parent / "meta.yaml")
        if folder.name in NOT_RUNS or meta.get("lifecycle_stage") != "active":
            continue
        tags = {name: file.read_text(encoding="utf-8") for name, file in _files(folder / "tags")}
        yield {
            "run_id": meta.get("run_id", folder.name),
            "experiment": experiment.get("name", folder.parent.name),
            "name": meta.get("run_name") or tags.get("mlflow.runName"),
            "status": STATUS.get(meta.get("status", ""), meta.get("status")),
            "start_time": _number(meta.get("start_time")),
            "end_time": _number(meta.get("end_time")),
            "params": {
                name: file.read_text(encoding="utf-8") for name, file in _files(folder / "params")
            },
            "tags": tags,
            "metrics": {
                name: latest
                for name, file in _files(folder / "metrics")
                if (latest := _latest(file.read_text(encoding="utf-8")))
            },
        }


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files below, by name: one of a metric `a/b` lies in a folder `a`."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield file.relative_to(folder).as_posix(), file


def _latest(text: str) -> dict[str, Any] | None:
    """Of lines `TIMESTAMP VALUE STEP` the one that MLflow calls the latest."""
    points = []
    for line in text.splitlines():
        words = line.split()
        try:
            step = int(words[2]) if len(words) > 2 else 0
            points.append((step, int(words[0]), float(words[1])))
        except (IndexError, ValueError):
            continue  # the last line, half-written
    if not points:
        return None
    step, timestamp, value = max(points, key=lambda each: (*each[:2], _sortable(each[2])))
    return _metric(value, step, timestamp, len({point[0] for point in points}))


def _sortable(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def _yaml(path: Path) -> dict[str, str]:
    """The flat `key: value` lines of an MLflow meta.yaml; a full reader of YAML is no part of
    Python."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    pairs = (line.partition(": ") for line in lines if not line.startswith((" ", "-")))
    return {key: _scalar(value.strip()) for key, colon, value in pairs if colon}


def _scalar(text: str) -> str:
    if text.startswith('"'):
        try:
            return str(json.loads(text))
        except ValueError:
            return text
    return text[1:-1].replace("''", "'") if text.startswith("'") else text


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _started(run: Run) -> tuple[int, str]:
    return run["start_time"] or 0, run["run_id"]


def main(place: str) -> dict[str, Any]:
    try:
        return {"runs": read(Path(place))}
    except (OSError, sqlite3.Error) as error:
        return {"runs": [], "trouble": str(error)}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))  # noqa: T201 - the caller reads this line
