"""`mldeploy import`: a FloydHub project by typing, from its files to a task that runs."""

from __future__ import annotations

import os
import pty
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.cli.test_words import mldeploy
from tests.conftest import MLDEPLOY, SETTINGS

pytestmark = pytest.mark.slow

FLOYD_YML = """\
env: pytorch-1.4
task:
  train:
    machine: gpu
    input:
      - source: foo/datasets/mnist/1
        destination: mnist
    max_runtime: 90
    command: python train.py
  serve:
    mode: serve
"""
FILES = {
    "floyd.yml": FLOYD_YML,
    ".floydexpt": '{"name": "Quick Start", "namespace": "foo", "family_id": "1"}',
    ".floydignore": ".git\n*.pyc\n!keep.pyc\n",
    "floyd_requirements.txt": "numpy\n",
    "train.py": "print('trained')\n",
    "lib/x.pyc": "",
    "keep.pyc": "",
    "images/one.txt": "1",
    ".gitignore": "images\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def test_a_project_is_taken_over_whole(project: Path) -> None:
    done = mldeploy("import", "floyd.yml", cwd=project)

    assert done.code == 0, done.stderr
    made = tomllib.loads((project / "mldeploy.toml").read_text())
    assert made["project"] == {"name": "quick-start"}
    assert list(made["jobs"]) == ["train"]
    assert made["jobs"]["train"]["data"] == ["?foo/datasets/mnist/1:/floyd/input/mnist"]
    assert made["jobs"]["train"]["requirements"] == "floyd_requirements.txt"
    assert "*.pyc\n!keep.pyc\n" in (project / ".mldeployignore").read_text().replace(".git\n", "")
    for words in (
        'max_runtime = "2m"  (rounded up',
        "serve: not taken over",
        "docs/serving.md",
        "FloydHub took 8 files, a job gets 6",
        "images/one.txt, keep.pyc",
        "write where foo/datasets/mnist/1 is",
    ):
        assert words in done.stdout


def test_what_was_imported_is_a_project_that_says_it_serves_nothing(project: Path) -> None:
    mldeploy("import", "floyd.yml", cwd=project)

    up = mldeploy("up", "local", "--json", cwd=project)
    plan = mldeploy("plan", "local", "--json", cwd=project)
    doctor = mldeploy("doctor", "local", "--json", cwd=project)

    assert up.json["error"]["code"] == plan.json["error"]["code"] == "nothing-to-serve"
    assert "runs jobs: train" in doctor.stdout
    assert doctor.code == 0


def test_a_job_whose_data_nobody_has_found_yet_is_not_run(project: Path) -> None:
    mldeploy("import", "floyd.yml", cwd=project)

    done = mldeploy("run", "--task", "train", "--on", "local", "--json", cwd=project)

    assert done.code == 2
    assert "foo/datasets/mnist/1" in done.json["error"]["what"]


def test_a_second_time_nothing_changes(project: Path) -> None:
    mldeploy("import", "floyd.yml", cwd=project)
    before = {path: path.read_bytes() for path in project.iterdir() if path.is_file()}

    done = mldeploy("import", "floyd.yml", "--json", cwd=project)

    assert (done.json["written"], done.json["added"], done.json["kept"]) == ([], [], [])
    assert {path: path.read_bytes() for path in project.iterdir() if path.is_file()} == before


def test_a_dry_run_shows_both_files_and_writes_none(project: Path) -> None:
    done = mldeploy("import", "--dry-run", cwd=project)

    assert "[jobs.train]" in done.stdout
    assert "!keep.pyc" in done.stdout
    assert not (project / "mldeploy.toml").exists()
    assert not (project / ".mldeployignore").exists()


def test_a_project_of_ours_gets_the_tables_and_keeps_the_rest(project: Path) -> None:
    (project / "mldeploy.toml").write_text(SETTINGS)
    (project / ".mldeployignore").write_text("mine\n")

    done = mldeploy("import", "floyd.yml", "--on", "local", cwd=project)

    text = (project / "mldeploy.toml").read_text()
    assert text.startswith(SETTINGS)
    assert tomllib.loads(text)["jobs"]["train"]["on"] == "local"
    assert (project / ".mldeployignore").read_text() == "mine\n"
    assert "it is left as it is" in done.stdout


def test_data_is_where_a_person_says(project: Path) -> None:
    now = ["--data", "foo/datasets/mnist/1=images"]

    done = mldeploy("import", "floyd.yml", *now, "--json", cwd=project)

    assert done.json["unknown_data"] == []
    assert "./images:/floyd/input/mnist" in (project / "mldeploy.toml").read_text()


def test_at_a_terminal_it_asks_where_the_data_is_until_it_can_be(project: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [MLDEPLOY, "import", "floyd.yml"], cwd=project, stdin=theirs, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"NO_COLOR": "1"},
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, b"No such name\nmnist/1\n")
    _, said = process.communicate(timeout=50)
    os.close(ours)

    assert process.returncode == 0, said
    assert "foo/datasets/mnist/1, at /floyd/input/mnist, was on FloydHub" in said
    assert "is no source" in said
    assert '"mnist/1:/floyd/input/mnist"' in (project / "mldeploy.toml").read_text()


