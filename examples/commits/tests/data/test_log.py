"""Histories are written by strangers: whatever is in them, they are read right or refused."""

import subprocess
from pathlib import Path

import pytest

from fix_finder.data import git, log
from fix_finder.data.log import Change, Commit
from fix_finder.errors import ProjectError

from .repository import Repository, lines


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "made")


def read(repository: Repository) -> list[Commit]:
    return log.commits(repository.folder, limit=60)


def clone(repository: Repository, folder: Path, *options: str) -> Path:
    words = ["--quiet", "--bare", *options, repository.folder.as_uri(), str(folder)]
    subprocess.run(["git", "clone", *words], check=True, capture_output=True, timeout=60)
    return folder


def test_a_commit_is_told_by_its_files_and_lines(repository: Repository) -> None:
    repository.commit("Start", {"a.py": lines(3)})
    repository.commit("More\n\nThe second part.", {"a.py": lines(5), "b.py": lines(2)})
    first, second = read(repository)
    assert first.is_root
    assert not second.is_root
    assert second.subject == "More"
    assert second.seconds == repository.seconds
    assert second.changes == (
        Change("a.py", None, added=2, deleted=0, binary=False),
        Change("b.py", None, added=2, deleted=0, binary=False),
    )


@pytest.mark.parametrize(
    ("quoted", "name"),
    [
        ('"with space.py"', "with space.py"),
        ('"quote\\".py"', 'quote".py'),
        ('"two\\nlines.py"', "two\nlines.py"),
        ('"\\n1\\t2\\tlooks like a change"', "\n1\t2\tlooks like a change"),
        ('"a => b/{c => d}.py"', "a => b/{c => d}.py"),
        ("\u00e9t\u00e9.py", "\u00e9t\u00e9.py"),
        ('"not utf-8 \\377"', "not utf-8 \udcff"),
        ("--output=x", "--output=x"),
    ],
)
def test_any_name_of_a_file_is_read(repository: Repository, quoted: str, name: str) -> None:
    repository.commit("Start", {quoted: lines(1)})
    repository.commit("Again", {quoted: lines(2), "last.py": lines(1)})
    assert {change.path for change in read(repository)[1].changes} == {name, "last.py"}


def test_a_renamed_file_is_one_change_with_both_names(repository: Repository) -> None:
    repository.commit("Start", {"old.py": lines(30)})
    repository.commit("Move", {'"new\\n.py"': lines(31)}, commands="D old.py\n")
    assert read(repository)[1].changes == (Change("new\n.py", "old.py", 1, 0, binary=False),)


def test_a_binary_file_has_no_lines(repository: Repository) -> None:
    repository.commit("Start", {"a.png": b"\0\1"})
    assert read(repository)[0].changes == (Change("a.png", None, 0, 0, binary=True),)


def test_merges_are_skipped_and_counted(repository: Repository) -> None:
    repository.commit("Start", {"a.py": lines(1)})
    start = repository.git("rev-parse", "main")
    repository.commit("Here", {"b.py": lines(1)})
    repository.git("update-ref", "refs/heads/side", start)
    tree = repository.git("rev-parse", "main^{tree}")
    words = ["-c", "user.name=a", "-c", "user.email=b", "commit-tree", tree, "-m", "Merge"]
    merged = repository.git(*words, "-p", "main", "-p", "side")
    repository.git("update-ref", "refs/heads/main", merged)
    assert [commit.subject for commit in read(repository)] == ["Start", "Here"]
    assert git.merges(repository.folder, limit=60) == 1


def test_a_submodule_that_moves_is_no_changed_file(repository: Repository) -> None:
    repository.commit("Start", {"a.py": lines(1)})
    repository.commit("Move it", commands=f"M 160000 {'1' * 40} library\n")
    repository.commit("Nothing")
    assert [len(commit.changes) for commit in read(repository)] == [1, 0, 0]


def test_a_repository_without_commits_gives_none(repository: Repository) -> None:
    assert read(repository) == []
    assert git.head(repository.folder, limit=60) is None
    assert git.merges(repository.folder, limit=60) == 0


def test_a_shallow_clone_is_known(repository: Repository, tmp_path: Path) -> None:
    for number in range(3):
        repository.commit(f"Step {number}", {"a.py": lines(number + 1)})
    shallow = clone(repository, tmp_path / "shallow", "--depth=2")
    assert git.is_shallow(shallow, limit=60)
    assert not git.is_shallow(repository.folder, limit=60)
    assert [commit.is_root for commit in log.commits(shallow, limit=60)] == [True, False]


def test_what_a_partial_clone_lacks_is_said_and_not_fetched(
    repository: Repository, tmp_path: Path
) -> None:
    repository.git("config", "uploadpack.allowFilter", "true")
    repository.commit("Start", {"a.py": lines(1)})
    partial = clone(repository, tmp_path / "partial", "--filter=blob:none")
    with pytest.raises(ProjectError, match="clone it whole"):
        log.commits(partial, limit=60)
    looked_for = ["rev-list", "--objects", "--missing=print", "HEAD"]
    assert b"\n?" in git.run(partial, looked_for, limit=60)  # what was missing is missing


def test_your_own_configuration_of_git_changes_nothing(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit("Start", {"old.py": lines(30)})
    repository.commit("Move", {"new.py": lines(31)}, commands="D old.py\n")
    before = read(repository)
    settings = tmp_path / "gitconfig"
    settings.write_text("[diff]\nrenames=false\nrenameLimit=1\n[log]\nshowSignature=true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    assert read(repository) == before


def test_a_git_hook_does_not_send_it_to_another_repository(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit("Start", {"a.py": lines(1)})
    other = Repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.folder))
    assert len(read(repository)) == 1


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot read"):
        log.commits(tmp_path, limit=60)


def test_the_time_limit_is_said(repository: Repository) -> None:
    with pytest.raises(ProjectError, match=r"took more than 1e-06 seconds"):
        log.commits(repository.folder, limit=1e-6)
