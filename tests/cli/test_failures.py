"""What bad input, faults and interruptions get: three parts, the documented code, and the old
release still serving."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Done, Workplace, until

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(300)]


@pytest.fixture
def serving(workplace: Workplace) -> Iterator[str]:
    """The name of a release that serves; whatever the test does, it must go on answering."""
    release: str = workplace.up()["release"]
    yield release
    assert workplace.serving_release() == release
    assert len(workplace.pids()) == 1


def refused(done: Done, *, code: int, slug: str) -> dict[str, str]:
    assert done.code == code, done.stderr + done.stdout
    error: dict[str, str] = done.json["error"]
    assert error["code"] == slug, error
    assert all(error[part] for part in ("what", "why", "do"))
    return error


def test_a_falsified_golden_answer_is_refused(workplace: Workplace, serving: str) -> None:
    golden = workplace.root / "tests/golden.json"
    stored = json.loads(golden.read_text())
    stored["requests"][0]["expect"]["predictions"][0]["probability"] += 0.01
    golden.write_text(json.dumps(stored))

    error = refused(workplace.mldeploy("up", "--json"), code=3, slug="golden-differs")

    assert "answer.predictions[0].probability: expected" in error["detail"]
    events = workplace.mldeploy("history", "--json").json["events"]
    assert (events[0]["action"], events[1]["state"]) == ("refused", "serving")
    releases = list((workplace.root / ".mldeploy/releases").iterdir())
    assert [folder.name for folder in releases] == [serving]


def test_a_server_that_dies_while_starting_is_refused_with_its_last_words(
    workplace: Workplace, serving: str
) -> None:
    (service,) = workplace.root.glob("src/*/service.py")
    text = service.read_text()
    assert "def __init__(self) -> None:\n" in text
    failing = "def __init__(self) -> None:\n        raise RuntimeError('no such luck')\n"
    service.write_text(text.replace("def __init__(self) -> None:\n", failing))

    error = refused(workplace.mldeploy("up", "--json"), code=3, slug="server-died")

    assert "no such luck" in error["detail"]


def test_a_server_that_never_gets_ready_is_refused(workplace: Workplace, serving: str) -> None:
    settings = workplace.root / "mldeploy.toml"
    port = f"port = {workplace.port}\n"
    settings.write_text(settings.read_text().replace(port, port + "ready_timeout = 4\n"))
    (service,) = workplace.root.glob("src/*/service.py")
    slow = "def __init__(self) -> None:\n        import time\n\n        time.sleep(60)\n"
    service.write_text(service.read_text().replace("def __init__(self) -> None:\n", slow))

    refused(workplace.mldeploy("up", "--json"), code=3, slug="not-ready")


def test_a_service_that_imports_what_serving_does_not_have_is_refused(
    workplace: Workplace, serving: str
) -> None:
    (service,) = workplace.root.glob("src/*/service.py")
    service.write_text("import mlflow\n" + service.read_text())

    error = refused(workplace.mldeploy("up", "--json"), code=3, slug="server-died")

    assert "No module named 'mlflow'" in error["detail"]


def test_a_service_that_is_not_python_is_named(workplace: Workplace, serving: str) -> None:
    (service,) = workplace.root.glob("src/*/service.py")
    service.write_text(service.read_text() + "\ndef broken(:\n")

    error = refused(workplace.mldeploy("up", "--json"), code=1, slug="build-failed")

    assert "SyntaxError" in error["detail"] + error["why"]


@pytest.mark.parametrize("step", ["model", "release", "start it beside"])
def test_ctrl_c_leaves_the_old_release_serving(
    workplace: Workplace, serving: str, step: str
) -> None:
    workplace.edit_service(step)
    up = workplace.begin("up", start_new_session=True)
    assert up.stderr is not None
    until(lambda: f"  {step}" in (up.stderr.readline() if up.stderr else ""), seconds=60)

    os.killpg(up.pid, signal.SIGINT)  # as the terminal does: the whole foreground group
    _, stderr = up.communicate(timeout=30)

    assert up.returncode == 130
    assert "interrupted" in stderr
    assert "Traceback" not in stderr
    until(lambda: len(workplace.pids()) == 1)
    assert not (workplace.root / ".mldeploy/build").exists()


def test_a_killed_up_leaves_nothing_that_the_next_one_does_not_clear(
    workplace: Workplace, serving: str
) -> None:
    workplace.edit_service("killed")
    up = workplace.begin("up")
    assert up.stderr is not None
    until(lambda: "  start it beside" in (up.stderr.readline() if up.stderr else ""), seconds=60)
    until(lambda: len(workplace.pids()) == 2)

    up.kill()

    until(lambda: len(workplace.pids()) == 1)  # a candidate ends itself when its `up` is gone
    assert workplace.mldeploy("status", "--json").json["release"] == serving
    fresh = workplace.up()
    assert workplace.serving_release() == fresh["release"] != serving
    assert workplace.mldeploy("rollback", "--json").json["release"] == serving


def test_of_two_ups_at_once_one_is_refused_by_the_lock(workplace: Workplace, serving: str) -> None:
    workplace.edit_service("first")
    first = workplace.begin("up", "--json")
    lock = workplace.root / ".mldeploy/targets/local/lock.json"
    until(lock.exists)

    error = refused(workplace.mldeploy("up", "--json"), code=3, slug="locked")

    assert str(first.pid) in error["why"]
    assert "`up`" in error["why"]
    stdout, _ = first.communicate(timeout=120)
    assert first.returncode == 0
    assert workplace.serving_release() == json.loads(stdout)["release"]
    assert workplace.mldeploy("rollback", "--json").json["release"] == serving


def test_a_taken_port_is_named_with_its_holder_before_anything_is_built(
    workplace: Workplace,
) -> None:
    with socket.socket() as foreign:
        foreign.bind(("127.0.0.1", workplace.port))
        foreign.listen()

        error = refused(workplace.mldeploy("up", "--json"), code=1, slug="port-taken")

    assert str(os.getpid()) in error["why"]
    assert "port = " in error["do"]
    assert not (workplace.root / ".mldeploy/releases").exists()


def test_without_a_champion_the_next_command_is_train(workplace: Workplace) -> None:
    (workplace.root / "mlflow.db").unlink()

    error = refused(workplace.mldeploy("up", "--json"), code=1, slug="no-champion")

    assert error["do"] == "make train"
    assert not (workplace.root / "mlflow.db").exists()


def test_an_unknown_alias_is_named(workplace: Workplace) -> None:
    settings = workplace.root / "mldeploy.toml"
    settings.write_text(settings.read_text().replace("@champion", "@nobody"))

    error = refused(workplace.mldeploy("up", "--json"), code=1, slug="no-champion")

    assert "'nobody'" in error["why"]


def test_golden_answers_of_another_model_are_not_asked(workplace: Workplace) -> None:
    golden = workplace.root / "tests/golden.json"
    golden.write_text(json.dumps(json.loads(golden.read_text()) | {"run_id": "0" * 32}))

    refused(workplace.mldeploy("up", "--json"), code=1, slug="golden-of-another-model")


def test_without_golden_requests_nothing_goes_up(workplace: Workplace) -> None:
    (workplace.root / "tests/golden.json").unlink()

    refused(workplace.mldeploy("up", "--json"), code=1, slug="no-golden")


def test_without_its_environment_the_next_command_is_setup(workplace: Workplace) -> None:
    (workplace.root / ".venv").unlink()

    error = refused(workplace.mldeploy("up", "--json"), code=1, slug="no-environment")

    assert "make setup" in error["do"]


def test_a_lock_that_does_not_fit_is_named(workplace: Workplace) -> None:
    project = workplace.root / "pyproject.toml"
    text = project.read_text()
    assert "serve = [" in text
    project.write_text(text.replace("serve = [", 'serve = [\n    "click<8",'))

    error = refused(workplace.mldeploy("up", "--json"), code=1, slug="stale-lock")

    assert error["do"] == "uv lock"


@contextmanager
def small_file_system(place: Path, options: str) -> Iterator[None]:
    """A real file system of its own at ``place``: the only honest way to fill or forbid one."""
    if os.geteuid() != 0:
        pytest.skip("mounting a file system needs root")
    place.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    subprocess.run(mount, check=True, timeout=30)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True, timeout=30)


def test_a_full_disk_loses_nothing(workplace: Workplace, serving: str) -> None:
    workplace.edit_service("full")
    with small_file_system(workplace.root / ".mldeploy/build", "size=64k"):
        done = workplace.mldeploy("up", "--json")

    refused(done, code=1, slug="disk-full")


def test_a_disk_that_fills_while_installing_is_named(workplace: Workplace) -> None:
    (workplace.root / ".mldeploy").mkdir()
    with small_file_system(workplace.root / ".mldeploy/envs", "size=20m"):
        done = workplace.mldeploy("up", "--json")

    error = refused(done, code=1, slug="environment-failed")
    assert "disk is full" in error["why"]


def test_a_folder_that_cannot_be_written_is_named(workplace: Workplace) -> None:
    with small_file_system(workplace.root / ".mldeploy", "ro"):
        done = workplace.mldeploy("up", "--json")

    error = refused(done, code=1, slug="unwritable")
    assert "Read-only" in error["why"]


def test_a_log_of_nothing_says_so(workplace: Workplace) -> None:
    refused(workplace.mldeploy("logs", "--json"), code=1, slug="no-log")


def test_rolling_back_from_the_first_release_is_refused(workplace: Workplace, serving: str) -> None:
    refused(workplace.mldeploy("rollback", "--json"), code=1, slug="nothing-to-roll-back-to")


def test_a_request_that_the_service_refuses_is_shown_with_its_reason(
    workplace: Workplace, serving: str
) -> None:
    done = workplace.mldeploy("predict", "--json", "--data", '{"rows": [{"lines": "many"}]}')

    error = refused(done, code=1, slug="request-refused")

    assert "lines" in error["why"]


def test_doctor_finds_a_healthy_project_healthy(workplace: Workplace, serving: str) -> None:
    done = workplace.mldeploy("doctor", "--json")

    assert done.code == 0, done.stdout
    checks = {one["check"]: one["severity"] for one in done.json["findings"]}
    assert set(checks.values()) <= {"ok", "warning"}
    assert checks["model"] == checks["port"] == checks["service"] == "ok"


def test_doctor_gives_every_fault_a_remedy(workplace: Workplace) -> None:
    (workplace.root / "mlflow.db").unlink()
    (workplace.root / "uv.lock").unlink()

    done = workplace.mldeploy("doctor", "--json")

    assert done.code == 1
    faults = {one["check"]: one for one in done.json["findings"] if one["severity"] == "error"}
    assert {"model", "lock"} <= set(faults)
    assert all(one["remedy"] for one in faults.values())


def test_plan_says_what_up_would_do(workplace: Workplace, serving: str) -> None:
    workplace.edit_service("planned")

    made = workplace.mldeploy("plan", "--json").json

    assert serving in made["removes"][0]
    assert made["price_per_hour"] == "0.00"
    assert str(workplace.port) in made["reachable_by"]
    assert Path(workplace.root / ".mldeploy/releases" / serving).exists()
