"""A dockerd is known again by its pid and its start, and by nothing that a reboot could fake."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from mldeploy.errors import FailedError
from tests.conftest import until
from tests.lab.daemon import Daemon, answers, identity, runs
from tests.lab.packages import is_there


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    return Daemon(
        socket=tmp_path / "docker.sock",
        run=tmp_path / "run",
        pidfile=tmp_path / "docker.pid",
        record=tmp_path / "engine.json",
        log=tmp_path / "dockerd.log",
    )


def recorded(daemon: Daemon, pid: int, who: str | None) -> None:
    daemon.record.write_text(json.dumps({"pid": pid, "identity": who}))


def test_a_recorded_process_is_found(daemon: Daemon) -> None:
    recorded(daemon, os.getpid(), identity(os.getpid()))

    process = daemon.process()

    assert process is not None
    assert process.pid == os.getpid()


def test_a_reused_pid_is_somebody_else(daemon: Daemon) -> None:
    recorded(daemon, os.getpid(), "an-earlier-boot 1234")

    assert daemon.process() is None


def test_ending_what_is_not_ours_does_nothing(daemon: Daemon) -> None:
    with subprocess.Popen(["sleep", "60"]) as somebody:
        recorded(daemon, somebody.pid, "an-earlier-boot 1234")

        assert not daemon.stop()
        daemon.kill()

        assert somebody.poll() is None
        assert not daemon.record.exists()
        somebody.kill()


def test_ending_ends_the_recorded_process(daemon: Daemon) -> None:
    with subprocess.Popen(["sleep", "60"]) as ours:
        recorded(daemon, ours.pid, identity(ours.pid))

        assert daemon.stop()

    assert not daemon.record.exists()


def test_a_dead_process_has_no_identity() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        assert identity(process.pid) is not None
        process.kill()
        until(lambda: identity(process.pid) is None)  # also before somebody waited for it


@pytest.mark.parametrize("record", ["", "{", "[]", '{"pid": "x"}', '{"pid": null}'])
def test_an_unreadable_record_is_none(daemon: Daemon, record: str) -> None:
    daemon.record.write_text(record)

    assert daemon.process() is None


def test_a_pid_file_must_name_that_program(tmp_path: Path) -> None:
    pidfile = tmp_path / "docker.pid"
    with subprocess.Popen(["sleep", "60"]) as process:
        pidfile.write_text(f"{process.pid}\n")
        until(lambda: runs(pidfile, "sleep"))
        assert not runs(pidfile, "dockerd")
        process.kill()

    assert not runs(pidfile, "sleep")
    assert not runs(tmp_path / "none", "sleep")


def test_nobody_answers_at_a_socket_that_is_not_there(tmp_path: Path) -> None:
    assert not answers(f"unix://{tmp_path}/docker.sock")


@pytest.mark.docker
@pytest.mark.skipif(not is_there("dockerd"), reason="no dockerd on this machine")
def test_a_daemon_that_ends_at_once_says_its_last_words(daemon: Daemon) -> None:
    broken = Daemon(**{**vars(daemon), "arguments": ("--no-such-option",)})

    with pytest.raises(FailedError) as caught:
        broken.start()

    assert caught.value.code == "lab-engine-silent"
    assert "no-such-option" in caught.value.detail
    assert broken.process() is None
