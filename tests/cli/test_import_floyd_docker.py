"""A job that came from FloydHub, in a container: what it found there, it finds here."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.bench import Bench, end_what_runs

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(300)]

SETTINGS = """\
[project]
name = "{name}"

[targets.docker]
kind = "docker"
"""
FLOYD_YML = """\
input: foo/datasets/mnist/1:mnist
command: bash setup.sh && python train.py /floyd/input/mnist
"""
TRAIN = """\
import os, pathlib, sys
import six
print("at", os.path.realpath(os.curdir) == os.path.realpath("/floyd/home"), "as", os.getuid())
print("read", pathlib.Path(sys.argv[1], "digits.csv").read_text())
pathlib.Path("/output/model.txt").write_text("a model")
pathlib.Path("/floyd/home/left.txt").write_text("left in the folder")
try:
    pathlib.Path(sys.argv[1], "new.csv").touch()
except OSError:
    print("data is read-only")
"""


@pytest.fixture
def bench(tmp_path: Path, docker_client: object, docker_project: str) -> Iterator[Bench]:
    root = tmp_path / "project"
    (root / "mnist").mkdir(parents=True)
    for name, text in {
        "mldeploy.toml": SETTINGS.format(name=docker_project),
        "mnist/digits.csv": "1,2,3",
        "floyd.yml": FLOYD_YML,
        "train.py": TRAIN,
        "setup.sh": "echo set up as $(whoami)\n",
        "floyd_requirements.txt": "six\n",
        ".gitignore": "mnist\n",
    }.items():
        (root / name).write_text(text)
    made = Bench(root, 0)
    yield made
    end_what_runs(made)


def test_doctor_asks_for_what_jobs_need_and_not_for_a_release(bench: Bench) -> None:
    bench.must("import", "floyd.yml")

    found = {each["check"]: each["severity"] for each in bench.must("doctor")["findings"]}

    assert found["jobs"] == found["engine"] == "ok"
    assert not {"model", "lock", "base image", "edge image"} & set(found)


def test_an_imported_job_finds_the_paths_the_data_and_the_rights_that_it_had(bench: Bench) -> None:
    from mldeploy.images.recipe import base_for

    where = [
        "--data",
        "foo/datasets/mnist/1=mnist",
        "--base",
        base_for(platform.python_version(), None),
    ]
    bench.must("import", "floyd.yml", *where)

    ended = bench.run("--task", "default", timeout=280)

    log = bench.mldeploy("jobs", "logs", "1").stdout
    assert ended.get("end") == "succeeded", f"{ended} {log}"
    assert log.splitlines()[-4:] == [
        "set up as root",
        "at True as 0",
        "read 1,2,3",
        "data is read-only",
    ]
    outputs = {path.name: path.read_text() for path in bench.outputs(ended).rglob("*.txt")}
    assert outputs == {"model.txt": "a model", "left.txt": "left in the folder"}
