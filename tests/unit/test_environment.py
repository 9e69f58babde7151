"""Serving environments: what names one, and the bytecode that is passed on."""

from __future__ import annotations

import os
import py_compile
import sys
from pathlib import Path

import pytest

from mldeploy import environment
from mldeploy.config import Config
from mldeploy.config import Project as Settings
from mldeploy.project import Project

SITE = Path(f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages")


def project_in(folder: Path) -> Project:
    settings = Settings(name="a", service="a.service:A", model="a@champion")
    return Project(folder, Config(folder / "mldeploy.toml", settings, {}))


def package_in(environment: Path, *, compiled: bool) -> Path:
    """An environment with one module, as uv makes it (without bytecode) or after it was used."""
    module = environment / SITE / "lib" / "module.py"
    module.parent.mkdir(parents=True)
    module.write_text("ANSWER = 42\n")
    os.utime(module, (1_700_000_000, 1_700_000_000))  # uv links one file: the same time everywhere
    if compiled:
        py_compile.compile(str(module), doraise=True)
    return module


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mldeploy" / "bytecode"


def test_the_same_lock_on_the_same_python_is_the_same_environment(tmp_path: Path) -> None:
    python = Path(sys.executable)

    assert environment.key_of("a==1", python) == environment.key_of("a==1", python)
    assert environment.key_of("a==1", python) != environment.key_of("a==2", python)
    assert environment.key_of("a==1", python) != environment.key_of("a==1", tmp_path / "python")


def test_bytecode_is_kept_and_lent_and_python_takes_it(tmp_path: Path, own_cache: Path) -> None:
    package_in(tmp_path / "used/.venv", compiled=True)
    fresh = package_in(tmp_path / "fresh/.venv", compiled=False)

    environment.keep_bytecode(project_in(tmp_path / "used"), "key")
    lent = environment.lend_bytecode(own_cache / "key", tmp_path / "fresh/.venv")

    assert lent == 1
    (compiled,) = (fresh.parent / "__pycache__").iterdir()
    stamp = int.from_bytes(compiled.read_bytes()[8:12], "little")
    assert stamp == int(fresh.stat().st_mtime)  # the check by which Python accepts it


def test_what_a_new_environment_does_not_have_is_not_lent(tmp_path: Path, own_cache: Path) -> None:
    package_in(tmp_path / "used/.venv", compiled=True)
    environment.keep_bytecode(project_in(tmp_path / "used"), "key")
    (tmp_path / "fresh/.venv" / SITE).mkdir(parents=True)

    assert environment.lend_bytecode(own_cache / "key", tmp_path / "fresh/.venv") == 0


def test_nothing_kept_is_nothing_lent(tmp_path: Path, own_cache: Path) -> None:
    package_in(tmp_path / "fresh/.venv", compiled=False)

    assert environment.lend_bytecode(own_cache / "key", tmp_path / "fresh/.venv") == 0


def test_the_newest_two_locks_are_kept(tmp_path: Path, own_cache: Path) -> None:
    package_in(tmp_path / "used/.venv", compiled=True)
    for number, key in enumerate(("one", "two", "three")):
        environment.keep_bytecode(project_in(tmp_path / "used"), key)
        os.utime(own_cache / key, (number + 1, number + 1))

    environment.keep_bytecode(project_in(tmp_path / "used"), "four")

    assert {folder.name for folder in own_cache.iterdir()} == {"three", "four"}


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package_in(tmp_path / "used/.venv", compiled=True)
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a file"))

    environment.keep_bytecode(project_in(tmp_path / "used"), "key")
