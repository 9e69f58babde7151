"""A project from each source of data, untouched: checks, tests, training, card, up, predict, down.

`functions` has more tests of its own in test_generated_project.py, `csv` in test_csv_projects.py.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MLDEPLOY

from .conftest import Render, git
from .projects import installed, on_a_free_port, run, succeed

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Case:
    source: str
    task: str
    package: str


CASES = [
    Case("commits", "binary", "fix_finder"),
    Case("sensors", "regression", "cold_rooms"),
]


@dataclass(frozen=True)
class Trained:
    folder: Path
    printed: str  # by the training
    slug: str


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case.source}-{case.task}")
def trained(request: pytest.FixtureRequest, render: Render) -> Trained:
    case: Case = request.param
    folder = installed(on_a_free_port(render(data_source=case.source, task=case.task)))
    return Trained(folder, succeed(folder, "make", "train"), case.package.replace("_", "-"))


def mldeploy(project: Path, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [str(MLDEPLOY), "-C", str(project), "--json", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_it_passes_its_own_checks_and_tests_untouched(trained: Trained) -> None:
    succeed(trained.folder, "make", "lint")
    succeed(trained.folder, ".venv/bin/pytest", "-q")


def test_it_trains_honestly_and_promotes(trained: Trained) -> None:
    assert "passed:" in trained.printed
    assert "LOOK" not in trained.printed
    assert "is the first champion" in trained.printed
    card = (trained.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"# Model card: {trained.slug}" in card
    made = {line[3:] for line in git(trained.folder, "status", "--porcelain").splitlines()}
    assert made == {"MODEL_CARD.md", "docs/"}


def test_training_again_is_not_better_and_says_so(trained: Trained) -> None:
    again = succeed(trained.folder, "make", "train")
    assert "as good as the champion" in again
    why = json.loads(succeed(trained.folder, f".venv/bin/{trained.slug}", "why", "--json"))
    assert why["version"] == "1"
    assert why["champion"]


def test_its_model_serves_and_is_taken_down_again(trained: Trained) -> None:
    up = mldeploy(trained.folder, "up")
    try:
        status = mldeploy(trained.folder, "status")
        assert status["release"] == up["release"]
        answer = mldeploy(trained.folder, "predict")
        assert "answer" in json.dumps(answer)
    finally:
        mldeploy(trained.folder, "down", "--yes")


def test_a_wrong_parameter_is_refused_without_a_traceback(trained: Trained) -> None:
    done = run(trained.folder, "make", "train", PARAMS_SPLIT__BY="weather")
    assert done.returncode != 0
    assert "split.by" in done.stderr
    assert "Traceback" not in done.stderr
