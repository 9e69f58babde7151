"""What a folder holds, and what can't be part of a version."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from mldeploy.data.scan import scan
from mldeploy.errors import ConfigError
from mldeploy.ui import Ui


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data" / "sub").mkdir(parents=True)
    (tmp_path / "data" / "a.txt").write_text("one")
    return tmp_path / "data"


def refusal(folder: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        scan(folder, Ui())
    assert caught.value.do
    return caught.value


def test_files_are_listed_by_path_with_their_hashes(folder: Path) -> None:
    (folder / "sub" / "run").write_text("two")
    (folder / "sub" / "run").chmod(0o755)

    found = scan(folder, Ui())

    assert [(e.path, e.size, e.executable) for e in found.entries] == [
        ("a.txt", 3, False),
        ("sub/run", 3, True),
    ]
    assert found.entries[0].sha256 == hashlib.sha256(b"one").hexdigest()
    assert found.sources[found.entries[0].sha256].path == folder / "a.txt"


def test_a_file_alone_is_a_version_too(folder: Path) -> None:
    assert [entry.path for entry in scan(folder / "a.txt", Ui()).entries] == ["a.txt"]


def test_empty_folders_are_counted_as_they_are_left_out(folder: Path) -> None:
    assert scan(folder, Ui()).empty_folders == 1


def test_a_link_to_a_file_of_the_folder_is_that_file(folder: Path) -> None:
    (folder / "sub" / "again").symlink_to("../a.txt")

    assert [e.path for e in scan(folder, Ui()).entries] == ["a.txt", "sub/again"]


@pytest.mark.parametrize(
    ("leads", "why"),
    [
        ("/etc/hostname", "leads out of the folder"),
        ("../../elsewhere", "leads out of the folder"),
        ("sub", "a link to a folder"),
        ("nothing", "leads nowhere"),
    ],
)
def test_other_links_are_refused(folder: Path, leads: str, why: str) -> None:
    (folder.parent / "elsewhere").write_text("secret")
    (folder / "link").symlink_to(leads)

    assert why in refusal(folder).why


def test_what_is_no_file_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe")

    assert "neither a file nor a folder" in refusal(folder).why


@pytest.mark.parametrize("name", [b"line\nbreak", b"not\xffutf-8"])
def test_a_name_that_others_could_not_have_is_refused(folder: Path, name: bytes) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text("")

    assert "Its name" in refusal(folder).why


def test_nothing_is_no_version(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert "no file in it" in refusal(tmp_path / "empty").why
    assert "no such file" in refusal(tmp_path / "not there").why
