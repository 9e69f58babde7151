"""What a job's command needs installed, read from the code that is sent with it."""

from __future__ import annotations

import codecs
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mldeploy.errors import ConfigError, FailedError
from mldeploy.images.ingredients import python_version
from mldeploy.programs import ProgramError, run
from mldeploy.project import Project

PLAIN = "requirements.txt"
UNLOCKED = "requirements-unlocked.txt"  # beside a lock: what that cannot hold, such as PyTorch
GROUP = "train"
MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
DEEP = 10  # files that name each other


class Wishes(Protocol):
    """What of a task, or of a job's order, decides what is installed."""

    @property
    def requirements(self) -> str | None: ...
    @property
    def base(self) -> str | None: ...
    @property
    def python(self) -> str | None: ...


@dataclass(frozen=True)
class Package:
    """The project as a package of its own: not installed, as it comes with the code, but known.

    ``scripts`` are its commands to the function of each, as ``module:function``.
    """

    name: str
    version: str
    summary: str = ""
    scripts: Mapping[str, str] = field(default_factory=dict)
    entry_points: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Requirements:
    """``locked`` has a hash for all, ``unlocked`` is as a person wrote it; either may be empty.

    ``torch`` is where PyTorch comes from, in uv's words, such as cpu or cu128. ``python`` is a
    version such as 3.11.
    """

    locked: str
    unlocked: str
    python: str
    torch: str | None = None
    package: Package | None = None
    make: bool = False


def read(root: Path, wishes: Wishes | None, project_python: Path | None) -> Requirements:
    """What the code in ``root`` needs; ``project_python`` is its interpreter, if it has one.

    The file that the task names, or the group `train` of the lock, or requirements.txt. Raises
    :class:`ConfigError` for a file that is not there, :class:`FailedError` without a fitting lock.
    """
    about = _pyproject(root)
    settings = about.get("tool", {}).get("uv", {}).get("pip", {})
    locked, unlocked = _packages(root, about, wishes.requirements if wishes else None)
    return Requirements(
        locked=locked,
        unlocked=unlocked,
        python=(wishes and wishes.python) or python_of(root, project_python),
        torch=settings.get("torch-backend"),
        package=package_of(about),
        make=any((root / name).is_file() for name in MAKEFILES),
    )


def python_of(root: Path, interpreter: Path | None) -> str:
    """The version that the project has, or asks for; else that of mldeploy itself."""
    if interpreter is not None:
        return short(python_version(interpreter))
    wanted = root / ".python-version"
    if wanted.is_file() and (found := re.search(r"\b3\.\d+", wanted.read_text(encoding="utf-8"))):
        return found[0]
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def interpreter_of(project: Project) -> Path | None:
    """The project's own; None for one that has nothing but a script."""
    try:
        return project.python()
    except FailedError:
        return None


def short(version: str) -> str:
    return ".".join(version.split(".")[:2])


def package_of(about: Mapping[str, Any]) -> Package | None:
    """The package that a pyproject.toml describes. Pure."""
    project = about.get("project")
    if not isinstance(project, dict) or "build-system" not in about:
        return None
    return Package(
        name=str(project.get("name", "project")),
        version=str(project.get("version", "0")),
        summary=str(project.get("description", "")),
        scripts=project.get("scripts", {}),
        entry_points=project.get("entry-points", {}),
    )


def _packages(root: Path, about: Mapping[str, Any], named: str | None) -> tuple[str, str]:
    if named is not None:
        if not (root / named).is_file():
            raise ConfigError(
                "no-requirements",
                what=f"There is no {named} in the code.",
                why="The job's `requirements` names it; git or .mldeployignore may leave it out.",
                do=f"git add {named}     (or correct the name in mldeploy.toml)",
            )
        return "", plain(root / named)
    if (root / "uv.lock").is_file():
        more = root / UNLOCKED
        return _exported(root, about), plain(more) if more.is_file() else ""
    if (root / PLAIN).is_file():
        return "", plain(root / PLAIN)
    if about.get("project", {}).get("dependencies") or about.get("dependency-groups"):
        raise FailedError(
            "no-lock",
            what="The project's dependencies are not locked.",
            why="pyproject.toml names some, and there is no uv.lock in the code.",
            do="uv lock     (and have git keep uv.lock)",
        )
    return "", ""


def _exported(root: Path, about: Mapping[str, Any]) -> str:
    """What `uv run` would have, but for the group `dev`; and the group `train`, if there is one."""
    which = ["--group", GROUP] if GROUP in about.get("dependency-groups", {}) else []
    try:
        return run(
            ["uv", "export", "--quiet", "--locked", "--no-dev", *which]
            + ["--no-emit-project", "--no-header", "--no-annotate"],
            cwd=root,
            timeout=120,
        )
    except ProgramError as error:
        raise FailedError(
            "stale-lock",
            what="What a job needs can't be read from uv.lock.",
            why="pyproject.toml was changed after locking.",
            do="uv lock",
            detail=error.detail,
        ) from error


def plain(file: Path) -> str:
    """A requirements file with those that it names, and without the project itself."""
    return "".join(f"{line}\n" for line in _lines(file, DEEP))


def _lines(file: Path, deep: int) -> Iterator[str]:
    for line in _text(file).splitlines():
        written = re.sub(r"(^|\s)#.*$", "", line).strip()
        named = re.fullmatch(r"(?:-r|--requirement)[ =]*(\S.*)", written)
        if named and deep and (file.parent / named[1]).is_file():
            yield from _lines(file.parent / named[1], deep - 1)
        elif written and not re.fullmatch(r"(-e|--editable)?[ =]*\.(\[.*\])?/?", written):
            yield written


def _text(file: Path) -> str:
    """PowerShell's `pip freeze > requirements.txt` writes UTF-16."""
    raw = file.read_bytes()
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return raw.decode("utf-16" if wide else "utf-8-sig", errors="replace")


def _pyproject(root: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            "toml-syntax",
            what="pyproject.toml is not valid TOML.",
            why=f"{error}.",
            do="mend that line of pyproject.toml",
        ) from error
