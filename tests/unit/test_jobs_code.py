"""The code of a job: which files of a folder are sent, what is said of the others."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mldeploy.errors import FailedError
from mldeploy.jobs.code import Code, CodeFile, collect, digest, is_wanted, warning


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    write(root, "train.py", "lib/model.py")
    return root


@pytest.fixture
def repository(folder: Path) -> Path:
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    commit(folder)
    return folder


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, timeout=30)


def commit(folder: Path) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.invalid", "-c", "commit.gpgsign=false"]
    git(folder, *who, "commit", "-q", "-m", "Start")


def write(root: Path, *names: str, text: str = "text") -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def names(root: Path) -> list[str]:
    return [file.name for file in collect(root).files]


def skipped(root: Path) -> dict[str, str]:
    return {each.name: each.why for each in collect(root).skipped}


def test_what_git_has_and_what_it_would_take_is_sent(repository: Path) -> None:
    write(repository, "new.py", "out/model.bin")
    (repository / ".gitignore").write_text("out/\n")

    assert names(repository) == [".gitignore", "lib/model.py", "new.py", "train.py"]


def test_a_project_in_a_folder_of_a_repository_has_names_of_its_own(repository: Path) -> None:
    write(repository, "work/a/train.py", "work/b/train.py")
    git(repository, "add", "-A")

    assert names(repository / "work" / "a") == ["train.py"]


def test_a_project_that_the_repository_around_it_ignores_is_sent_all_the_same(
    repository: Path,
) -> None:
    (repository / ".gitignore").write_text("mine/\n")
    write(repository, "mine/train.py")

    assert names(repository / "mine") == ["train.py"]


def test_a_tracked_file_that_was_deleted_is_left_out_without_a_word(repository: Path) -> None:
    (repository / "train.py").unlink()

    code = collect(repository)

    assert ([f.name for f in code.files], code.skipped) == (["lib/model.py"], ())


@pytest.mark.parametrize("with_git", [False, True])
def test_junk_and_secrets_stay_here_with_git_and_without(with_git: bool, folder: Path) -> None:
    if with_git:
        git(folder, "init", "-q")
    folders = [".venv/bin/python", "mlruns/0/meta.yaml", "a/node_modules/b.js", "lib/.env"]
    write(folder, *folders, ".mldeploy/x", "mlflow.db", "mlflow.db-journal", "a/b.pyc")

    assert names(folder) == ["lib/model.py", "train.py"]


def test_what_is_tracked_is_sent_whatever_its_name(repository: Path) -> None:
    write(repository, ".env")
    git(repository, "add", "-f", ".env")

    assert ".env" in names(repository)


def test_mldeployignore_reads_like_gitignore(repository: Path) -> None:
    write(repository, "data/a.csv", "data/keep.csv", "notes.txt", "lib/notes.txt")
    (repository / ".mldeployignore").write_text("# large\n/data/*\n!/data/keep.csv\nnotes.txt\n")

    assert names(repository) == [".mldeployignore", "data/keep.csv", "lib/model.py", "train.py"]


def test_a_copy_of_code_is_taken_whole(folder: Path) -> None:
    write(folder, ".env", "lib/out.txt")
    (folder / ".mldeployignore").write_text("out.txt\n")

    code = collect(folder, whole=True)

    assert [file.name for file in code.files] == sorted(
        [".env", ".mldeployignore", "lib/model.py", "lib/out.txt", "train.py"]
    )


def test_links_to_files_are_followed_inside_and_others_are_told(
    repository: Path, tmp_path: Path
) -> None:
    write(tmp_path, "outside.txt")
    for name, to in (
        ("inside.py", "lib/model.py"),
        ("folder", "lib"),
        ("outside", "../outside.txt"),
        ("nowhere", "nothing"),
        ("circle", "circle"),
    ):
        (repository / name).symlink_to(to)

    assert names(repository) == ["inside.py", "lib/model.py", "train.py"]
    assert skipped(repository) == {
        "folder": "it leads to a folder",
        "outside": "it leads out of the project",
        "nowhere": "it leads nowhere",
        "circle": "it leads nowhere",
    }


def test_links_are_told_of_without_git_too(folder: Path) -> None:
    (folder / "linked").symlink_to("lib")

    assert skipped(folder) == {"linked": "it leads to a folder"}


def test_a_repository_in_the_project_is_told(repository: Path) -> None:
    write(repository, "inner/a.py")
    git(repository / "inner", "init", "-q")
    git(repository / "inner", "add", "-A")
    commit(repository / "inner")
    git(repository, "-c", "advice.addEmbeddedRepo=false", "add", "inner")

    assert names(repository) == ["lib/model.py", "train.py"]
    assert skipped(repository) == {"inner": "it is a repository of its own"}


def test_a_socket_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)  # the whole path may be longer than a socket's may be
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("door")

        assert skipped(folder) == {"door": "it is no file"}


def test_a_name_that_a_list_of_names_can_not_hold_is_told(folder: Path) -> None:
    write(folder, "two\nlines.py", "ends ")

    assert names(folder) == ["lib/model.py", "train.py"]
    assert set(skipped(folder)) == {"two\nlines.py", "ends "}


def test_a_name_with_spaces_and_accents_is_sent(repository: Path) -> None:
    write(repository, "my data/zoé  übung.py")

    assert "my data/zoé  übung.py" in names(repository)


def test_a_file_that_can_not_be_read_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:  # not by its rights: root may read all
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("hashlib.file_digest", refuse)

    with pytest.raises(FailedError, match=r"lib/model\.py") as caught:
        collect(folder)
    assert "chmod" in caught.value.do


def test_a_folder_without_a_file_to_send_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FailedError) as caught:
        collect(tmp_path)

    assert caught.value.code == "no-code"


# Its digest


def test_the_same_code_elsewhere_has_the_same_digest(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "copy", "lib/model.py", "train.py")

    assert collect(folder).digest == collect(tmp_path / "copy").digest


@pytest.mark.parametrize("change", ["content", "name", "executable", "more"])
def test_what_changes_the_code_changes_its_digest(change: str, folder: Path) -> None:
    before = collect(folder).digest
    file = folder / "train.py"
    match change:
        case "content":
            file.write_text("another")
        case "name":
            file.rename(folder / "learn.py")
        case "executable":
            file.chmod(0o755)
        case "more":
            write(folder, "empty.py", text="")

    assert collect(folder).digest != before


FILES = st.lists(
    st.builds(
        CodeFile,
        name=st.text(st.characters(categories=["L", "P"]), min_size=1, max_size=5),
        path=st.just(Path("/x")),
        bytes=st.integers(0, 9),
        executable=st.booleans(),
        digest=st.sampled_from(["aa", "bb"]),
    ),
    max_size=6,
    unique_by=lambda each: each.name,
)


@given(FILES, st.randoms())
def test_the_order_of_files_does_not_matter(files: list[CodeFile], random: object) -> None:
    shuffled = sorted(files, key=lambda _: random.random())  # type: ignore[attr-defined]

    assert digest(shuffled) == digest(files)


@given(FILES, FILES)
def test_other_files_have_another_digest(one: list[CodeFile], two: list[CodeFile]) -> None:
    def parts(files: list[CodeFile]) -> set[tuple[str, bool, str]]:
        return {(f.name, f.executable, f.digest) for f in files}

    assert (digest(one) == digest(two)) == (parts(one) == parts(two))


# What is said of large code


def code_of(**megabytes: float) -> Code:
    files = tuple(
        CodeFile(name, Path(name), int(size * 1e6), False, "") for name, size in megabytes.items()
    )
    return Code(Path(), files, sum(each.bytes for each in files), "")


def test_code_of_usual_size_is_not_spoken_of() -> None:
    assert warning(code_of(a=50.0)) == []


def test_large_code_names_its_five_largest_files_and_what_to_do() -> None:
    said = warning(code_of(a=1, b=40, c=3, d=2, e=20, f=5, g=0.1))

    assert said[0] == "The code is 71.1 MB. The largest files of it:"
    assert [line.split() for line in said[1:6]] == [
        ["40.0", "MB", "b"],
        ["20.0", "MB", "e"],
        ["5.0", "MB", "f"],
        ["3.0", "MB", "c"],
        ["2.0", "MB", "d"],
    ]
    assert ".mldeployignore" in said[6]
    assert "mldeploy data push" in said[7]


def test_junk_is_known_in_any_folder() -> None:
    assert is_wanted("src/venture.py")
    assert not is_wanted("work/.venv/lib/a.py")
    assert not is_wanted("a/b.pyc")
