"""Which files of a project a job gets: what git keeps or would keep, but for .mldeployignore."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from mldeploy.errors import FailedError
from mldeploy.ignored import ignores
from mldeploy.programs import ProgramError, run

IGNORE = ".mldeployignore"
LARGE = 50_000_000  # bytes: above, it is said
SHOWN = 5

# Never sent unless git tracks them: made again by every machine, or nobody's business (.env).
LEFT_OUT = (
    *(".git", ".hg", ".svn", ".venv", "venv", ".mldeploy", "mlruns", "mlflow.db*", ".env"),
    *("__pycache__", "*.pyc", ".ipynb_checkpoints", "*.egg-info", "node_modules"),
    *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".nox", ".DS_Store"),
)


@dataclass(frozen=True)
class CodeFile:
    """``name`` is relative to the project, with slashes; ``bytes`` its size; ``digest`` SHA-256."""

    name: str
    path: Path
    bytes: int
    executable: bool
    digest: str


@dataclass(frozen=True)
class Skipped:
    """A file of the project that a job does not get, and why: whole sentences are made of it."""

    name: str
    why: str


@dataclass(frozen=True)
class Code:
    """What is sent for a job, in the order of names, from ``root``; ``bytes`` in all.

    ``digest`` is the same for the same names, contents and rights to execute, wherever they lie.
    """

    root: Path
    files: tuple[CodeFile, ...]
    bytes: int
    digest: str
    skipped: tuple[Skipped, ...] = ()


def collect(root: Path, *, whole: bool = False) -> Code:
    """The files of the project in ``root``, each read once.

    ``whole`` is for a copy of code that was collected before: all of the folder is taken.
    Raises :class:`FailedError` for a file that can't be read, and where there is nothing to send.
    """
    root = root.resolve()
    found: list[CodeFile] = []
    skipped: list[Skipped] = []
    for name in _everything(root) if whole else names(root):
        one = _look(root, name)
        if isinstance(one, CodeFile):
            found.append(one)
        elif one is not None:
            skipped.append(one)
    if not found:
        raise FailedError(
            "no-code",
            what="There is no file to send for a job.",
            why=f"All of {root} is ignored, by git or by {IGNORE}.",
            do="git status --ignored     (shows what git leaves out)",
        )
    return Code(
        root, tuple(found), sum(each.bytes for each in found), digest(found), tuple(skipped)
    )


def names(root: Path, lines: Iterable[str] | None = None) -> list[str]:
    """What would be looked at for :func:`collect`, sorted; nothing is read.

    ``lines`` are taken in the place of those of .mldeployignore.
    """
    is_out = ignores(_ignored(root) if lines is None else lines)
    return [name for name in _names(root) if not is_out(name)]


def digest(files: Iterable[CodeFile]) -> str:
    """One name for these files, in whatever order they come."""
    lines = sorted(f"{f.name}\0{'x' if f.executable else '-'}\0{f.digest}" for f in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def warning(code: Code) -> list[str]:
    """Lines for a person whose code is larger than 50 MB: what is in it, and what to do. Pure."""
    if code.bytes <= LARGE:
        return []
    largest = sorted(code.files, key=lambda each: (-each.bytes, each.name))[:SHOWN]
    return [
        f"The code is {code.bytes / 1e6:.1f} MB. The largest files of it:",
        *(f"  {each.bytes / 1e6:8.1f} MB  {each.name}" for each in largest),
        f"Name in {IGNORE} what the job does not need (it reads like .gitignore);",
        "data is sent once, and not with each change: mldeploy data push",
    ]


def _names(root: Path) -> list[str]:
    """All that may be sent, sorted."""
    tracked = _listed(root, "--cached")
    if tracked is None:
        return sorted(_walked(root))
    others = _listed(root, "--others", "--exclude-standard") or set()
    # A folder that the repository around it ignores is a project all the same.
    return sorted(tracked | set(filter(is_wanted, others))) or sorted(_walked(root))


def _everything(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def _listed(root: Path, *which: str) -> set[str] | None:
    """What git names, relative to ``root`` wherever the repository begins; None without git."""
    try:
        listed = run(["git", "ls-files", "-z", *which, "--", "."], cwd=root, timeout=60)
    except ProgramError:
        return None
    return {name for name in listed.split("\0") if name}


def is_wanted(name: str) -> bool:
    """Is it no junk, nor in a folder of junk? Pure."""
    parts = PurePosixPath(name).parts
    return not any(fnmatch(part, pattern) for part in parts for pattern in LEFT_OUT)


def _walked(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        here = Path(folder).relative_to(root)
        folders[:] = [name for name in folders if is_wanted(name)]
        linked = [name for name in folders if Path(folder, name).is_symlink()]
        for name in (*files, *linked):
            if is_wanted(name):
                yield (here / name).as_posix()


def _ignored(root: Path) -> list[str]:
    try:
        return (root / IGNORE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _look(root: Path, name: str) -> CodeFile | Skipped | None:
    """None for what git tracks and the folder no longer has."""
    path = root / name
    if name != name.strip() or not name.isprintable() or "\ufffd" in name:
        return Skipped(name, "its name can't be sent: a line break, a space at its end, no UTF-8")
    try:
        return _look_at(root, name, path)
    except (FileNotFoundError, RuntimeError):  # the latter: links that lead in a circle
        return Skipped(name, "it leads nowhere") if path.is_symlink() else None
    except OSError as error:
        raise FailedError(
            "code-unreadable",
            what=f"{name} can't be read, and is of the project's code.",
            why=f"{error.strerror or error}.",
            do=f"chmod u+r {name}     (or name it in {IGNORE})",
        ) from error


def _look_at(root: Path, name: str, path: Path) -> CodeFile | Skipped | None:
    linked = path.is_symlink()
    real = path.resolve(strict=True)
    if not real.is_relative_to(root):
        return Skipped(name, "it leads out of the project")
    about = real.stat()
    if stat.S_ISDIR(about.st_mode):
        return Skipped(name, "it leads to a folder" if linked else "it is a repository of its own")
    if not stat.S_ISREG(about.st_mode):
        return Skipped(name, "it is no file")
    with real.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    return CodeFile(name, real, about.st_size, bool(about.st_mode & stat.S_IXUSR), found)
