"""Scripts over a connection: their words, what they read, and what is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mldeploy.errors import FailedError, MldeployError
from mldeploy.ssh.connection import Connection, LostError
from tests.unit import ssh_to_here


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    made = ssh_to_here.connect(tmp_path, monkeypatch)
    yield made
    made.close()


def test_words_arrive_as_they_are_and_standard_input_too(connection: Connection) -> None:
    words = ["two words", "it's", '"$HOME" `id`', "-n", ""]

    ran = connection.run('cat; printf "<%s>" "$@"; echo bad >&2; exit 3', *words, stdin=b"in\n")

    assert ran.out == "in\n" + "".join(f"<{word}>" for word in words)
    assert (ran.code, ran.err) == (3, "bad\n")


def test_what_start_up_files_say_is_not_taken_for_an_answer(
    connection: Connection, tmp_path: Path
) -> None:
    (tmp_path / ".bashrc").write_text("echo hello; sleep 0.2; echo\n")

    assert connection.run("echo yes").out == "yes\n"


def test_an_account_whose_shell_runs_nothing_is_told_from_a_host_that_is_silent(
    connection: Connection, tmp_path: Path
) -> None:
    (tmp_path / ".bashrc").write_text("echo This account is not available.; exit 1\n")

    with pytest.raises(MldeployError) as raised:
        connection.open()

    assert raised.value.code == "ssh-failed"
    assert "login shell there ended with 1" in raised.value.why


def test_what_takes_too_long_is_lost(connection: Connection) -> None:
    connection.open()

    with pytest.raises(LostError, match="within 0 s"):
        connection.once("exec sleep 30", seconds=0.2)


def test_a_script_is_run_again_when_the_line_breaks_and_given_up_in_the_end(
    connection: Connection, tmp_path: Path
) -> None:
    count = f"echo x >> {tmp_path}/runs; exit 255"

    with pytest.raises(FailedError) as raised:
        connection.run(count)

    assert raised.value.code == "ssh-gone"
    assert (tmp_path / "runs").read_text() == "x\n" * 3


def test_what_ssh_says_is_what_is_raised(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "ssh-says").write_text("me@203.0.113.7: Permission denied (publickey).\n")

    with pytest.raises(MldeployError) as raised:
        connection.open()

    assert raised.value.code == "ssh-denied"


def test_a_line_that_broke_is_made_again_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    connection = ssh_to_here.connect(tmp_path, monkeypatch, said)
    connection.open()
    master = connection._master
    assert master
    master.kill()
    master.wait(timeout=10)

    assert connection.run("echo back").out == "back\n"
    connection.close()

    assert said[0].startswith("the connection to box is lost")
    assert said[-1] == "connected to box again"


def test_a_line_that_stays_broken_is_tried_for_once(connection: Connection, tmp_path: Path) -> None:
    connection.open()
    master = connection._master
    assert master
    master.kill()
    master.wait(timeout=10)
    (tmp_path / "ssh-says").write_text("Connection timed out\n")

    for _ in range(2):
        with pytest.raises(FailedError) as raised:
            connection.ensure()
        assert raised.value.code == "ssh-gone"


def test_no_folder_and_no_ssh_is_left(connection: Connection) -> None:
    connection.open()
    folder, master = connection._folder, connection._master
    assert folder
    assert master
    assert folder.stat().st_mode & 0o077 == 0

    connection.close()

    assert not folder.exists()
    assert master.poll() is not None
