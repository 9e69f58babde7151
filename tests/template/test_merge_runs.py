"""The MLflow runs of a job come home, compared by MLflow's own client with what the job left."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mldeploy import project as projects
from mldeploy import runs
from mldeploy.errors import FailedError
from tests.conftest import copy_of

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(900)]

HERE = Path(__file__).parent
NAME = "function-docs"
ABOUT = "serving/model.json"
WEAK = {
    "PARAMS_MODEL__MAX_ITERATIONS": "1",
    "PARAMS_MODEL__MAX_LEAVES": "2",
    "PARAMS_EVALUATION__MINIMUM": "0.5",
}

# Kills itself at the Nth of the calls that touch a disk; without N it says how many there were.
KILL = """
import os, runpy, signal, sys
limit, script = int(sys.argv[1]), sys.argv[2]
sys.argv, sys.path[0] = sys.argv[2:], os.path.dirname(script)
calls = []
def watch(frame, event, called):
    if event == "c_call" and called.__name__ in ("execute", "rename", "mkdir", "open"):
        calls.append(called.__name__)
        if len(calls) == limit:
            os.kill(os.getpid(), signal.SIGKILL)
sys.setprofile(watch)
try:
    runpy.run_path(script, run_name="__main__")
except SystemExit:
    sys.setprofile(None)
    print(len(calls))
"""


@dataclass(frozen=True)
class Job:
    """What a job left, and what MLflow said of it where it ran."""

    left: Path
    said: dict[str, Any]


def python(
    project: Path, *words: str | Path, cwd: Path | None = None, ends: int = 0, **more: str
) -> str:
    done = subprocess.run(
        [project / ".venv/bin/python", *words],
        cwd=cwd or project,
        env={"PATH": "/usr/bin:/bin", "MLFLOW_DISABLE_TELEMETRY": "true", "HOME": "/tmp"} | more,  # noqa: S108
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == ends, done.stdout + done.stderr
    return done.stdout


def do(project: Path, *words: str, **more: str) -> str:
    """A command of the project in this copy of it, whose environment knows another one."""
    words = ("-m", NAME.replace("-", "_"), *words)
    source = {"PYTHONPATH": str(project / "src")}
    return python(project, *words, cwd=None, ends=0, **source, **more)


def said_of(project: Path, store: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(
        python(project, HERE / "list_runs.py", f"sqlite:///{store}/mlflow.db", cwd=store)
    )
    return said


@pytest.fixture(scope="module")
def job(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The project as it was trained elsewhere, and more runs; its folder is gone."""
    place = copy_of(trained, tmp_path_factory.mktemp("job") / NAME)
    python(place, HERE / "leave_runs.py", "database", ends=-signal.SIGKILL)
    said = said_of(place, place)
    left = tmp_path_factory.mktemp("fetched")
    for name in ("mlflow.db", "mlruns"):
        shutil.move(place / name, left / name)
    shutil.rmtree(place)
    return Job(left, said)


