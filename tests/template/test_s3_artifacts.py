"""A project that keeps MLflow's files in a bucket, on a real S3 server of this machine."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from mldeploy.runs import SCRIPTS
from tests.conftest import MLDEPLOY
from tests.data.s3_server import S3Server, s3_server

from .conftest import git
from .projects import environment, on_a_free_port, run, succeed

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(900)]

TRAIN = (".venv/bin/function-docs", "train")


@dataclass(frozen=True)
class Place:
    """A project, and the bucket that its files are to go to."""

    project: Path
    server: S3Server
    bucket: str

    def environment(self, **more: str) -> dict[str, str]:
        endpoint = {"MLFLOW_S3_ENDPOINT_URL": self.server.endpoint_url}
        where = {"ARTIFACTS_URI": f"s3://{self.bucket}/function docs"}
        return self.server.environment() | endpoint | where | more

    def kept(self) -> list[str]:
        client = self.server.client()
        try:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
            return [each["Key"] for page in pages for each in page.get("Contents", [])]
        finally:
            client.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Made by `mldeploy new --artifacts s3`."""
    project = tmp_path_factory.mktemp("s3") / "function-docs"
    words = [str(MLDEPLOY), "new", str(project), "--artifacts", "s3", "--defaults"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    on_a_free_port(project)
    git(project, "commit", "-q", "-a", "-m", "A port of its own")
    with ExitStack() as stack:
        server = stack.enter_context(s3_server())
        yield Place(project, server, server.new_bucket())


@pytest.fixture(scope="module")
def trained(place: Place) -> Place:
    succeed(place.project, *TRAIN, **place.environment())
    return place


def test_it_passes_its_own_checks_without_a_bucket(place: Place) -> None:
    succeed(place.project, ".venv/bin/mypy")
    succeed(place.project, ".venv/bin/pytest", "-q", "tests/registry/test_bucket.py")


def test_before_the_training_it_is_told_what_is_wrong_with_the_bucket(place: Place) -> None:
    reader = {
        "AWS_ACCESS_KEY_ID": place.server.reader_access_key,
        "AWS_SECRET_ACCESS_KEY": place.server.reader_secret_key,
    }
    for wrong, told in (
        ({"ARTIFACTS_URI": "s3://nobody-has-this/x"}, "There is no such bucket."),
        (reader, "The bucket refuses your keys."),
    ):
        done = run(place.project, *TRAIN, **place.environment(**wrong))
        assert done.returncode == 1
        assert told in done.stderr
        assert "  why: " in done.stderr
        assert "Traceback" not in done.stderr
        assert "rows to train on" in done.stdout  # the data are looked at first
        assert "features" not in done.stdout, "it was told after the training"


def test_the_files_of_a_training_are_in_the_bucket_and_not_on_the_disk(trained: Place) -> None:
    ends = {key.rpartition("artifacts/")[2] for key in trained.kept()}
    assert {"serving/model.onnx", "serving/model.json", "reports/plots/roc.png"} < ends
    assert {"model.skops", "MLmodel"} < ends
    assert not (trained.project / "mlruns").exists()
    assert not list(trained.project.rglob("MLmodel"))


def test_promotion_brings_the_champion_down_as_files(trained: Place) -> None:
    shutil.rmtree(trained.project / "models")
    succeed(trained.project, ".venv/bin/function-docs", "promote", **trained.environment())
    about = json.loads((trained.project / "models/champion/model.json").read_text())
    assert (trained.project / "models/champion" / about["model_file"]).is_file()


def test_the_service_needs_no_bucket_and_a_release_does(trained: Place) -> None:
    known = environment(**trained.environment())

    def mldeploy(*words: str) -> subprocess.CompletedProcess[str]:
        command = [str(MLDEPLOY), *words]
        return subprocess.run(
            command, cwd=trained.project, env=known, capture_output=True, text=True, timeout=200
        )

    try:
        up = mldeploy("up", "--json")
        assert up.returncode == 0, up.stderr + up.stdout
        known = environment()
        answer = mldeploy("predict", "--json")
        assert answer.returncode == 0, answer.stderr + answer.stdout
    finally:
        mldeploy("down", "--yes")


def test_a_release_without_the_keys_says_so_in_three_parts(trained: Place) -> None:
    keyless = trained.environment(AWS_ACCESS_KEY_ID="nobody", AWS_SECRET_ACCESS_KEY="x")
    done = subprocess.run(
        [str(MLDEPLOY), "up", "--json"],
        cwd=trained.project,
        env=environment(**keyless),
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "champion-out-of-reach"
    assert "AWS_PROFILE" in error["do"]


def test_runs_of_a_job_whose_files_are_in_the_bucket_come_home_without_them(
    trained: Place, tmp_path: Path
) -> None:
    left, root = tmp_path / "left", tmp_path / "root"
    for folder in (left, root):
        folder.mkdir()
        shutil.copy(trained.project / "mlflow.db", folder)
    empty(root / "mlflow.db")
    words = [SCRIPTS / "merge_runs.py", left, "--root", root, "--register", "--json"]
    printed = succeed(trained.project, ".venv/bin/python", *map(str, words))
    told = json.loads(printed.splitlines()[-1])
    assert told["new"] == len(told["runs"]) >= 1
    assert f"s3://{trained.bucket}/" in told["notes"][0]
    load = "import mlflow, sys; mlflow.set_tracking_uri(sys.argv[1]);"
    load += "print(type(mlflow.sklearn.load_model('models:/function-docs/1')).__name__)"
    uri = f"sqlite:///{root}/mlflow.db"
    found = succeed(trained.project, ".venv/bin/python", "-c", load, uri, **trained.environment())
    assert found.split() == ["HistGradientBoostingClassifier"]


def empty(database: Path) -> None:
    """As MLflow makes it, in a hundredth of the time that MLflow takes."""
    with closing(sqlite3.connect(database)) as connection, connection:
        tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
        for (table,) in connection.execute(tables).fetchall():
            if table not in ("alembic_version", "workspaces"):
                connection.execute(f'DELETE FROM "{table}"')  # noqa: S608
