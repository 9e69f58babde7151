"""How the command line speaks: help, completion, JSON, exit codes. No project needed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from mldeploy.cli.main import VERBS
from tests.conftest import MLDEPLOY, SETTINGS, Done

PROJECT = (
    SETTINGS
    + """\
[targets.later]
kind = "process"
port = 3001
"""
)


def mldeploy(*words: str, cwd: Path, **env: str) -> Done:
    done = subprocess.run(
        [MLDEPLOY, *words],
        cwd=cwd,
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "mldeploy.toml").write_text(PROJECT)
    return tmp_path


def test_without_words_it_helps(tmp_path: Path) -> None:
    done = mldeploy(cwd=tmp_path)

    assert done.code == 0
    assert all(f"  {verb} " in done.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(tmp_path: Path, verb: str) -> None:
    done = mldeploy(verb, "--help", cwd=tmp_path)

    assert done.code == 0
    assert "Example:" in done.stdout
    assert "--json" in done.stdout


def test_flags_work_before_and_after_the_verb(project: Path, tmp_path: Path) -> None:
    before = mldeploy("-C", str(project), "--json", "status", cwd=tmp_path)
    after = mldeploy("status", "-C", str(project), "--json", cwd=tmp_path)

    assert before.json == after.json
    assert before.json["state"] == "down"


def test_results_go_to_stdout_and_errors_as_json_too(tmp_path: Path) -> None:
    done = mldeploy("status", "--json", cwd=tmp_path)

    assert done.code == 2
    assert set(done.json["error"]) == {"code", "what", "why", "do"}
    assert done.json["error"]["code"] == "not-a-project"
    assert done.stderr == ""


def test_an_error_has_three_parts_on_stderr(tmp_path: Path) -> None:
    done = mldeploy("up", cwd=tmp_path)

    assert done.stdout == ""
    assert [line.split(":")[0].strip() for line in done.stderr.split("\n") if ":" in line] == [
        "error", "why", "do",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["staus"], "mldeploy status"),
        (["up", "locl"], "mldeploy up local"),
        (["up", "--frobnicate"], "mldeploy up --help"),
        (["logs", "-n", "many"], "mldeploy logs --help"),
        (["logs", "--since", "yesterday"], "--since 10m"),
        (["predict", "--data", "{"], "mldeploy predict"),
        (["predict", "--data", "@nowhere.json"], "@FILE"),
        (["new"], "mldeploy new --help"),
        (["completion", "tcsh"], "mldeploy completion --help"),
    ],
)
def test_wrong_usage_ends_with_2_and_the_next_command(
    project: Path, words: list[str], hint: str
) -> None:
    done = mldeploy(*words, "--json", cwd=project)

    assert done.code == 2, done.stdout + done.stderr
    assert hint in done.json["error"]["do"]


def test_debug_shows_the_traceback_and_nothing_else_does(tmp_path: Path) -> None:
    assert "Traceback" not in mldeploy("up", cwd=tmp_path).stderr
    assert "Traceback" in mldeploy("up", "--debug", cwd=tmp_path).stderr


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("mldeploy st", {"status"}),
        ("mldeploy up ", {"local", "later"}),
        ("mldeploy up la", {"later"}),
    ],
)
def test_the_shell_completes_verbs_and_targets(
    project: Path, typed: str, offered: set[str]
) -> None:
    words = typed.split(" ")
    done = mldeploy(
        cwd=project,
        _MLDEPLOY_COMPLETE="bash_complete",
        COMP_WORDS=typed,
        COMP_CWORD=str(len(words) - 1),
    )

    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(tmp_path: Path, shell: str) -> None:
    done = mldeploy("completion", shell, cwd=tmp_path)

    assert done.code == 0
    assert "_MLDEPLOY_COMPLETE" in done.stdout


def test_looking_at_a_project_where_nothing_ran(project: Path) -> None:
    assert mldeploy("history", "--json", cwd=project).json == {"target": "local", "events": []}
    assert "mldeploy up local" in mldeploy("history", cwd=project).stdout
    down = mldeploy("down", "--json", cwd=project)
    assert (down.code, down.json["removed"], down.json["left"]) == (0, [], [])
    assert (project / ".mldeploy/.gitignore").read_text() == "*\n"


def test_every_error_prints_as_json_that_can_be_read(project: Path) -> None:
    for words in (["predict"], ["logs"], ["rollback"], ["up"]):
        done = mldeploy(*words, "--json", cwd=project)
        assert done.code == 1
        error = json.loads(done.stdout)["error"]
        assert all(error[part] for part in ("code", "what", "why", "do"))
