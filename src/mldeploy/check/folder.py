"""The project's folder as the items see it: files, what git tracks, the exported champion."""

from __future__ import annotations

import json
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any

from mldeploy import config
from mldeploy.config import Config
from mldeploy.errors import ConfigError, FailedError
from mldeploy.origin import ANSWERS
from mldeploy.programs import ProgramError, run

CHAMPION = "models/champion"


class Folder:
    """Each thing is read once, when the first item asks for it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def has(self, path: str) -> bool:
        return (self.root / path).exists()

    def text(self, path: str) -> str:
        """The file's text; raises :class:`FailedError` if it can't be read."""
        try:
            return (self.root / path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(path, error) from error

    def toml(self, path: str) -> dict[str, Any]:
        try:
            return tomllib.loads(self.text(path))
        except tomllib.TOMLDecodeError as error:
            raise _unreadable(path, error) from error

    @cached_property
    def in_git(self) -> bool:
        return self._git("rev-parse", "--is-inside-work-tree") is not None

    @cached_property
    def commit(self) -> str | None:
        """The last commit, short."""
        found = self._git("rev-parse", "--verify", "--short", "HEAD")
        return found.strip() if found else None

    @cached_property
    def tracked(self) -> tuple[str, ...]:
        """What git tracks in this folder, with / between, relative to it."""
        listed = self._git("ls-files", "-z", "--", ".") or ""
        return tuple(name for name in listed.split("\0") if name)

    @cached_property
    def uncommitted(self) -> int:
        return len((self._git("status", "--porcelain", "--", ".") or "").splitlines())

    @cached_property
    def is_deployed(self) -> bool:
        """Is it a project of mldeploy's?"""
        return self.has(config.FILE_NAME) or config.FILE_NAME in self.tracked

    @cached_property
    def serves(self) -> bool:
        """Is it one with a service to put somewhere? Taken to be so where that can't be read."""
        if not self.is_deployed:
            return False
        try:
            return self.config.project.serves
        except ConfigError:
            return True

    @cached_property
    def is_from_template(self) -> bool:
        return self.has(ANSWERS) or ANSWERS in self.tracked

    @cached_property
    def config(self) -> Config:
        """mldeploy.toml, checked; raises :class:`ConfigError`."""
        return config.load(self.root / config.FILE_NAME)

    @cached_property
    def golden(self) -> str:
        """Where the golden requests are; the usual place if mldeploy.toml can't tell."""
        try:
            return self.config.project.golden
        except ConfigError:
            return "tests/golden.json"

    @cached_property
    def champion(self) -> dict[str, Any] | None:
        """What the exported model says of itself; None without one."""
        path = f"{CHAMPION}/model.json"
        if not self.has(path):
            return None
        try:
            about = json.loads(self.text(path))
        except ValueError as error:
            raise _unreadable(path, error) from error
        if not isinstance(about, dict):
            raise _unreadable(path, ValueError("it is not an object"))
        return about

    @cached_property
    def test_files(self) -> tuple[str, ...]:
        """Files under tests/ that hold a test."""
        files = [p for p in sorted((self.root / "tests").rglob("test_*.py")) if _has_tests(p)]
        return tuple(path.relative_to(self.root).as_posix() for path in files)

    def tests_of(self, kind: str, *words: str) -> list[str]:
        """Those in tests/KIND/; in a project of another layout, those named like it."""
        if self.is_from_template:
            return [path for path in self.test_files if path.startswith(f"tests/{kind}/")]
        return [path for path in self.test_files if any(w in path[6:] for w in (kind, *words))]

    def _git(self, *words: str) -> str | None:
        try:
            return run(["git", *words], cwd=self.root, timeout=30)
        except ProgramError:
            return None


def folder_of(start: Path) -> Folder:
    """The project that ``start`` lies in, also one that mldeploy doesn't know.

    Raises :class:`ConfigError` where there is none.
    """
    start = start.resolve()
    for marks in ((config.FILE_NAME,), ("pyproject.toml", ".git")):
        for folder in (start, *start.parents):
            if any((folder / mark).exists() for mark in marks):
                return Folder(folder)
    raise ConfigError(
        "not-a-project",
        what=f"{start} is not in a project.",
        why=f"Neither it nor a folder above it has {config.FILE_NAME}, pyproject.toml or .git.",
        do="cd into your project, or make one: mldeploy new my-project",
    )


def _has_tests(file: Path) -> bool:
    try:
        return "def test_" in file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _unreadable(path: str, error: Exception) -> FailedError:
    return FailedError(
        "unreadable", what=f"{path} can't be read.", why=f"{error}.", do=f"mend {path}"
    )
