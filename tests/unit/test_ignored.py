"""What .mldeployignore leaves out: just what git leaves out by the same lines."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mldeploy.ignored import ignores

NAMES = [
    *("a", "b.md", "foo/a", "foo/b.md", "foo/bar/a", "bar/foo/a.py", "bar/b.md", "docs/x/b.md"),
    *("foo.py", "docs/foo/a", "bar/bar/a", "#x", "!x", "a b/c", "x/.env", ".env", "foo/foo/bar"),
]
PATTERNS = [
    *("*", "!*.md", "foo", "!foo", "/foo", "foo/", "!foo/", "docs/", "!/docs", "**/bar", "bar/**"),
    *(
        "!bar/**",
        "*/a",
        "foo/*",
        "!foo/bar",
        "**/",
        "!**/",
        "*.py",
        "[ab]*",
        "[!a]",
        "\\#x",
        "\\!x",
    ),
    *("# a", "", "\\!x", "a b/", ".*", "doc?", "x/**/b.md", "**/foo/**"),
]


def left_out_by_git(folder: Path, lines: list[str]) -> set[str]:
    (folder / "lines").write_text("\n".join(lines) + "\n")
    command = ["git", "ls-files", "--others", "--ignored", "--exclude-from=lines", "-z"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return set(done.stdout.split("\0")) - {"", "lines"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    for name in NAMES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_dir():
            path.touch()
    return folder


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lines=st.lists(st.sampled_from(PATTERNS), max_size=5))
def test_whatever_the_lines_git_leaves_out_the_same(folder: Path, lines: list[str]) -> None:
    is_out = ignores(lines)

    files = [name for name in NAMES if (folder / name).is_file()]
    assert {name for name in files if is_out(name)} == left_out_by_git(folder, lines)


def test_a_file_in_a_folder_that_is_left_out_is_not_brought_back() -> None:
    is_out = ignores(["*", "!*.md"])

    assert not is_out("README.md")
    assert is_out("docs/README.md")
