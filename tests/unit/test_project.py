"""The project's folder: found from below, its git state, the files of a release's code."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mldeploy import project
from mldeploy.errors import ConfigError, FailedError
from tests.conftest import SETTINGS


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "mldeploy.toml").write_text(SETTINGS)
    (tmp_path / "src/a").mkdir(parents=True)
    (tmp_path / "src/a/service.py").write_text("class A: ...\n")
    (tmp_path / "params.toml").write_text("")
    (tmp_path / ".gitignore").write_text("*.secret\n__pycache__/\n")
    return tmp_path


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, timeout=30)


def commit(root: Path) -> None:
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")


def test_a_project_is_found_from_any_folder_in_it(root: Path) -> None:
    assert project.find(root / "src/a").root == root.resolve()


def test_outside_a_project_the_error_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        project.find(tmp_path)

    assert "mldeploy new" in caught.value.do


def test_without_git_there_is_no_commit(root: Path) -> None:
    assert project.git_state(root) == project.GitState(commit=None, dirty=True)


def test_a_clean_tree_is_clean_and_a_changed_one_is_not(root: Path) -> None:
    commit(root)
    assert project.git_state(root).dirty is False

    (root / "src/a/new.py").write_text("")

    assert project.git_state(root).dirty is True


def test_what_is_no_part_of_a_release_does_not_make_it_dirty(root: Path) -> None:
    commit(root)

    (root / "README.md").write_text("new")
    (root / "mldeploy.toml").write_text(SETTINGS + "port = 3001\n")

    assert project.git_state(root).dirty is False


@pytest.mark.parametrize("in_git", [True, False])
def test_the_code_is_what_git_has_or_would_take(root: Path, in_git: bool) -> None:
    (root / "src/a/__pycache__").mkdir()
    (root / "src/a/__pycache__/service.pyc").write_text("")
    if in_git:
        commit(root)
        (root / "src/a/key.secret").write_text("")
    (root / "src/a/later.py").write_text("")
    (root / "notes.txt").write_text("")

    names = [path.as_posix() for path in project.code_files(project.find(root))]

    assert names == ["params.toml", "src/a/later.py", "src/a/service.py"]


def test_a_deleted_file_is_no_part_of_the_code(root: Path) -> None:
    commit(root)
    (root / "params.toml").unlink()

    assert project.code_files(project.find(root)) == [Path("src/a/service.py")]


def test_a_project_without_lock_says_how_to_make_one(root: Path) -> None:
    with pytest.raises(FailedError) as caught:
        project.locked_requirements(project.find(root))

    assert caught.value.code == "no-lock"