@pytest.fixture(scope="module")
def laptop(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same project here, with a weaker champion of its own."""
    place = copy_of(trained, tmp_path_factory.mktemp("laptop") / NAME)
    (place / "mlflow.db").unlink()
    shutil.rmtree(place / "mlruns")
    do(place, "train", **WEAK)
    return place


@pytest.fixture(scope="module")
def own_store(laptop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The laptop's database from before anything was merged into it."""
    return Path(shutil.copy(laptop / "mlflow.db", tmp_path_factory.mktemp("own")))


@pytest.fixture(scope="module")
def merged(laptop: Path, own_store: Path, job: Job) -> tuple[runs.Merged, dict[str, Any]]:
    """Once, with --register; and what MLflow says here then."""
    project = projects.find(laptop)
    done = runs.merge(project, job.left, {"mldeploy.job": "3-ab12"}, register=True)
    return done, said_of(laptop, laptop)


def here_of(said: dict[str, Any]) -> dict[str, Any]:
    """Runs by id, in whichever experiment."""
    return {id_: run for each in said["experiments"].values() for id_, run in each["runs"].items()}


def test_every_run_is_here_as_it_was_there(
    job: Job, laptop: Path, merged: tuple[runs.Merged, dict[str, Any]]
) -> None:
    there, here = here_of(job.said), here_of(merged[1])
    assert len(there) == merged[0].new == 4
    assert merged[0].known == 0
    for id_, run in there.items():
        found = here[id_]
        assert found.pop("place") == (laptop / "mlruns" / id_ / "artifacts").as_uri()
        run.pop("place")
        assert found["tags"].pop("mldeploy.job") == "3-ab12"
        if run["status"] == "RUNNING":
            continue
        # Of all files this one differs: it names the version that the model is here.
        assert (run["files"].pop(ABOUT, 0) != found["files"].pop(ABOUT, 0)) == (NAME in str(run))
        assert found == run


def test_a_history_is_whole_with_nan_and_infinities(
    job: Job, merged: tuple[runs.Merged, dict[str, Any]]
) -> None:
    [parent] = [run for run in here_of(merged[1]).values() if run["name"] == "a parent's run"]
    loss = parent["histories"]["loss"]
    assert len(loss) == 302
    assert [2000, 300, "nan"] in loss
    assert parent["latest"]["much"] == repr(sys.float_info.max)  # as MLflow keeps an infinity
    [summary] = [run for run in merged[0].runs if run.name == "a parent's run"]
    assert summary.metrics["much"] == float("inf")
    assert summary.metrics["odd"] != summary.metrics["odd"]
    assert summary.params["a/b"] == "two\nlines"


def test_a_run_that_its_job_left_running_is_killed_and_says_so(
    merged: tuple[runs.Merged, dict[str, Any]],
) -> None:
    [run] = [run for run in here_of(merged[1]).values() if run["name"] == "killed"]
    assert run["status"] == "KILLED"
    assert "left it RUNNING" in run["tags"]["mldeploy.ended"]
    [[timestamp, step, value]] = run["histories"]["loss"]
    assert (step, value) == (4, "0.125")
    assert run["times"][1] == timestamp


def test_models_come_with_their_metrics_and_can_be_loaded(
    job: Job, laptop: Path, merged: tuple[runs.Merged, dict[str, Any]]
) -> None:
    for name in (NAME, "of the job"):
        there = job.said["experiments"][name]["models"]
        here = merged[1]["experiments"][name]["models"]
        assert merged[1]["experiments"][name]["tags"] == job.said["experiments"][name]["tags"]
        for id_, model in there.items():
            found = here[id_]
            place = (laptop / "mlruns" / "models" / id_ / "artifacts").as_uri()
            assert found["place"] == place
            assert found == model | {"place": place}
    [line] = merged[1]["experiments"]["of the job"]["models"]
    load = "import mlflow, sys; mlflow.set_tracking_uri(sys.argv[1]);"
    load += "print(mlflow.pyfunc.load_model(sys.argv[2]).predict([[3.0]]))"
    uri = f"sqlite:///{laptop}/mlflow.db"
    assert "6." in python(laptop, "-c", load, uri, f"models:/{line}")


def test_versions_are_registered_and_no_alias_is_moved(
    job: Job, merged: tuple[runs.Merged, dict[str, Any]]
) -> None:
    [there] = job.said["registry"][NAME]["versions"].values()
    here = merged[1]["registry"][NAME]["versions"]
    assert [(each.name, each.version) for each in merged[0].versions] == [(NAME, "2")]
    assert merged[1]["registry"][NAME]["aliases"] == {"champion": "1"}
    assert (here["2"]["run"], here["2"]["source"]) == (there["run"], there["source"])
    assert here["2"]["tags"]["roc_auc"] == there["tags"]["roc_auc"]
    assert here["2"]["tags"]["promotion_in_job"] == there["tags"]["promotion"]
    assert "promotion" not in here["2"]["tags"]


def test_again_there_is_nothing_to_do(
    job: Job, laptop: Path, merged: tuple[runs.Merged, dict[str, Any]]
) -> None:
    before = hashlib.sha256((laptop / "mlflow.db").read_bytes()).hexdigest()
    again = runs.merge(projects.find(laptop), job.left, {"mldeploy.job": "9"}, register=True)
    assert (again.new, again.known, again.versions) == (0, 4, ())
    assert {run.run_id: run.status for run in again.runs} == {
        run.run_id: run.status for run in merged[0].runs
    }
    assert hashlib.sha256((laptop / "mlflow.db").read_bytes()).hexdigest() == before
    assert not (laptop / "mlruns" / ".merging").exists()


def test_the_projects_own_rule_promotes_it_on_the_hold_out_of_here(
    laptop: Path, merged: tuple[runs.Merged, dict[str, Any]], tmp_path: Path
) -> None:
    printed = do(laptop, "promote")
    assert "yes: version 2 beats the champion, version 1" in printed
    about = json.loads((laptop / "models/champion/model.json").read_text())
    assert about["version"] == "2"
    assert about["run_id"] == merged[0].versions[0].run_id


@dataclass(frozen=True)
class Store:
    """A folder with a store, and no project around it: that is all that the script asks for."""

    root: Path
    interpreter: Path

    def merge(self, left: Path, *words: str, killed_at: int | None = None) -> str:
        script = runs.SCRIPTS / "merge_runs.py"
        start = [script] if killed_at is None else ["-c", KILL, str(killed_at), script]
        done = subprocess.run(
            [self.interpreter, *start, left, "--root", self.root, *words],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        ended = -signal.SIGKILL if killed_at else 0
        assert done.returncode == ended, done.stderr + done.stdout
        return done.stdout

    def rows(self) -> dict[str, Any]:
        """All rows and files, wherever the folder is."""
        with closing(sqlite3.connect(self.root / "mlflow.db")) as database:
            tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
            found = {
                table: sorted(
                    repr(row).replace(self.root.as_uri(), "file://ROOT")
                    for row in database.execute(f'SELECT * FROM "{table}"')  # noqa: S608
                )
                for (table,) in database.execute(tables).fetchall()
                if table != "registered_models"  # which says when it was changed
            }
        files = [path for path in self.root.rglob("*") if path.is_file() and path.name != "lock"]
        found["files"] = [
            path.relative_to(self.root).as_posix() + hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(files)
            if path.name != "mlflow.db"
        ]
        return found

    def runs(self) -> int:
        with closing(sqlite3.connect(self.root / "mlflow.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            [(count,)] = database.execute("SELECT count(*) FROM runs").fetchall()
            return int(count)


NewStore = Callable[[], Store]


@pytest.fixture
def store(trained: Path, own_store: Path, tmp_path: Path) -> NewStore:
    """Makes copies of that database, each in a folder of its own."""
    made: list[Path] = []

    def new() -> Store:
        made.append(tmp_path / f"store {len(made)}")
        made[-1].mkdir()
        shutil.copy(own_store, made[-1])
        return Store(made[-1], trained / ".venv/bin/python")

    return new


@pytest.fixture(scope="module")
def files_job(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a job left that kept its runs in files."""
    place = tmp_path_factory.mktemp("files")
    words = (HERE / "leave_runs.py", "files")
    python(trained, *words, cwd=place, ends=-signal.SIGKILL, MLFLOW_ALLOW_FILE_STORE="true")
    return place


def test_a_merge_that_was_killed_at_any_moment_is_completed_by_the_next(
    job: Job, store: NewStore
) -> None:
    own = store().runs()
    whole, counted = store(), store()
    whole.merge(job.left, "--register")
    expected = whole.rows()
    calls = int(counted.merge(job.left, "--register", killed_at=0).splitlines()[-1])
    for part in (0.2, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
        killed = store()
        killed.merge(job.left, "--register", killed_at=int(calls * part))
        assert killed.runs() in (own, own + 4), part
        killed.merge(job.left, "--register")
        assert killed.rows() == expected, part


def test_registering_later_is_as_registering_at_once(job: Job, store: NewStore) -> None:
    at_once, later = store(), store()
    at_once.merge(job.left, "--register")
    later.merge(job.left)
    later.merge(job.left, "--register")
    assert later.rows() == at_once.rows()


def test_a_file_store_comes_home_too(files_job: Path, store: NewStore, tmp_path: Path) -> None:
    (loss,) = files_job.glob("mlruns/*/*/metrics/much")
    with loss.open("a") as file:
        file.write("1795441580722 0.")  # the training was killed while it wrote this
    here = store()
    told = json.loads(here.merge(files_job, "--json"))
    assert (told["new"], told["known"]) == (3, 0)
    by_name = {run["name"]: run for run in told["runs"]}
    assert by_name["a parent's run"]["metrics"]["loss"]["steps"] == 301
    assert by_name["killed"]["status"] == "KILLED"
    before = {each.name: each for each in runs.read_folder(files_job)}
    assert before["killed"].status == "RUNNING"
    assert before["a parent's run"].params == by_name["a parent's run"]["params"]
    said = said_of_store(here)["experiments"]["of the job"]
    [parent] = [run for run in said["runs"].values() if run["name"] == "a parent's run"]
    assert list(parent["files"]) == ["some/weights/a file.bin"]
    assert len(said["models"]) == 1
    assert json.loads(here.merge(files_job, "--json"))["new"] == 0


def test_a_project_that_has_trained_nothing_gets_a_store(
    job: Job, store: NewStore, tmp_path: Path
) -> None:
    empty = Store(tmp_path / "empty", store().interpreter)
    empty.root.mkdir()
    told = json.loads(empty.merge(job.left, "--register", "--json"))
    assert told["new"] == empty.runs() == 4
    assert [each["version"] for each in told["versions"]] == ["1"]
    assert {"Default", NAME, "of the job"} == set(said_of_store(empty)["experiments"])


def test_what_was_deleted_here_stays_deleted(job: Job, store: NewStore) -> None:
    here = store()
    change(here.root, "UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name = ?", NAME)
    told = json.loads(here.merge(job.left, "--json"))
    assert f"{NAME} (from jobs)" in told["notes"][0]
    assert {f"{NAME} (from jobs)", "of the job"} < {run["experiment"] for run in told["runs"]} | {
        ""
    }
    assert json.loads(here.merge(job.left, "--json"))["new"] == 0


def test_runs_of_a_newer_mlflow_are_refused(job: Job, store: NewStore, tmp_path: Path) -> None:
    newer = Path(shutil.copytree(job.left, tmp_path / "newer"))
    change(newer, "UPDATE alembic_version SET version_num = ?", "ffffffffffff")
    here = store()
    before = here.rows()
    error = json.loads(here.merge(newer, "--json"))["error"]
    assert error["code"] == "newer-runs"
    assert "newer MLflow" in error["what"]
    assert "uv lock" in error["do"]
    assert here.rows() == before


def test_runs_of_an_older_mlflow_are_brought_up_to_date_in_a_copy(
    job: Job, store: NewStore, trained: Path, tmp_path: Path
) -> None:
    older = tmp_path / "older"
    older.mkdir()
    python(trained, HERE / "older_store.py", older / "mlflow.db")
    bytes_before = (older / "mlflow.db").read_bytes()
    here = store()
    told = json.loads(here.merge(older, "--json"))
    assert (told["new"], told["runs"][0]["params"]) == (1, {"depth": "3"})
    assert (older / "mlflow.db").read_bytes() == bytes_before


@pytest.mark.parametrize("uri", ["http://127.0.0.1:5000", "postgresql://here/mlflow"])
def test_into_a_tracking_server_nothing_is_merged_and_it_is_said(
    job: Job, laptop: Path, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    done = runs.merge(projects.find(laptop), job.left, {}, register=True)
    assert (done.new, done.known, done.runs) == (0, 0, ())
    assert uri in done.notes[0]


def test_a_job_that_left_no_run_and_one_whose_file_is_damaged_are_told_apart(
    job: Job, laptop: Path, tmp_path: Path
) -> None:
    project = projects.find(laptop)
    assert "no run" in runs.merge(project, tmp_path, {}, register=False).notes[0]
    (tmp_path / "mlflow.db").write_bytes((job.left / "mlflow.db").read_bytes()[:50_000])
    with pytest.raises(FailedError) as caught:
        runs.merge(project, tmp_path, {}, register=False)
    assert caught.value.code == "damaged-runs"


def test_a_project_without_mlflow_keeps_them_where_they_were_fetched_to(
    job: Job, tmp_path: Path
) -> None:
    root = tmp_path / "only jobs"
    root.mkdir()
    told = json.loads(Store(root, Path(sys.executable)).merge(job.left, "--json"))
    assert told["new"] == 0
    assert "no MLflow" in told["notes"][0]
    assert not (root / "mlflow.db").exists()


def test_it_waits_for_a_training_that_writes_here(job: Job, store: NewStore) -> None:
    here = store()
    with closing(sqlite3.connect(here.root / "mlflow.db", isolation_level=None)) as training:
        training.execute("BEGIN IMMEDIATE")
        script = runs.SCRIPTS / "merge_runs.py"
        with subprocess.Popen(
            [here.interpreter, script, job.left, "--root", here.root],
            stdout=subprocess.PIPE,
            text=True,
        ) as merging:
            with pytest.raises(subprocess.TimeoutExpired):
                merging.wait(timeout=1)
            training.execute("ROLLBACK")
            assert "4 runs are new here" in merging.communicate(timeout=60)[0]


def said_of_store(store: Store) -> dict[str, Any]:
    return said_of(store.interpreter.parents[2], store.root)


def change(folder: Path, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        database.execute(statement, values)
