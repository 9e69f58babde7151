"""`mldeploy new`: a project that is whole, or an error that says what is there and how to go on."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT, MLDEPLOY, Done, until

pytestmark = pytest.mark.slow


def new(*words: str, cwd: Path, **env: str) -> Done:
    done = subprocess.run(
        [MLDEPLOY, "new", *words],
        cwd=cwd,
        env=os.environ | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def git(project: Path, *words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=project, capture_output=True, text=True, check=True, timeout=30
    ).stdout.strip()


def test_a_folder_with_something_in_it_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/file").write_text("mine")

    done = new("taken", "--defaults", "--json", cwd=tmp_path)

    assert done.code == 2
    assert done.json["error"]["code"] == "not-empty"
    assert [p.name for p in (tmp_path / "taken").iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["ok", "--data", "nope"], "data_source"),
        (["class"], "word of the Python language"),
        (["mlflow"], "package_name"),
    ],
)
def test_a_refused_answer_leaves_nothing(tmp_path: Path, words: list[str], reason: str) -> None:
    done = new(*words, "--defaults", "--json", cwd=tmp_path)

    assert done.code == 2
    assert done.json["error"]["code"] == "bad-answer"
    assert reason in done.json["error"]["why"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--target", "price"], "half-a-table"),
        (["--csv", "houses.csv"], "half-a-table"),
        (["--csv", "houses.csv", "--target", "price", "--data", "functions"], "two-sources"),
        (["--csv", "nowhere.csv", "--target", "price"], "no-table"),
        (["--csv", "houses.csv", "--target", "prize"], "no-such-column"),
        (["--csv", ".", "--target", "price"], "no-table"),
    ],
)
def test_a_table_that_cannot_be_is_refused_before_anything_is_made(
    tmp_path: Path, words: list[str], code: str
) -> None:
    (tmp_path / "houses.csv").write_text("size,price\n1,2\n")

    done = new("ok", *words, "--defaults", "--json", cwd=tmp_path)

    assert done.code == 2
    assert done.json["error"]["code"] == code
    assert [path.name for path in tmp_path.iterdir()] == ["houses.csv"]


@pytest.mark.parametrize("template", ["/nowhere/at/all", "{tmp}/empty"])
def test_a_template_that_is_none_is_named(tmp_path: Path, template: str) -> None:
    (tmp_path / "empty").mkdir()
    template = template.format(tmp=tmp_path)

    done = new("ok", "--defaults", "--json", "--template", template, cwd=tmp_path)

    assert done.code == 1, done.stderr
    assert done.json["error"]["code"] == "template-unusable"
    assert not (tmp_path / "ok").exists()


def test_a_ref_that_is_none_is_named(tmp_path: Path) -> None:
    done = new("ok", "--defaults", "--json", "--ref", "v99.9", cwd=tmp_path)

    assert done.code == 1
    error = done.json["error"]
    assert error["code"] == "template-unusable"
    assert "v99.9" in error["why"] + error["detail"]
    assert not (tmp_path / "ok").exists()


def test_without_git_nothing_is_written(tmp_path: Path) -> None:
    only_python = tmp_path / "bin"
    only_python.mkdir()

    done = new("ok", "--defaults", "--json", cwd=tmp_path, PATH=str(only_python))

    assert done.code == 1
    assert done.json["error"]["code"] == "no-git"
    assert not (tmp_path / "ok").exists()


def test_a_failure_half_way_says_what_is_there_and_how_to_go_on(tmp_path: Path) -> None:
    """uv without network and cache can't lock: a real failure in the middle."""
    offline = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cache")}

    done = new("ok", "--defaults", "--json", cwd=tmp_path, **offline)

    assert done.code == 1
    error = done.json["error"]
    assert error["code"] == "new-unfinished"
    assert "not done: lock, install, commit" in error["why"]
    assert error["do"].startswith(f"cd {tmp_path / 'ok'} && uv lock && uv sync && git add")
    assert (tmp_path / "ok/pyproject.toml").exists()


@pytest.mark.slow
def test_a_failure_before_the_table_says_how_it_is_taken_in(tmp_path: Path) -> None:
    (tmp_path / "house prices.csv").write_text("size,price\n1,2\n")
    offline = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cache")}
    words = ["--csv", "house prices.csv", "--target", "price", "--defaults", "--json"]

    done = new("ok", *words, cwd=tmp_path, **offline)

    assert done.code == 1
    error = done.json["error"]
    assert "not done: lock, install, inspect, commit" in error["why"]
    look = f"uv run python -m ok inspect '{tmp_path}/house prices.csv' --target price --write"
    assert f"uv sync && {look} && git add" in error["do"]


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(300)
def test_ctrl_c_says_what_is_there_and_how_to_go_on(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [MLDEPLOY, "new", "ok", "--defaults"],
        cwd=tmp_path,
        env=os.environ | {"UV_CACHE_DIR": str(tmp_path / "cache")},  # so that locking takes a while
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    stderr = process.stderr
    until(lambda: "lock the dependencies" in stderr.readline(), seconds=60)

    os.killpg(process.pid, 2)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "uv lock && uv sync" in said
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(300)
def test_a_new_project_is_committed_and_clean(trained: Path) -> None:
    assert git(trained, "rev-list", "--count", "HEAD") == "1"
    # Training wrote the model card and its pictures, which are for the next commit; nothing else.
    assert git(trained, "status", "--porcelain").splitlines() == ["?? MODEL_CARD.md", "?? docs/"]
    assert git(trained, "branch", "--show-current") == "main"
    tracked = git(trained, "ls-files").splitlines()
    assert "uv.lock" in tracked
    assert [name for name in tracked if name.endswith((".csv", ".db", ".skops"))] == []


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(300)
def test_the_first_commit_needs_no_git_identity(tmp_path: Path) -> None:
    config = tmp_path / "gitconfig"
    config.write_text("")

    done = new("ok", "--defaults", cwd=tmp_path, GIT_CONFIG_GLOBAL=str(config))

    assert done.code == 0, done.stderr
    assert git(tmp_path / "ok", "rev-list", "--count", "HEAD") == "1"


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(300)
def test_on_a_terminal_it_asks_and_takes_the_answers(tmp_path: Path) -> None:
    """A person at a real terminal presses Enter at every question but the first."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [MLDEPLOY, "new", "asked"],
        cwd=tmp_path,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    os.set_blocking(leader, False)
    seen = b""
    deadline = time.monotonic() + 200
    pressed = 0.0
    while process.poll() is None and time.monotonic() < deadline:
        try:
            seen += os.read(leader, 65536)
        except BlockingIOError:
            if time.monotonic() - pressed > 1:
                os.write(leader, b"\r")
                pressed = time.monotonic()
            time.sleep(0.05)
        except OSError:
            break
    process.wait(timeout=60)
    os.close(leader)

    assert process.returncode == 0, seen.decode(errors="replace")[-3000:]
    answers = (tmp_path / "asked/.copier-answers.yml").read_text()
    assert "project_name: Asked" in answers
    assert git(tmp_path / "asked", "status", "--porcelain") == ""


def test_the_template_is_the_checkout_it_is_installed_from() -> None:
    from mldeploy.scaffold import source_of

    source = source_of(None, None)

    assert Path(source.address) == CHECKOUT
    assert source.is_checkout


def test_a_relative_template_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copier stores it as given, and a relative one breaks every later update."""
    from mldeploy.scaffold import source_of

    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)

    assert source_of("mine", "v1").address == str(tmp_path / "mine")
    assert source_of("https://example.invalid/t.git", None).address.startswith("https://")
