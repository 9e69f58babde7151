"""`mldeploy check` as typed: on a project of the template, as text, as JSON, by group."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.conftest import Workplace
from tests.unit.test_check import GOOD, git, write

TYPED = 5  # seconds: it takes one; this is a laptop that is busy


def test_a_failure_ends_with_1_and_shows_why_and_what_to_do(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "Start")
    place = Workplace(tmp_path, port=0)

    done = place.mldeploy("check", "--only", "dependencies")

    assert done.code == 1
    assert "FAIL  lock " in done.stdout
    assert "why: Without a lock every machine gets other versions." in done.stdout
    assert "do: uv lock" in done.stdout
    assert done.stdout.rstrip().endswith("1 of 2")
    assert place.mldeploy("check", "--only", "git").code == 0
    assert "why: Only what is committed" in place.mldeploy("check", "--explain").stdout


def test_outside_of_a_project_it_says_where_to_go(tmp_path: Path) -> None:
    done = Workplace(tmp_path, port=0).mldeploy("check", "--json")

    assert done.code == 2
    assert done.json["error"]["code"] == "not-a-project"


def test_a_group_that_is_none_is_refused(tmp_path: Path) -> None:
    done = Workplace(tmp_path, port=0).mldeploy("check", "--only", "gut", "--json")

    assert done.code == 2
    assert "'git'" in done.json["error"]["what"]


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(900)
def test_a_new_project_has_every_point_once_it_is_trained(trained: Path) -> None:
    began = time.monotonic()

    done = Workplace(trained, port=0).mldeploy("check", "--json")

    assert time.monotonic() - began < TYPED
    failures = [each for each in done.json["items"] if each["state"] == "failed"]
    assert failures == []  # "check" changes nothing: no copy is needed
    assert done.code == 0
    assert done.json["passed"] == done.json["total"] > 20
