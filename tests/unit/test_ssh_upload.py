"""A file to a host: whole, once, and from where it was cut."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mldeploy.ssh import upload
from mldeploy.ssh.connection import Connection
from mldeploy.who import laptop
from tests.unit import ssh_to_here

CONTENT = bytes(range(256)) * 1000
NAME = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    made = ssh_to_here.connect(tmp_path, monkeypatch)
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def over_there(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "mldeploy"


def send(connection: Connection, file: Path) -> int:
    sent = upload.send(connection, file, lambda *_: None)
    assert sent.name == NAME
    return sent.bytes


def test_a_file_arrives_under_its_hash_and_is_for_its_owner_only(
    connection: Connection, file: Path, over_there: Path
) -> None:
    assert send(connection, file) == len(CONTENT)

    assert [each.name for each in over_there.iterdir()] == [NAME]
    assert (over_there / NAME).read_bytes() == CONTENT
    assert (over_there / NAME).stat().st_mode & 0o077 == 0
    assert over_there.stat().st_mode & 0o077 == 0


def test_what_is_there_is_not_sent_again(connection: Connection, file: Path) -> None:
    send(connection, file)

    assert send(connection, file) == 0


def test_what_was_cut_goes_on_where_it_was(
    connection: Connection, file: Path, over_there: Path
) -> None:
    over_there.mkdir(parents=True)
    (over_there / f"{NAME}.{laptop()}.part").write_bytes(CONTENT[:200_000])

    assert send(connection, file) == len(CONTENT) - 200_000
    assert (over_there / NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("damaged", [b"x" * len(CONTENT), b"x" * (len(CONTENT) + 5), b"x" * 1000])
def test_what_arrived_damaged_is_thrown_away(
    connection: Connection, file: Path, over_there: Path, damaged: bytes
) -> None:
    over_there.mkdir(parents=True)
    (over_there / f"{NAME}.{laptop()}.part").write_bytes(damaged)

    assert send(connection, file) >= len(CONTENT)
    assert (over_there / NAME).read_bytes() == CONTENT
    assert [each.name for each in over_there.iterdir()] == [NAME]


def test_what_is_not_needed_any_more_is_forgotten(
    connection: Connection, file: Path, over_there: Path
) -> None:
    send(connection, file)

    connection.run(upload.FORGET, NAME)

    assert list(over_there.iterdir()) == []
