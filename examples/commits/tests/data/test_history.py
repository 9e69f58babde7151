"""What a row knows: the change, the moment, and the past, but nothing of what came later."""

from pathlib import Path
from typing import Any

import pytest

from fix_finder.data import history, log
from fix_finder.data.source import fix_pattern

from .repository import ADA, Repository, lines

FIX = fix_pattern(("fix", "bug"))
BOB = "Bob <bob@example.org>"
ROBOT = "helper[bot] <1+helper[bot]@users.noreply.example.org>"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "made")
    made.commit("Start", {"a.py": lines(10), "b.py": lines(10)})
    made.commit("fix: a", {"a.py": lines(12)}, author=BOB)
    made.commit("Add c", {"c.py": lines(4), "a.py": lines(12, "other")}, author=BOB, days=0.5)
    return made


def rows(repository: Repository) -> list[dict[str, Any] | str]:
    return list(history.rows(log.commits(repository.folder, limit=60), FIX))


def last(repository: Repository) -> dict[str, Any]:
    row = rows(repository)[-1]
    assert isinstance(row, dict)
    return row


def test_a_row_tells_the_change_and_its_past(repository: Repository) -> None:
    assert last(repository) == {
        "time": "2023-11-17T10:13:20+00:00",
        "commit": repository.git("rev-parse", "main")[:12],
        "number": 3,
        "mostly": "code",
        "files": 2,
        "code_files": 2,
        "test_files": 0,
        "docs_files": 0,
        "config_files": 0,
        "new_files": 1,
        "renamed_files": 0,
        "binary_files": 0,
        "directories": 1,
        "added": 16,
        "deleted": 12,
        "hour": 10,
        "weekday": "friday",
        "days_since_commit": 0.5,
        "recent_fixes": 1,
        "author_commits": 1,
        "days_since_change": 0.5,
        "changes_before": 2.0,  # of a.py: c.py is new
        "fixes_before": 1.0,
        "is_fix": False,
    }


def test_a_later_commit_changes_no_earlier_row(repository: Repository) -> None:
    before = rows(repository)
    repository.commit("fix everything", {"a.py": b"", "b.py": b"", "c.py": b""})
    repository.commit("Move", {"d.py": lines(4)}, commands="D b.py\n", author=BOB)
    assert rows(repository)[: len(before)] == before


def test_the_words_of_a_message_change_only_the_answer(repository: Repository) -> None:
    told = []
    for word, folder in (("bug", "x"), ("add", "y")):
        other = Repository(repository.folder.parent / folder)
        other.commit("Start", {"a.py": lines(1)})
        other.commit(f"{word} in a", {"a.py": lines(2)})
        told.append(last(other) | {"commit": ""})
    assert told[0] == told[1] | {"is_fix": True}


def test_a_renamed_file_keeps_its_past(repository: Repository) -> None:
    repository.commit("Move", {"new.py": lines(13, "other")}, commands="D a.py\n")
    moved = last(repository)
    assert (moved["new_files"], moved["renamed_files"], moved["changes_before"]) == (0, 1, 3.0)
    repository.commit("Again", {"new.py": lines(14, "other")})
    assert last(repository)["changes_before"] == 4.0


def test_files_that_are_all_new_have_no_past(repository: Repository) -> None:
    repository.commit("Add d", {"d.py": lines(1)})
    row = last(repository)
    assert row["new_files"] == row["files"] == 1
    assert row["days_since_change"] is row["changes_before"] is row["fixes_before"] is None


def test_a_commit_that_is_no_row_says_why(repository: Repository) -> None:
    repository.commit("Nothing")
    repository.commit("fix: by machine", {"a.py": lines(1)}, author=ROBOT)
    assert [row for row in rows(repository) if isinstance(row, str)] == [
        "without_parent",
        "without_files",
        "by_bots",
    ]
    repository.commit("Add", {"a.py": lines(2)})
    assert last(repository)["fixes_before"] == 2.0  # the past remembers the machine's too


def test_a_commit_with_an_impossible_time_is_no_row(repository: Repository) -> None:
    repository.seconds = -1_000_000_000
    repository.commit("Before git", {"a.py": lines(1)}, days=0.0)
    assert rows(repository)[0] == "without_time"


@pytest.mark.parametrize(
    ("subject", "answer"),
    [
        ("fix: empty files", True),
        ("Fix the total", True),
        ("A BUG in orders (#12)", True),
        ("Add a prefix", False),
        ("Debugging made easier", False),
        ("Fixture for the tests", False),
    ],
)
def test_the_answer_is_read_from_whole_words(
    repository: Repository, subject: str, answer: bool
) -> None:
    repository.commit(subject, {"a.py": lines(1)}, author=ADA)
    assert last(repository)["is_fix"] is answer
