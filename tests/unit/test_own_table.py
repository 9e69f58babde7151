"""A table is looked at before a project is made of it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from mldeploy import own_table
from mldeploy.errors import ConfigError, FailedError
from mldeploy.own_table import OwnTable
from mldeploy.programs import ProgramError

TEXT = "Nr;Wohnfläche (m²);Preis (€)\n1;80,5;200\n2;90,5;300\n"


def table(tmp_path: Path, content: bytes, target: str = "Preis (€)") -> OwnTable:
    path = tmp_path / "houses.csv"
    path.write_bytes(content)
    return OwnTable(str(path), target)


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.encode("cp1252"),
        gzip.compress(TEXT.encode(), mtime=0),
        b"Export of May\n\n" + TEXT.encode(),
        TEXT.replace(";", "\t").encode(),
        TEXT.replace("\n", "\r\n").encode(),
    ],
)
def test_a_table_with_the_column_passes(tmp_path: Path, content: bytes) -> None:
    own_table.check(table(tmp_path, content))


@pytest.mark.parametrize("target", ["preis", "PREIS (€)", "Preis", "column 3"])
def test_the_column_may_be_named_as_the_project_names_it(tmp_path: Path, target: str) -> None:
    own_table.check(table(tmp_path, TEXT.encode(), target))


def test_a_column_that_is_not_there_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        own_table.check(table(tmp_path, TEXT.encode(), "Preise (€)"))
    assert error.value.code == "no-such-column"
    assert "'Preis (€)'" in error.value.do


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty-table"),
        (b"\n\n", "empty-table"),
        (gzip.compress(TEXT.encode(), mtime=0)[:20], "unreadable-table"),
        (b"PK\x03\x04" + bytes(100), "no-text"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    with pytest.raises(ConfigError) as error:
        own_table.check(table(tmp_path, content))
    assert error.value.code == code


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder"):
        own_table.check(OwnTable(str(tmp_path), "a"))
    with pytest.raises(ConfigError, match="There is no file"):
        own_table.check(OwnTable(str(tmp_path / "nowhere.csv"), "a"))


def test_an_address_is_left_to_the_project() -> None:
    address = OwnTable("https://example.invalid/houses.csv?raw=1", "price")
    own_table.check(address)
    assert address.place == address.file
    assert address.name == "houses.csv"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose interpreter answers as the file `answer` says."""
    (tmp_path / "mldeploy.toml").write_text(
        '[project]\nname = "a"\nservice = "a.service:A"\nmodel = "a@champion"\n'
        '[targets.local]\nkind = "process"\n'
    )
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@" > asked\ncat answer\nexit $(cat code)\n')
    python.chmod(0o755)
    (tmp_path / "code").write_text("0")
    return tmp_path


def test_what_the_project_finds_is_taken_over(project: Path) -> None:
    uses = ["yes", "days before time", "label", "answer", "no: always the same"]
    told = {"task": "regression", "rows": 900, "group": "town", "time": None}
    (project / "answer").write_text(json.dumps(told | {"columns": [{"use": use} for use in uses]}))
    found = own_table.look(project, "pkg", OwnTable("/data/h.csv", "price"), write=True)
    assert found == own_table.Proposal("regression", 900, 2, "town", None)
    asked = (project / "asked").read_text().split()
    assert asked[:4] == ["-m", "pkg", "inspect", "/data/h.csv"]
    assert asked[4:] == ["--target", "price", "--json", "--write"]


def test_a_refusal_of_the_project_keeps_its_words(project: Path) -> None:
    error = {"what": "price never changes.", "why": "It is 5.", "do": "Name another column"}
    (project / "answer").write_text(json.dumps({"error": error}))
    (project / "code").write_text("1")
    with pytest.raises(FailedError) as refused:
        own_table.look(project, "pkg", OwnTable("h.csv", "price"), write=False)
    assert refused.value.code == "table-refused"
    assert refused.value.as_dict() == {"code": "table-refused"} | error


def test_a_crash_of_the_project_is_said_to_be_one(project: Path) -> None:
    (project / "answer").write_text("Traceback: something\n")
    (project / "code").write_text("1")
    with pytest.raises(ProgramError):
        own_table.look(project, "pkg", OwnTable("h.csv", "price"), write=False)
