"""Serving environments: exactly the locked serving dependencies, shared by releases that agree.

A release never runs in the project's own environment: that changes under it with the next
`uv sync`, and it hides a service that imports something only training has.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from mldeploy.errors import FailedError
from mldeploy.programs import ProgramError, run
from mldeploy.project import Project, locked_requirements
from mldeploy.ui import Ui

CACHES = "lib/python*/site-packages/**/__pycache__"


@dataclass(frozen=True)
class Made:
    key: str
    summary: str


def ensure(project: Project, interpreter: Path, requirements: str, ui: Ui) -> Made:
    """Make the environment for ``requirements`` unless it exists; a half-made one never counts."""
    key = key_of(requirements, interpreter)
    place = folder(project, key)
    if place.exists():
        return Made(key, "used again, the lock is unchanged")
    unfinished = place.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    listing = unfinished.with_suffix(".txt")
    listing.write_text(requirements, encoding="utf-8")
    ui.explain(
        f"uv venv {place.name} && uv pip install --require-hashes -r requirements.txt",
        "only what serving needs: a service that imports a training library fails here, not there",
    )
    try:
        run(
            ["uv", "venv", "--quiet", "--python", interpreter, unfinished],
            cwd=project.root,
            timeout=120,
        )
        run(
            ["uv", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
            + ["--python", str(python_of(unfinished)), "-r", str(listing)],
            cwd=project.root,
            timeout=900,
        )
        lend_bytecode(interpreter.parent.parent, unfinished)
        unfinished.rename(place)
    except ProgramError as error:
        raise FailedError(
            "environment-failed",
            what="The serving environment could not be installed.",
            why=error.why,
            do=error.do if error.code == "disk-full" else "check the network, then: mldeploy up",
            detail=error.detail,
        ) from error
    finally:
        listing.unlink(missing_ok=True)
        if not place.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
    return Made(key, "made from the lock")


def key_of(requirements: str, interpreter: Path) -> str:
    """Names the environment: the same lock on the same Python is the same environment."""
    base = str(interpreter.resolve())
    return hashlib.sha256(f"{base}\n{requirements}".encode()).hexdigest()[:12]


def folder(project: Project, key: str) -> Path:
    return project.state / "envs" / key


def python_of(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def keep_bytecode(project: Project, key: str) -> None:
    """Keep the bytecode that this project's work has made, for the next project of the same lock.

    Without it the first `make train` of a project spends ten seconds compiling what the last
    project's had compiled already. In the user's cache folder, hard-linked, the newest two locks.
    """
    place = _kept(key)
    donor = project.root / ".venv"
    if place.exists() or not donor.is_dir():
        return
    unfinished = place.with_suffix(f".{os.getpid()}")
    try:
        for cache in donor.glob(CACHES):
            kept = unfinished / cache.relative_to(donor)
            kept.mkdir(parents=True)
            for compiled in cache.glob("*.pyc"):
                _link(compiled, kept / compiled.name)
        unfinished.rename(place)
    except OSError:  # a cache that can't be written costs time, and is no reason to fail
        shutil.rmtree(unfinished, ignore_errors=True)
        return
    for old in sorted(place.parent.iterdir(), key=lambda p: p.stat().st_mtime)[:-2]:
        shutil.rmtree(old, ignore_errors=True)


def lend_kept_bytecode(project: Project) -> int:
    """Give a new project's environment the bytecode kept for its lock; returns how many files."""
    key = key_of(locked_requirements(project), project.python())
    return lend_bytecode(_kept(key), project.root / ".venv")


def _kept(key: str) -> Path:
    return _cache_folder() / "bytecode" / key


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mldeploy"


def lend_bytecode(donor: Path, environment: Path) -> int:
    """Hard-link the bytecode under ``donor`` to the same sources in ``environment``.

    uv links the same cached source files into every environment, so Python's own check (source
    time and size) passes; where it doesn't, Python compiles as usual. It halves a first start.
    """
    lent = 0
    for cache in donor.glob(CACHES):
        package = environment / cache.parent.relative_to(donor)
        if not package.is_dir():
            continue
        (package / "__pycache__").mkdir(exist_ok=True)
        for compiled in cache.glob("*.pyc"):
            source = package / f"{compiled.name.partition('.')[0]}.py"
            place = package / "__pycache__" / compiled.name
            if source.exists() and not place.exists():
                _link(compiled, place)
                lent += 1
    return lent


def _link(source: Path, destination: Path) -> None:
    try:
        os.link(source, destination)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, destination)
