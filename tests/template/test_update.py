"""A real project lives through an update of the real template: merged, installed, still tested."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.conftest import MLDEPLOY

from .conftest import files_of, git

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(900)]


def run(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def add(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    file.write_text(old + text, encoding="utf-8")


@pytest.fixture(scope="module")
def versions(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it is, v1.0.0, and a v2.0.0 that a later release could be."""
    folder = shutil.copytree(template, tmp_path_factory.mktemp("versions") / "template")
    (readme,) = (folder / "template").glob("README.md*")
    readme.write_text("<!-- by v2 -->\n" + readme.read_text(encoding="utf-8"), encoding="utf-8")
    add(folder / "template/src/{{package_name}}/errors.py", '\nADDED_BY_V2 = "yes"\n')
    add(folder / "template/docs/by-v2.md", "A page that v1 had not.\n")
    (metadata,) = (folder / "template").glob("pyproject.toml*")
    text = metadata.read_text(encoding="utf-8")
    assert 'version = "0.1.0"' in text
    metadata.write_text(text.replace('version = "0.1.0"', 'version = "0.2.0"'), encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "v2")
    git(folder, "tag", "v2.0.0")
    return folder


@pytest.fixture(scope="module")
def updated(versions: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A project made from v1.0.0, edited, updated; and what the update printed."""
    project = tmp_path_factory.mktemp("updated") / "function-docs"
    made = run(
        project.parent, MLDEPLOY, "new", project, "--defaults",
        "--template", versions, "--ref", "v1.0.0",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    add(project / "README.md", "\nMy own last words.\n")
    (service_test,) = project.glob("tests/service/test_service.py")
    service_test.unlink()
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "Mine")
    done = run(project, MLDEPLOY, "update", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return project, done.stdout


def test_both_sides_are_in_the_files(updated: tuple[Path, str]) -> None:
    project, printed = updated
    readme = (project / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("<!-- by v2 -->")
    assert readme.endswith("My own last words.\n")
    assert "ADDED_BY_V2" in (project / "src/function_docs/errors.py").read_text()
    assert not (project / "tests/service/test_service.py").exists()
    answers = (project / ".copier-answers.yml").read_text()
    assert "_commit: v2.0.0" in answers
    found = json.loads(printed)
    assert found["new"] == ["docs/by-v2.md"]
    assert found["locked"] is True


def test_what_was_merged_can_be_parsed(updated: tuple[Path, str]) -> None:
    project, _ = updated
    for name in files_of(project):
        text = (project / name).read_text(encoding="utf-8", errors="replace")
        if name.endswith(".py"):
            ast.parse(text, name)
        elif name.endswith((".toml", "uv.lock")):
            tomllib.loads(text)


def test_lock_and_environment_have_followed(updated: tuple[Path, str]) -> None:
    project, _ = updated
    locked = tomllib.loads((project / "uv.lock").read_text(encoding="utf-8"))
    [own] = [each for each in locked["package"] if each["name"] == "function-docs"]
    assert own["version"] == "0.2.0"
    show = "import importlib.metadata as m; print(m.version('function-docs'))"
    assert run(project, project / ".venv/bin/python", "-c", show).stdout.strip() == "0.2.0"


def test_the_projects_own_tests_still_pass(updated: tuple[Path, str]) -> None:
    project, _ = updated
    done = run(project, project / ".venv/bin/pytest", "-q", "tests/data", "tests/code")
    assert done.returncode == 0, done.stdout + done.stderr
