"""A job's environment on this machine: shared by jobs that agree, whole, and changed by none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mldeploy import project as projects
from mldeploy.errors import MldeployError
from mldeploy.jobs import environment
from mldeploy.jobs.spec import Task
from mldeploy.ui import Ui

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
TASK = Task(command="true", python=PYTHON)


@pytest.fixture
def project(tmp_path: Path) -> projects.Project:
    (tmp_path / "mldeploy.toml").write_text(
        '[project]\nname = "a"\n[targets.local]\nkind = "process"\n[jobs.train]\ncommand = "true"\n'
    )
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "a"\nversion = "1.2"\n[project.scripts]\na-job = "a.job:main"\n'
        '[build-system]\nrequires = ["uv_build"]\n'
    )
    (tmp_path / "src" / "a").mkdir(parents=True)
    (tmp_path / "src" / "a" / "job.py").write_text("def main():\n    print('it runs')\n")
    return projects.find(tmp_path)


def made(project: projects.Project) -> Path:
    return environment.ensure(project, project.root, TASK, Ui())


def run(
    project: projects.Project, interpreter: Path, *words: str
) -> subprocess.CompletedProcess[str]:
    own = os.environ | environment.settings(interpreter, project.root)
    return subprocess.run(
        words, cwd=project.root, env=own, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_projects_command_runs_and_python_knows_its_version(project: projects.Project) -> None:
    interpreter = made(project)
    ask = "import sys, importlib.metadata as m; print(sys.prefix, m.version('a'))"

    assert run(project, interpreter, "a-job").stdout == "it runs\n"
    assert run(project, interpreter, "uv", "run", "a-job").stdout == "it runs\n"
    said = run(project, interpreter, "python", "-c", ask).stdout
    assert said == f"{interpreter.parent.parent} 1.2\n"


def test_what_agrees_is_used_again_and_what_does_not_is_made(project: projects.Project) -> None:
    first = made(project)
    settings = project.root / "pyproject.toml"

    assert made(project) == first
    settings.write_text(settings.read_text().replace("1.2", "1.3"))
    assert made(project) != first


def test_the_oldest_go(project: projects.Project) -> None:
    folder = project.state / environment.FOLDER
    for number in range(environment.KEPT):
        (folder / f"old-{number}").mkdir(parents=True)
        os.utime(folder / f"old-{number}", (number, number))

    made(project)

    assert not (folder / "old-0").exists()
    assert len(list(folder.iterdir())) == environment.KEPT


def test_pip_of_a_job_changes_nobodys_python(project: projects.Project) -> None:
    done = run(project, made(project), "pip", "install", "six")

    assert done.returncode == 1
    assert "uv add NAME" in done.stderr


def test_what_can_not_be_installed_leaves_nothing(project: projects.Project) -> None:
    (project.root / "requirements.txt").write_text("./there-is-no-such.whl\n")

    with pytest.raises(MldeployError) as caught:
        made(project)

    assert caught.value.code == "environment-failed"
    assert list((project.state / environment.FOLDER).iterdir()) == []
