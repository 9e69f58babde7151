"""What FloydHub took of a folder beside what a job gets of it, before anything is written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mldeploy.floyd import code
from mldeploy.jobs.code import is_wanted

FILES = [
    *("train.py", "a.pyc", "lib/x.py", "src/lib/y.py", "data/one.csv", "src/data/two.csv", "notes"),
    *("src/notes/a.md", ".env", "var", "README.md", "docs/README.md"),
]
LINES = [
    "*.py",
    "/data",
    "data/",
    "src/*",
    "*",
    "!*.md",
    "!src",
    "!data",
    "notes",
    "**/x.py",
    "[^a]*",
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_without_a_floydignore_that_of_init_is_meant_and_nothing_is_written(tree: Path) -> None:
    sent, text, warnings = code.compare(tree)

    assert (text, warnings) == (None, [])
    assert "lib/x.py" in sent.only_job
    assert sent.only_floyd == (".env",)


def test_its_own_file_makes_the_two_alike_but_for_what_is_never_sent(tree: Path) -> None:
    (tree / ".floydignore").write_text("lib\n*.pyc\nvar\n")

    sent, text, _ = code.compare(tree)

    assert text == code.HEAD + "lib\n*.pyc\nvar\n"
    assert (sent.only_floyd, sent.only_job) == ((".env",), ())
    assert sent.floyd == sent.job + 1
    assert not (tree / ".mldeployignore").exists()


def test_what_git_ignores_is_told_to_be_missing(tree: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)
    (tree / ".gitignore").write_text("data\n")

    sent, _, _ = code.compare(tree)

    assert {"data/one.csv", "src/data/two.csv"} <= set(sent.only_floyd)


def test_a_file_of_ours_that_is_there_is_what_counts(tree: Path) -> None:
    (tree / ".floydignore").write_text("lib\n")
    (tree / ".mldeployignore").write_text("*.md\n")

    sent, text, warnings = code.compare(tree)

    assert text is None
    assert "left as it is" in warnings[0]
    assert {"README.md", "docs/README.md"} <= set(sent.only_floyd)
    assert {"lib/x.py", "src/lib/y.py"} <= set(sent.only_job)


def test_a_line_that_never_matched_is_said(tree: Path) -> None:
    (tree / ".floydignore").write_text("../data\n")

    assert code.compare(tree)[2] == [".floydignore: '../data' matched nothing"]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lines=st.lists(st.sampled_from(LINES), max_size=4))
def test_whatever_it_says_a_job_gets_just_what_floydhub_took(tree: Path, lines: list[str]) -> None:
    (tree / ".floydignore").write_text("\n".join(lines) + "\n")

    sent, _, _ = code.compare(tree)

    assert sent.only_job == ()
    assert not any(map(is_wanted, sent.only_floyd))
