"""Which two stores of MLflow: the one that a job left, as a copy to work on, and the project's own.

Whatever needs MLflow itself is asked of its command line, in a process of its own: it takes seconds
to import, and in the usual case, two databases of the same schema, it is not needed.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

DATABASE, FILES = "mlflow.db", "mlruns"
MLFLOW_SECONDS = 300

# Asking a store for its experiments makes its tables and its experiment 0.
MAKE = "import sys; from mlflow import MlflowClient; MlflowClient(sys.argv[1]).search_experiments()"


class Trouble(Exception):  # noqa: N818 - it is the three parts of an error, raised by the caller
    """Why nothing was merged: what, why, and what to do."""

    def __init__(self, code: str, what: str, why: str, do: str) -> None:
        super().__init__(what)
        self.parts = {"code": code, "what": what, "why": why, "do": do}


def own(root: Path) -> tuple[Path | None, str]:
    """The project's database, and its address; None where that is no file of this machine."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(root / DATABASE).as_posix()}"
    if not uri.startswith("sqlite:///"):
        return None, uri
    return root / uri.removeprefix("sqlite:///").partition("?")[0], uri


def make(database: Path, root: Path, workshop: Path) -> bool:
    """Make the project's database whole or not at all: it is moved into place when it is ready.

    False, and there is none, where the project has no MLflow: as one that only runs jobs.
    """
    draft = workshop / "new.db"
    try:
        _mlflow(["-c", MAKE, _uri(draft)], root)
    except Trouble as error:
        if error.parts["code"] == "no-mlflow":
            return False
        raise
    database.parent.mkdir(parents=True, exist_ok=True)
    if not database.exists():
        draft.replace(database)
    return True


def fetched(folder: Path, workshop: Path) -> Path | None:
    """A copy, as a database, of the store in ``folder``; None if there is none."""
    copy = workshop / "fetched.db"
    if (folder / DATABASE).is_file():
        # With what lies beside it: a writer that was killed may have left a change to be undone.
        for end in ("", "-journal", "-wal"):
            if (folder / f"{DATABASE}{end}").is_file():
                shutil.copyfile(folder / f"{DATABASE}{end}", f"{copy}{end}")
        return copy
    if not any((folder / FILES).glob("*/meta.yaml")):
        return None
    store = workshop / "store" / FILES
    shutil.copytree(folder / FILES, store, ignore=shutil.ignore_patterns("artifacts"))
    for metric in (*store.glob("*/*/metrics/**/*"), *store.glob("*/models/*/metrics/**/*")):
        if metric.is_file():
            _tidy(metric)
    words = ["-m", "mlflow", "migrate-filestore", "--source", str(store.parent)]
    _mlflow([*words, "--target", _uri(copy)], workshop)
    return copy


def of_one_schema(copy: Path, database: Path) -> None:
    """Bring the copy to the schema of the project's database, or raise Trouble."""
    was, wanted = schema(copy), schema(database)
    if was == wanted:
        return
    command = [sys.executable, "-m", "mlflow", "db", "upgrade"]
    try:
        _mlflow([*command[1:], _uri(copy)], copy.parent)
    except Trouble as error:
        if "Can't locate revision" not in error.parts["why"]:
            raise
        raise Trouble(
            "newer-runs",
            "The job's runs were written by a newer MLflow than this project's.",
            f"The tables of their database are of revision {was}, which is not known here.",
            "train with this project's uv.lock, or: uv lock --upgrade-package mlflow-skinny",
        ) from error
    if schema(copy) != wanted:
        raise Trouble(
            "older-store",
            "This project's own runs were written by another version of MLflow.",
            f"The tables of {database} are of revision {wanted}, the installed MLflow makes "
            f"{schema(copy)}.",
            f"copy that file, then: uv run mlflow db upgrade {_uri(database)}",
        )


def schema(database: Path) -> str:
    """The revision of the tables; raises Trouble for what is no database of MLflow, or damaged."""
    try:
        with closing(sqlite3.connect(database)) as connection:
            [(healthy,)] = connection.execute("PRAGMA quick_check(1)").fetchall()
            if healthy != "ok":
                raise sqlite3.DatabaseError(healthy)
            [(revision,)] = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            return str(revision)
    except (sqlite3.Error, ValueError) as error:
        raise Trouble(
            "damaged-runs",
            f"{database.name} is no database of MLflow, or is damaged.",
            f"{error} ({database})",
            "fetch the job's files again; of this project's own file, restore a copy",
        ) from error


def _tidy(metric: Path) -> None:
    """Keep the whole lines, each once: MLflow's own migration (3.17) fails on others.

    A training that is killed leaves half a line, and one that logs a model notes points twice.
    """
    lines = metric.read_text(encoding="utf-8").splitlines(keepends=True)
    whole = dict.fromkeys(line for line in lines if line.endswith("\n"))
    metric.write_text("".join(whole), encoding="utf-8")


def _mlflow(words: list[str], cwd: Path) -> None:
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ALLOW_FILE_STORE": "true"}
    try:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=cwd,
            env=os.environ | quiet,
            capture_output=True,
            text=True,
            timeout=MLFLOW_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        what = "The project's MLflow does not get done with the job's runs."
        do = "end what else this machine works at, then run this again; nothing was merged"
        raise Trouble("mlflow-failed", what, str(error), do) from error
    if done.returncode == 0:
        return
    last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
    missing = "No module named 'mlflow'" in done.stderr or "No module named mlflow" in done.stderr
    raise Trouble(
        "no-mlflow" if missing else "mlflow-failed",
        "The project's MLflow cannot take the runs in.",
        last,
        "install what training needs: make setup" if missing else "try it by hand: uv run mlflow",
    )


def _uri(path: Path) -> str:
    return f"sqlite:///{path.as_posix()}"
