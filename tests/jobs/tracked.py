"""A project whose training is quick and is tracked by a real MLflow: locked, and in git."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path
from typing import Any

from uv import find_uv_bin

from tests.jobs.bench import Bench, small_project

PYPROJECT = """\
[project]
name = "tracked"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = []

[dependency-groups]
train = ["alembic>=1.17", "mlflow-skinny>=3.17,<4", "sqlalchemy>=2.0"]

[tool.uv]
package = false
default-groups = ["train"]
"""
MAKEFILE = """\
train:
\tuv run --no-sync python train.py
"""
TRAIN = '''\
"""Fifty steps of two metrics, a parameter, a tag, and a file; one value is no number."""
import math, pathlib
import mlflow

mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.set_experiment("counting")
with mlflow.start_run(run_name="the-run") as run:
    mlflow.log_params({"rate": 0.1, "depth": 3})
    mlflow.set_tag("who", "me")
    for step in range(50):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metric("odd", math.nan if step == 7 else step / 3, step=step)
    pathlib.Path("weights.bin").write_bytes(bytes(range(256)) * 4000)
    mlflow.log_artifact("weights.bin")
    mlflow.log_text("well done", "notes/note.txt")
print("trained")
'''


def tracked_project(root: Path, name: str) -> Bench:
    """With an environment of its own, as `make setup` would leave it."""
    bench = small_project(root, name)
    for file, text in (("pyproject.toml", PYPROJECT), ("Makefile", MAKEFILE), ("train.py", TRAIN)):
        (root / file).write_text(text)
    (root / ".gitignore").write_text(".venv/\nmlruns/\nmlflow.db\n")
    subprocess.run([find_uv_bin(), "sync", "--quiet"], cwd=root, check=True, timeout=300)
    bench.git("add", "-A")
    bench.git("commit", "-q", "-m", "Train")
    return bench


def told(database: Path, run: str) -> dict[str, list[Any]]:
    """All that a store says of one run, row by row, asked of no code of ours."""
    asked = {
        "run": "SELECT name, status, start_time, end_time, user_id FROM runs WHERE run_uuid = ?",
        "params": "SELECT key, value FROM params WHERE run_uuid = ? ORDER BY key",
        "metrics": "SELECT key, value, timestamp, step, is_nan FROM metrics"
        " WHERE run_uuid = ? ORDER BY key, step, timestamp",
        "tags": "SELECT key, value FROM tags WHERE run_uuid = ? AND key = 'who'",
    }
    with sqlite3.connect(database) as store:
        found = {key: store.execute(query, (run,)).fetchall() for key, query in asked.items()}
    store.close()
    return found


def artifacts(folder: Path, run: str) -> dict[str, bytes]:
    """Each file of the run's, by its path below its artifacts."""
    (place,) = folder.glob(f"**/{run}/artifacts")
    return {
        path.relative_to(place).as_posix(): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file()
    }