def test_a_command_alone_is_shown_as_line_and_table_and_kept_where_it_gets_a_name(
    tmp_path: Path,
) -> None:
    line = "floyd run --gpu --env pytorch-1.4 --max-runtime 3600 -m msg 'python train.py'"

    shown = mldeploy("import", "--command", line, cwd=tmp_path)
    assert "mldeploy run --gpu --max-runtime 1h -m msg -- 'python train.py'" in shown.stdout
    assert "[jobs.default]" in shown.stdout
    assert list(tmp_path.iterdir()) == []

    kept = mldeploy("import", "--command", line, "--as", "train", "--json", cwd=tmp_path)
    assert kept.json["added"] == ["train"]
    assert (tmp_path / "mldeploy.toml").exists()


def test_a_command_is_laid_over_the_file_of_its_folder(project: Path) -> None:
    line = "floyd run --task train --cpu2 'python other.py'"

    (task,) = mldeploy("import", "--command", line, "--json", cwd=project).json["tasks"]

    told = {one["key"]: one["was"] for one in task["lines"]}
    assert (told["command"], told["machine"], told["env"]) == (
        "python other.py", "cpu2", "pytorch-1.4",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        ("command: [", [], "mend floyd.yml, line 1"),
        ("env: theano-0.9\ncommand: x", [], "--base IMAGE"),
        ("env: keras", [], "--command"),
        ("task: {a: {mode: serve}}", [], "--command"),
        ("command: x", ["--task", "other"], "mldeploy import"),
        ("command: x", ["--data", "a"], "--data mckay"),
        ("command: x", ["--data", "a=./b"], "--data SOURCE=PLACE"),
        ("command: x\ninput: a:m", ["--data", "a=Not a name"], "--data mnist/2:/input"),
        ("command: x", ["--on", "aws"], "add [targets.aws]"),
        ("command: x", ["--command", "floyd logs"], "mldeploy jobs logs JOB"),
        ("command: x", ["--command", "floyd run --task t"], "mldeploy import"),
    ],
)
def test_what_can_not_be_taken_over_is_refused_and_nothing_is_written(
    tmp_path: Path, text: str, words: list[str], hint: str
) -> None:
    (tmp_path / "floyd.yml").write_text(text)

    done = mldeploy("import", "floyd.yml", *words, "--json", cwd=tmp_path)

    assert done.code == 2, done.stdout
    assert hint in done.json["error"]["do"]
    assert [path.name for path in tmp_path.iterdir()] == ["floyd.yml"]


def test_without_a_file_the_next_command_is_named(tmp_path: Path) -> None:
    done = mldeploy("import", "--json", cwd=tmp_path)

    assert (done.code, done.json["error"]["code"]) == (2, "no-floyd-file")


