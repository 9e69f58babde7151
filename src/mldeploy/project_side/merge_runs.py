"""Bring the MLflow runs that a job left into the project's own store, as they are.

usage: merge_runs.py FETCHED_FOLDER --root PROJECT [--tag KEY=VALUE …] [--register] [--json]

FETCHED_FOLDER holds what the job left: mlflow.db and mlruns/, or mlruns/ alone, as a file store.
Ids, names, times, parameters, whole histories of metrics, tags, datasets, models and files are
kept; experiments are matched by name; what is here already is not touched. --register makes the
job's model versions the next versions here, and moves no alias.

All or nothing, whenever it is killed: files are put in place first, and one transaction then makes
them known. The second call completes what a killed one left, and finds nothing to do after that.

Prints ``{"runs": [as read_runs.py], "new", "known", "versions": [{"name", "version", "run_id"}],
"notes": [sentences]}`` with --json, or ``{"error": {"code", "what", "why", "do"}}``; else words.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mldeploy.project_side import (
        read_runs,
        runs_artifacts,
        runs_rows,
        runs_stores,
        runs_versions,
    )
    from mldeploy.project_side.runs_artifacts import Folder
else:  # the scripts beside this one
    import read_runs
    import runs_artifacts
    import runs_rows
    import runs_stores
    import runs_versions
    from runs_artifacts import Folder

BUSY_SECONDS = 60.0  # a training that goes on here writes for moments
WORKSHOPS = ".merging"  # beside the files: within one file system a folder is renamed in one step

Result = dict[str, Any]


def merge(fetched: Path, root: Path, tags: dict[str, str], register: bool) -> Result:
    """Raises runs_stores.Trouble with nothing merged."""
    database, uri = runs_stores.own(root)
    if database is None:
        return _nothing(f"runs of this project are kept at {uri}: nothing is merged into that")
    with _workshop(root / runs_stores.FILES) as workshop:
        copy = runs_stores.fetched(fetched, workshop)
        if copy is None:
            return _nothing(f"there is no run in {fetched}")
        runs_stores.schema(copy)
        if not database.exists() and not runs_stores.make(database, root, workshop):
            return _nothing(f"this project has no MLflow to keep runs in: they are in {fetched}")
        runs_stores.of_one_schema(copy, database)
        brought = {run["run_id"] for run in read_runs.of_database(copy)}
        with closing(
            sqlite3.connect(database, timeout=BUSY_SECONDS, isolation_level=None)
        ) as store:
            store.execute("PRAGMA foreign_keys = ON")
            runs_rows.attach(store, copy)
            staged = _stage(store, fetched, root, workshop)
            with _transaction(store):
                done = _bring(store, staged, root, workshop, tags, register)
    runs = [run for run in read_runs.of_database(database) if run["run_id"] in brought]
    return {"runs": runs, "known": len(brought) - done["new"], **done}


def _stage(store: sqlite3.Connection, fetched: Path, root: Path, workshop: Path) -> list[Folder]:
    """Copy the files of what is new, which takes a while, before the store is held."""
    files = root / runs_stores.FILES
    folders = [
        runs_artifacts.folder(owner, was, fetched, above / owner / "artifacts")
        for found, above in (
            (runs_rows.new_runs(store), files),
            (runs_rows.new_models(store), files / "models"),
        )
        for owner, _, was in found
    ]
    for folder in folders:
        runs_artifacts.stage(folder, workshop)
    return folders


def _bring(
    store: sqlite3.Connection,
    staged: list[Folder],
    root: Path,
    workshop: Path,
    tags: dict[str, str],
    register: bool,
) -> Result:
    runs, models = runs_rows.new_runs(store), runs_rows.new_models(store)  # as nobody else adds now
    owners = {owner for owner, _, _ in (*runs, *models)}
    folders = [folder for folder in staged if folder.owner in owners]
    for folder in folders:
        runs_artifacts.put(folder, workshop)
    names = {experiment for _, experiment, _ in (*runs, *models)}
    called = runs_rows.experiments(store, names, (root / runs_stores.FILES).as_uri())
    runs_rows.copy(store, folders, tags)
    versions = runs_versions.register(store, tags) if register else []
    for version in versions:
        where = runs_artifacts.of_run(store, version["run_id"])
        if where is not None:
            runs_versions.say_version(where / "serving", version)
    return {
        "new": len(runs),
        "versions": versions,
        "notes": list(_notes(store, called, folders, {owner for owner, _, _ in models})),
    }


def _notes(
    store: sqlite3.Connection, called: dict[str, str], folders: list[Folder], models: set[str]
) -> Iterator[str]:
    """What somebody who looks for it would miss."""
    for name, here in called.items():
        if name != here:
            yield f"the experiment {name!r} is deleted here: its runs are in {here!r}"
    lost = [
        each.owner for each in folders if each.owner in models and each.place and not each.source
    ]
    if lost:
        yield f"the files of {len(lost)} models are not among what was fetched: {', '.join(lost)}"
    afar = {each.home for each in folders if each.place is None}
    if afar:
        yield f"files stay where the job put them: {', '.join(sorted(afar))}"
    [(traces,)] = store.execute("SELECT count(*) FROM job.trace_info").fetchall()
    if traces:
        yield f"{traces} traces are left in what was fetched: only runs and models are merged"


@contextmanager
def _transaction(store: sqlite3.Connection) -> Iterator[None]:
    """Everything or nothing; others of this machine wait for it."""
    try:
        store.execute("BEGIN IMMEDIATE")
        try:
            yield
            store.execute("COMMIT")
        finally:
            if store.in_transaction:
                store.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        raise runs_stores.Trouble(
            "store-busy" if "locked" in str(error) else "merge-failed",
            "The runs could not be written into this project's store.",
            str(error),
            "let a training that is at work here end, then run this again; nothing was merged",
        ) from error


@contextmanager
def _workshop(files: Path) -> Iterator[Path]:
    """A folder that is gone afterwards, with those of merges that were killed.

    One merge at a time: mldeploy.runs holds a lock. Without it the earlier one fails, with nothing
    merged.
    """
    above = files / WORKSHOPS
    shutil.rmtree(above, ignore_errors=True)
    workshop = above / str(os.getpid())
    workshop.mkdir(parents=True)
    try:
        yield workshop
    except (OSError, sqlite3.Error) as error:
        raise runs_stores.Trouble(
            "merge-failed",
            "The job's runs could not be put into this project.",
            str(error),
            "make room, or take the right to write there; nothing was merged",
        ) from error
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
        with suppress(OSError):  # somebody else's is in it
            above.rmdir()


def _nothing(why: str) -> Result:
    return {"runs": [], "new": 0, "known": 0, "versions": [], "notes": [why]}


def _told(result: Result) -> str:
    lines = [f"{result['new']} runs are new here, {result['known']} were here already"]
    lines += [f"  {run['run_id']}  {run['status']:<8}  {run['name']}" for run in result["runs"]]
    lines += [
        f"  {each['name']} version {each['version']}, of run {each['run_id']}"
        for each in result["versions"]
    ]
    return "\n".join(lines + [f"note: {each}" for each in result["notes"]])


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("fetched", type=Path)
    parser.add_argument("--root", type=Path, default=Path())
    parser.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--register", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(words)
    tags = {key: value for key, _, value in (tag.partition("=") for tag in asked.tag)}
    try:
        result = merge(asked.fetched.resolve(), asked.root.resolve(), tags, asked.register)
    except runs_stores.Trouble as trouble:
        parts = trouble.parts
        told = f"error: {parts['what']}\n  why: {parts['why']}\n  do:  {parts['do']}"
        print(json.dumps({"error": parts}) if asked.json else told)  # noqa: T201
        return 0 if asked.json else 1  # the caller of --json reads which it was
    print(json.dumps(result) if asked.json else _told(result))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
