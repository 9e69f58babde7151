"""`mldeploy data`, as it is typed: what it prints, what it asks, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mldeploy.cli.main import run
from tests.conftest import SETTINGS
from tests.data.contract import read, write


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    write(root / "images", {"a.txt": b"one", "b.txt": b"two"})
    (root / "mldeploy.toml").write_text(SETTINGS)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.chdir(root)
    return root


Said = pytest.CaptureFixture[str]


def typed(capsys: Said, *words: str) -> tuple[int, str, str]:
    code = run(["data", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_push_says_the_version_and_where_it_is(capsys: Said) -> None:
    code, out, err = typed(capsys, "push", "images", "-m", "first two")

    assert (code, out) == (0, "images/1  2 files, 6 bytes, on this machine\n")
    assert "send 2 files" in err


def test_the_same_again_says_that_nothing_was_sent(capsys: Said) -> None:
    typed(capsys, "push", "images")

    code, out, _ = typed(capsys, "push", "images")

    assert code == 0
    assert "nothing was sent" in out


def test_json_has_what_scripts_rely_on(capsys: Said) -> None:
    pushed = json.loads(typed(capsys, "push", "images", "--name", "x", "--json")[1])
    listed = json.loads(typed(capsys, "ls", "--json")[1])

    assert pushed | {"name": "x", "version": 1, "files": 2, "bytes": 6} == pushed
    assert (pushed["sent_bytes"], pushed["already"], pushed["where"]) == (6, False, "local")
    keys = {"name", "version", "files", "bytes", "made_at", "made_by", "message", "where"}
    assert keys <= listed["versions"][0].keys()


def test_a_list_has_every_version_and_its_message(capsys: Said, project: Path) -> None:
    typed(capsys, "push", "images", "-m", "first two")
    (project / "images" / "c.txt").write_text("three")
    typed(capsys, "push", "images", "-m", "and a third")
    typed(capsys, "push", "images/a.txt", "--name", "other")

    _, out, _ = typed(capsys, "ls", "images")

    assert [line.split()[:3] for line in out.splitlines()[1:]] == [
        ["images", "1", "2"],
        ["images", "2", "3"],
    ]
    assert out.splitlines()[2].endswith("and a third")


def test_where_nothing_is_that_is_said_with_what_to_type(capsys: Said) -> None:
    code, out, _ = typed(capsys, "ls")

    assert code == 0
    assert "mldeploy data push" in out


def test_a_pull_overwrites_nothing_unless_told_so(capsys: Said, project: Path) -> None:
    typed(capsys, "push", "images")
    write(project / "images", {"mine.txt": b"my work"})

    refused = typed(capsys, "pull", "images")
    assert refused[0] == 3
    assert "--force" in refused[2]
    assert (project / "images" / "mine.txt").exists()

    assert typed(capsys, "pull", "images", "--force")[0] == 0
    assert read(project / "images") == {"a.txt": b"one", "b.txt": b"two"}


def test_a_pull_with_force_replaces_no_link_and_not_the_folder_one_is_in(
    capsys: Said, project: Path, tmp_path: Path
) -> None:
    typed(capsys, "push", "images")
    (project / "link").symlink_to(tmp_path)

    assert typed(capsys, "pull", "images", "link", "--force")[0] == 3
    assert typed(capsys, "pull", "images", ".", "--force")[0] == 3
    assert (project / "mldeploy.toml").exists()


def test_a_removal_is_not_done_without_a_yes(capsys: Said) -> None:
    typed(capsys, "push", "images")

    code, _, err = typed(capsys, "rm", "images/1")
    assert code == 3
    assert "--yes" in err
    assert typed(capsys, "pull", "images", "still-there")[0] == 0

    code, out, _ = typed(capsys, "rm", "images/1", "--yes")
    assert (code, out) == (0, "removed  images/1 on this machine; 6 bytes are free\n")
    assert typed(capsys, "pull", "images", "gone")[0] == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("push", "nothing-here"), "no such file"),
        (("push", "images", "--to", "s3"), "no table [data]"),
        (("push", "images", "--to", "bxo"), "no target called"),
        (("push", "images", "--name", "Not A Name"), "names no version"),
        (("pull", "images/7"), "nothing of that name"),
        (("rm", "images"), "which version"),
        (("rm", "../x/1"), "names no version"),
    ],
)
def test_what_can_t_be_is_refused_with_what_to_do(
    capsys: Said, words: tuple[str, ...], told: str
) -> None:
    code, _, err = typed(capsys, *words)

    assert code == 2
    assert told in err
    assert "do: " in err


@pytest.mark.parametrize("verb", ["push", "ls", "pull", "rm"])
def test_every_verb_has_an_example(capsys: Said, verb: str) -> None:
    assert f"mldeploy data {verb}" in typed(capsys, verb, "--help")[1]
