"""The runs of a job are read from their files, by any Python, while they are being written."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mldeploy import runs

TABLES = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, status TEXT, start_time INT, end_time INT,
                   lifecycle_stage TEXT, experiment_id INT);
CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE metrics (key TEXT, value FLOAT, timestamp INT, run_uuid TEXT, step INT, is_nan INT);
CREATE TABLE latest_metrics (key TEXT, value FLOAT, timestamp INT, step INT, is_nan INT,
                             run_uuid TEXT);
INSERT INTO experiments VALUES (1, 'tried');
INSERT INTO runs VALUES ('b', 'second', 'RUNNING', 2, NULL, 'active', 1);
INSERT INTO runs VALUES ('a', 'first', 'FINISHED', 1, 5, 'active', 1);
INSERT INTO runs VALUES ('c', 'deleted', 'FINISHED', 0, 5, 'deleted', 1);
INSERT INTO params VALUES ('depth', '3', 'a');
INSERT INTO metrics VALUES ('loss', 0.5, 10, 'a', 0, 0), ('loss', 0.25, 20, 'a', 1, 0),
                           ('loss', 0.25, 21, 'a', 1, 0);
INSERT INTO latest_metrics VALUES ('loss', 0.25, 21, 1, 0, 'a'), ('odd', 0, 21, 1, 1, 'a'),
                                  ('much', 1.7976931348623157e308, 21, 1, 0, 'a');
"""  # what MLflow 3 has of these columns


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(TABLES)
    yield path
    path.chmod(0o644)


def read(place: Path) -> tuple[runs.RunSummary, ...]:
    """As a container would: a Python without a single package, told everything on its line."""
    words = runs.read_command(sys.executable, str(place))
    bare = [words[0], "-I", "-S", *words[1:]]
    done = subprocess.run(bare, capture_output=True, text=True, check=True, timeout=30)
    json.loads(done.stdout, parse_constant=pytest.fail)  # JSON that any reader takes
    return runs.read(done.stdout)


def test_runs_are_read_in_the_order_of_their_start_without_the_deleted(database: Path) -> None:
    first, second = read(database)
    assert (first.run_id, first.name, first.experiment) == ("a", "first", "tried")
    assert (first.status, second.status) == ("FINISHED", "RUNNING")
    assert first.params == {"depth": "3"}
    assert first.metrics["loss"] == 0.25
    assert math.isnan(first.metrics["odd"])
    assert first.metrics["much"] == math.inf
    assert repr(read(database.parent)) == repr(runs.read_folder(database.parent))


def test_steps_are_counted_once_however_often_they_were_written(database: Path) -> None:
    words = runs.read_command(sys.executable, str(database))
    printed = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout
    loss = json.loads(printed)["runs"][0]["metrics"]["loss"]
    assert loss == {"value": 0.25, "step": 1, "timestamp": 21, "steps": 2}


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_it_is_read_while_somebody_writes(database: Path, mode: str) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as writer:
        writer.execute(f"PRAGMA journal_mode = {mode}")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO params VALUES ('width', '4', 'a')")
        assert read(database)[0].params == {"depth": "3"}
        writer.execute("COMMIT")
        assert read(database)[0].params == {"depth": "3", "width": "4"}


def test_what_a_killed_writer_left_half_done_is_read_as_it_was_before(database: Path) -> None:
    script = "import os, signal, sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
    script += "c.execute('PRAGMA cache_size = 1'); c.execute('PRAGMA cache_spill = 1');"
    script += "c.executemany('INSERT INTO params VALUES (?, ?, ?)',"
    script += " [(str(i), 'x' * 500, 'b') for i in range(2000)]);"
    script += "os.kill(os.getpid(), signal.SIGKILL)"
    words = [sys.executable, "-c", script, str(database)]
    assert subprocess.run(words, check=False, timeout=30).returncode == -signal.SIGKILL
    journal = database.with_name("mlflow.db-journal")
    assert journal.stat().st_size > 0
    before = (database.read_bytes(), journal.read_bytes())
    assert [run.params for run in read(database)] == [{"depth": "3"}, {}]
    assert (database.read_bytes(), journal.read_bytes()) == before


def test_nothing_there_yet_is_no_run_and_a_damaged_file_says_so(tmp_path: Path) -> None:
    assert read(tmp_path / "nowhere") == ()
    assert read(tmp_path) == ()
    sqlite3.connect(tmp_path / "mlflow.db").close()
    assert read(tmp_path) == ()
    (tmp_path / "mlflow.db").write_bytes(os.urandom(5000))
    words = runs.read_command(sys.executable, str(tmp_path))
    printed = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout
    assert "not a database" in json.loads(printed)["trouble"]
    assert runs.read(printed) == ()


def test_a_file_store_is_read_down_to_a_line_that_is_half_written(tmp_path: Path) -> None:
    run = tmp_path / "mlruns" / "7" / "abc"
    (run / "metrics" / "a").mkdir(parents=True)
    (run / "params").mkdir()
    (run.parent / "meta.yaml").write_text("name: 'it''s tried'\nlifecycle_stage: active\n")
    (run / "meta.yaml").write_text(
        'lifecycle_stage: active\nrun_id: abc\nrun_name: "two\\twords"\nstatus: 1\n'
        "start_time: 3\nend_time: null\n"
    )
    (run / "params" / "depth").write_text("3")
    (run / "metrics" / "a" / "b").write_text("10 0.5 0\n20 nan 2\n15 0.75 1\n30 0.")
    [found] = read(tmp_path)
    assert (found.run_id, found.name, found.experiment) == ("abc", "two\twords", "it's tried")
    assert (found.status, found.params) == ("RUNNING", {"depth": "3"})
    assert math.isnan(found.metrics["a/b"])
    shutil.rmtree(run)
    assert read(tmp_path) == ()
