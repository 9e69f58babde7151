"""The loop of the sensors for real: drift, alarm, training, promotion, a new champion serving."""

from __future__ import annotations

import json
import signal
import subprocess
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import MLDEPLOY

from .conftest import Render
from .projects import environment, installed, on_a_free_port, run, succeed

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def project(render: Render) -> Path:
    """Installed and committed, not yet trained."""
    return installed(on_a_free_port(render(data_source="sensors")))


@pytest.fixture(scope="module")
def by_itself(project: Path) -> str:
    """What the loop prints where mldeploy is not installed: it serves with the project's own."""
    return succeed(project, "make", "drift-loop")


def running(project: Path) -> list[list[str]]:
    """Processes that run with the project's environment, each as it was started."""
    commands = [
        process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"], ad_value=[])
    ]
    return [words for words in commands if words and words[0].startswith(str(project))]


def champion(project: Path) -> dict[str, Any]:
    about: dict[str, Any] = json.loads((project / "models/champion/model.json").read_text())
    return about


def test_drift_is_found_when_it_comes_and_gone_when_it_is_learned(by_itself: str) -> None:
    weeks = by_itself.split("rows that the service was asked")
    assert len(weeks) == 4
    ordinary, summer, later = (week.split("plot:")[1] for week in weeks[1:])
    assert "no drift" in ordinary
    assert "drift: outside_c" in summer
    assert "no drift" in later


def test_the_new_champion_is_better_on_the_same_rows(by_itself: str, project: Path) -> None:
    assert "version 2 beats the champion, version 1: r2" in by_itself
    about = champion(project)
    assert about["version"] == "2"
    assert about["params"]["collect.drift"] == 1.0


def test_it_leaves_nothing_running(by_itself: str, project: Path) -> None:
    assert "Nothing is left running" in by_itself
    assert running(project) == []


def test_drift_is_a_failure_for_ci(by_itself: str, project: Path, tmp_path: Path) -> None:
    [log] = (project / "monitoring").glob("rows-*.jsonl")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    of_champion = [line for line in lines if line["log.run"] == champion(project)["run_id"]]
    warmer = [line | {"outside_c": (line["outside_c"] or 0) + 9} for line in of_champion]
    (tmp_path / "rows-0.jsonl").write_text("".join(json.dumps(line) + "\n" for line in warmer))
    assert run(project, ".venv/bin/cold-rooms", "drift").returncode == 0
    found = run(project, ".venv/bin/cold-rooms", "drift", "--log", str(tmp_path), "--json")
    assert found.returncode == 1
    assert json.loads(found.stdout)["drifted"] is True
    assert (
        run(project, ".venv/bin/cold-rooms", "drift", "--log", str(project / "src")).returncode == 2
    )


def test_with_mldeploy_it_ends_with_the_new_champion_serving(by_itself: str, project: Path) -> None:
    """A second time, too: it begins with the champion of the spring again."""
    path = f"{MLDEPLOY.parent}:{environment()['PATH']}"
    try:
        printed = succeed(project, ".venv/bin/cold-rooms", "loop", PATH=path)
        assert "version 1 has; it is the champion again" in printed
        assert "The champion goes on serving" in printed
        status = json.loads(succeed(project, str(MLDEPLOY), "--json", "status"))
        assert status["state"] == "serving"
        assert status["model_version"] == champion(project)["version"] == "3"
        answer = json.loads(succeed(project, str(MLDEPLOY), "--json", "predict"))
        assert "answer" in json.dumps(answer)
    finally:
        succeed(project, str(MLDEPLOY), "down", "--yes")
    assert running(project) == []


def test_ctrl_c_ends_what_it_started(by_itself: str, project: Path) -> None:
    loop = subprocess.Popen(
        [project / ".venv/bin/cold-rooms", "loop", "--own"],
        cwd=project,
        env=environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with loop:
        assert loop.stdout is not None
        url = next(line.strip() for line in loop.stdout if line.startswith("http://"))
        assert len(running(project)) > 1
        loop.send_signal(signal.SIGINT)
        rest = loop.stdout.read()
        assert loop.wait(timeout=60) == 130
    assert "Nothing is left running" in rest
    assert "Traceback" not in rest
    assert running(project) == []
    with pytest.raises(ConnectionRefusedError):
        HTTPConnection(url.removeprefix("http://")).request("GET", "/readyz")
