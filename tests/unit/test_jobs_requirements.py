"""What a job needs installed: read from its lock, or from a file for pip."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mldeploy.errors import MldeployError
from mldeploy.jobs.installed import as_files
from mldeploy.jobs.requirements import Package, Requirements, package_of, plain, read
from mldeploy.jobs.spec import Task

PROJECT = """\
[project]
name = "my-docs"
version = "1.2"
description = "Says \\"oui\\" in\\ntwo lines"
requires-python = ">=3.11"
[project.scripts]
docs = "docs.cli:app.main"
[build-system]
requires = ["uv_build"]
build-backend = "uv_build"
"""
LOCK = """\
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "my-docs"
version = "1.2"
source = { editable = "." }
"""


def needs(root: Path, requirements: str | None = None) -> Requirements:
    return read(root, Task(command="true", requirements=requirements), None)


def test_a_script_alone_needs_nothing_but_python(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")

    found = read(tmp_path, None, None)

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert found == Requirements(locked="", unlocked="", python=version)


def test_without_a_lock_requirements_txt_is_taken(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy  # for arrays\n\n# nothing\n-e .\n.\n")

    assert needs(tmp_path).unlocked == "numpy\n"


def test_the_file_that_the_task_names_is_taken_before_a_lock(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("")
    (tmp_path / "more.txt").write_text("numpy\n")

    assert needs(tmp_path, requirements="more.txt").unlocked == "numpy\n"


def test_a_file_that_is_not_sent_is_told(tmp_path: Path) -> None:
    with pytest.raises(MldeployError) as caught:
        needs(tmp_path, requirements="more.txt")

    assert (caught.value.code, caught.value.exit_code) == ("no-requirements", 2)


def test_a_lock_gives_its_packages_and_what_it_can_not_hold(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT + '[tool.uv.pip]\ntorch-backend = "cpu"\n')
    (tmp_path / "uv.lock").write_text(LOCK)
    (tmp_path / "requirements-unlocked.txt").write_text("torch==2.13.0\n")
    (tmp_path / "Makefile").write_text("")

    found = needs(tmp_path)

    assert (found.locked, found.unlocked, found.torch) == ("", "torch==2.13.0\n", "cpu")
    assert found.make
    assert found.package
    assert found.package.name == "my-docs"


def test_a_lock_that_does_not_fit_is_told(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT.replace('"my-docs"', '"other"'))
    (tmp_path / "uv.lock").write_text(LOCK)

    with pytest.raises(MldeployError) as caught:
        needs(tmp_path)

    assert (caught.value.code, caught.value.do) == ("stale-lock", "uv lock")


def test_dependencies_without_a_lock_are_told(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "a"\ndependencies = ["numpy"]\n')

    with pytest.raises(MldeployError) as caught:
        needs(tmp_path)

    assert caught.value.code == "no-lock"


@pytest.mark.parametrize(
    ("wanted", "file", "own", "expected"),
    [
        ("3.10", "3.11\n", "3.12.4", "3.10"),
        (None, "3.11\n", "3.12.4", "3.12"),
        (None, "cpython-3.13.1\n", None, "3.13"),
    ],
)
def test_python_is_the_one_wanted_the_one_there_or_the_one_written_down(
    wanted: str | None, file: str, own: str | None, expected: str, tmp_path: Path
) -> None:
    (tmp_path / ".python-version").write_text(file)
    interpreter = tmp_path / ".venv" / "bin" / "python" if own else None
    if interpreter:
        interpreter.parent.mkdir(parents=True)
        (tmp_path / ".venv" / "pyvenv.cfg").write_text(f"version_info = {own}\n")

    assert read(tmp_path, Task(command="true", python=wanted), interpreter).python == expected


def test_files_that_a_file_names_are_taken_in(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt").write_text("-r sub/b.txt\nnumpy\n")
    (tmp_path / "sub" / "b.txt").write_text(
        "--requirement=c.txt\n--extra-index-url https://e.x/#a\n"
    )
    (tmp_path / "sub" / "c.txt").write_text("pandas @ https://e.x/a.whl#sha256=00\n-r ../a.txt\n")

    lines = plain(tmp_path / "a.txt").splitlines()

    assert lines[-2:] == ["--extra-index-url https://e.x/#a", "numpy"]
    assert "pandas @ https://e.x/a.whl#sha256=00" in lines


def test_what_powershell_writes_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("numpy==2.3\r\n".encode("utf-16"))

    assert plain(tmp_path / "a.txt") == "numpy==2.3\n"


# The project as a package


def test_a_project_that_is_no_package_has_no_commands() -> None:
    assert package_of({"project": {"name": "a"}}) is None
    assert as_files(None, "python") == ()


def test_python_knows_the_project_by_what_is_written_for_it(tmp_path: Path) -> None:
    package = Package(
        name="my-docs",
        version="1.2",
        summary='Says "oui" in\ntwo lines',
        scripts={"docs": "docs.cli:app.main [extra]"},
        entry_points={"plugins": {"one": "docs.plugin:One"}},
    )
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "cli.py").write_text(
        "class app:\n    def main():\n        print('called')\n        return 3\n"
    )
    for file in as_files(package, sys.executable):
        to = tmp_path / file.name
        to.parent.mkdir(exist_ok=True)
        to.write_bytes(file.content)
        to.chmod(0o755 if file.executable else 0o644)
    look = (
        "from importlib.metadata import *;"
        "print(metadata('my-docs')['Summary'], version('my_docs'),"
        "[e.value for e in entry_points(group='plugins')])"
    )

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        path = {"PYTHONPATH": str(tmp_path)}
        return subprocess.run(words, env=path, capture_output=True, text=True, timeout=30)

    called = run(str(tmp_path / "bin" / "docs"))
    known = run(sys.executable, "-c", look)

    assert (called.stdout, called.returncode) == ("called\n", 3)
    assert known.stdout == "Says \"oui\" in two lines 1.2 ['docs.plugin:One']\n"
