"""What the lab does where an engine answers already, and what its commands print."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mldeploy.errors import RefusedError
from mldeploy.ui import Ui
from tests.conftest import CHECKOUT
from tests.lab import engine as lab
from tests.lab import places


def lab_command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.lab", *words],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_an_address_that_nobody_answers_at_is_not_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")

    with pytest.raises(RefusedError) as caught:
        lab.bring_up(Ui(), cache=tmp_path)

    assert caught.value.code == "lab-docker-host"
    assert "unset DOCKER_HOST" in caught.value.do


def test_without_an_engine_the_status_says_how_to_have_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")

    done = lab_command("status")

    assert done.returncode == 1
    assert "nothing answers" in done.stdout
    assert "python -m tests.lab engine" in done.stdout


def test_a_pid_that_is_not_the_labs_ends_nothing() -> None:
    done = lab_command("down", "--pid", str(os.getpid()))

    assert done.returncode == 0
    assert "no engine that the lab started" in done.stdout


def test_two_at_once_wait_and_then_say_so(tmp_path: Path) -> None:
    with (
        places.locked(tmp_path),
        pytest.raises(RefusedError) as caught,
        places.locked(tmp_path, seconds=0.1),
    ):
        pass

    assert caught.value.code == "lab-locked"


@pytest.mark.docker
def test_an_engine_that_answers_is_used_and_not_ours_to_end() -> None:
    done = lab_command("engine", "--print-pid")

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
    assert "used as it is" in done.stderr


@pytest.mark.docker
def test_the_status_is_json_for_programs() -> None:
    done = lab_command("status", "--json")

    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["ready"] is True
    assert set(found["images"].values()) == {True}
