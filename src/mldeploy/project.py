"""The project's folder: where it is, its interpreter, its git state, its own files."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from mldeploy import config as configuration
from mldeploy.config import Config
from mldeploy.errors import ConfigError, FailedError
from mldeploy.programs import ProgramError, run

CODE = ("src", "params.toml")
BUSY = "This project is being built by somebody else."
LOCKS = ("pyproject.toml", "uv.lock")


@dataclass(frozen=True)
class Project:
    """A folder with a valid mldeploy.toml."""

    root: Path
    config: Config

    @property
    def state(self) -> Path:
        """Where mldeploy keeps releases and what runs on this machine; not in git."""
        return self.root / ".mldeploy"

    def make_state(self) -> None:
        """Make that folder, ignored by git whether or not the project's own .gitignore says so."""
        self.state.mkdir(exist_ok=True)
        ignore = self.state / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")

    def lock(self, action: str) -> AbstractContextManager[None]:
        """One build at a time in this folder; raises RefusedError naming who is at it, at once."""
        from mldeploy.locks import held

        self.make_state()
        return held(
            self.state / "lock", action, what="This project is being built by somebody else."
        )

    @property
    def golden(self) -> Path:
        return self.root / self.config.project.golden

    @property
    def lock_file(self) -> Path:
        return self.root / "uv.lock"

    def python(self) -> Path:
        """The project's own interpreter; raises :class:`FailedError` when it has none yet."""
        name = "Scripts/python.exe" if os.name == "nt" else "bin/python"
        interpreter = self.root / ".venv" / name
        if interpreter.exists():
            return interpreter
        raise FailedError(
            "no-environment",
            what="This project has no environment yet.",
            why=f"There is no {interpreter.relative_to(self.root)} in {self.root}.",
            do="make setup     (or: uv sync)",
        )


@dataclass(frozen=True)
class GitState:
    """``commit`` is None outside git or before the first commit.

    ``dirty`` is about what a release is made of: an edited README or another port leave it clean.
    """

    commit: str | None
    dirty: bool


def find(start: Path) -> Project:
    """The project that ``start`` lies in; raises :class:`ConfigError` if it is in none."""
    root = root_of(start)
    return Project(root=root, config=configuration.load(root / configuration.FILE_NAME))


def root_of(start: Path) -> Path:
    """The folder of that project, whatever its configuration says."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / configuration.FILE_NAME).is_file():
            return folder
    raise ConfigError(
        "not-a-project",
        what=f"{start} is not in an mldeploy project.",
        why=f"Neither it nor a folder above it has {configuration.FILE_NAME}.",
        do="cd into your project, or make one: mldeploy new my-project",
    )


def git_state(root: Path) -> GitState:
    """The commit, and whether the code is just that; a folder without git has neither."""
    try:
        commit = run(["git", "rev-parse", "--verify", "HEAD"], cwd=root, timeout=30).strip()
        changes = run(["git", "status", "--porcelain", "--", *CODE, *LOCKS], cwd=root, timeout=60)
    except ProgramError:
        return GitState(commit=None, dirty=True)
    return GitState(commit=commit, dirty=bool(changes.strip()))


def code_files(project: Project) -> list[Path]:
    """The files of a release's code, relative to the root and sorted.

    Everything under src/ that git tracks or would track, and params.toml: what a .gitignore keeps
    out of git (data, databases, secrets) stays out of a release as well.
    """
    try:
        listed = run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *CODE],
            cwd=project.root,
            timeout=60,
        )
        names = [name for name in listed.split("\0") if name]
    except ProgramError:
        found = [p for top in CODE for p in (project.root / top).rglob("*")]
        found.append(project.root / "params.toml")
        names = [
            p.relative_to(project.root).as_posix() for p in found if "__pycache__" not in p.parts
        ]
    return sorted({Path(name) for name in names if (project.root / name).is_file()})


def locked_requirements(project: Project) -> str:
    """The serving dependencies as uv.lock pins them, with hashes, as a requirements file.

    Raises :class:`FailedError` without a lock or with one that doesn't fit pyproject.toml.
    """
    if not project.lock_file.exists():
        raise FailedError(
            "no-lock",
            what="The project's dependencies are not locked.",
            why=f"There is no uv.lock in {project.root}; a release would differ each time.",
            do="make setup     (or: uv lock)",
        )
    try:
        return run(
            ["uv", "export", "--quiet", "--locked", "--only-group", "serve"]
            + ["--no-emit-project", "--no-header", "--no-annotate"],
            cwd=project.root,
            timeout=120,
        )
    except ProgramError as error:
        raise FailedError(
            "stale-lock",
            what="The serving dependencies can't be read from uv.lock.",
            why="Either pyproject.toml was changed after locking, or it has no group `serve`.",
            do="uv lock",
            detail=error.detail,
        ) from error