def test_a_settings_file_that_is_damaged_is_said_and_left(project: Path) -> None:
    (project / "mldeploy.toml").write_text("[project\n")

    done = mldeploy("import", "floyd.yml", "--json", cwd=project)

    assert done.json["error"]["code"] == "toml-syntax"
    assert (project / "mldeploy.toml").read_text() == "[project\n"


def test_tasks_whose_names_become_one_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "floyd.yml").write_text("task:\n  My Task: {command: a}\n  my-task: {command: b}\n")

    done = mldeploy("import", "floyd.yml", "--json", cwd=tmp_path)

    assert done.json["added"] == ["my-task", "my-task-2"]


def test_a_link_stays_a_link_and_rights_stay_as_they_are(project: Path, tmp_path: Path) -> None:
    real = tmp_path / "shared.toml"
    real.write_text(SETTINGS)
    real.chmod(0o640)
    (project / "mldeploy.toml").symlink_to(real)

    assert mldeploy("import", "floyd.yml", cwd=project).code == 0
    assert (project / "mldeploy.toml").is_symlink()
    assert "[jobs.train]" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640


def test_an_image_that_was_chosen_stays_chosen(tmp_path: Path) -> None:
    (tmp_path / "floyd.yml").write_text("env: theano-0.9\ncommand: x\n")
    base = ["--base", "me/theano:1"]

    first = mldeploy("import", "floyd.yml", *base, "--json", cwd=tmp_path)
    again = mldeploy("import", "floyd.yml", "--json", cwd=tmp_path)

    assert first.json["added"] == ["default"]
    assert (again.code, again.json["written"], again.json["kept"]) == (0, [], [])


def test_what_one_task_has_at_a_mount_says_nothing_of_another(tmp_path: Path) -> None:
    one = "task:\n  one: {command: a, input: 'foo/a:input'}\n"
    (tmp_path / "floyd.yml").write_text(one)
    mldeploy("import", "floyd.yml", "--data", "foo/a=a/1", cwd=tmp_path)
    (tmp_path / "floyd.yml").write_text(one + "  two: {command: b, input: 'foo/b:input'}\n")

    done = mldeploy("import", "floyd.yml", "--json", cwd=tmp_path)

    jobs = tomllib.loads(done.json["text"])["jobs"]
    assert jobs["one"]["data"] == ["a/1:/floyd/input/input"]
    assert jobs["two"]["data"] == ["?foo/b:/floyd/input/input"]


def test_jobs_that_no_table_can_be_put_beside_are_named(tmp_path: Path) -> None:
    settings = f'jobs = {{a = {{command = "b"}}}}\n{SETTINGS}'
    (tmp_path / "mldeploy.toml").write_text(settings)
    (tmp_path / "floyd.yml").write_text("command: x\n")

    done = mldeploy("import", "floyd.yml", "--json", cwd=tmp_path)

    assert done.code == 2
    assert "[jobs.train]" in done.json["error"]["do"]
    assert (tmp_path / "mldeploy.toml").read_text() == settings


def test_a_strangers_file_does_not_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "floyd.yml").write_text('command: "a\\e]0;title\\a b"\nmachine: cpu\n')

    done = mldeploy("import", "floyd.yml", cwd=tmp_path)

    assert done.code == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert "\\x1b]0;title" in done.stdout


def test_what_has_no_name_takes_none_that_a_task_has(tmp_path: Path) -> None:
    (tmp_path / "floyd.yml").write_text("command: a\ntask:\n  default: {command: b}\n")

    done = mldeploy("import", "--dry-run", "--json", cwd=tmp_path)
    refused = mldeploy("import", "--as", "default", "--json", cwd=tmp_path)

    jobs = tomllib.loads(done.json["text"])["jobs"]
    assert {name: job["command"] for name, job in jobs.items()} == {
        "default-task": "a",
        "default": "b",
    }
    assert refused.json["error"]["do"] == "--as default-2"
