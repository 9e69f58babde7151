"""What a folder holds: its files, with their hashes. Nothing of it is changed."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mldeploy.data.progress import Progress
from mldeploy.data.versions import MOST_FILES, Entry, unsafe
from mldeploy.errors import ConfigError, FailedError
from mldeploy.ui import Ui

CHUNK = 1 << 20


@dataclass(frozen=True)
class Local:
    """A file here, and what it must be when it arrives."""

    path: Path
    size: int
    sha256: str


@dataclass(frozen=True)
class Scanned:
    """``sources`` has one file for each content."""

    entries: tuple[Entry, ...]
    sources: dict[str, Local]
    empty_folders: int


def scan(path: Path, ui: Ui) -> Scanned:
    """Read a folder, or one file.

    Raises :class:`ConfigError` for what can't be data: nothing, a link that leads out of the
    folder, a socket, a name that other systems can't have.
    """
    if not path.exists():
        raise _refused(path, "There is no such file or folder.", "ls")
    found = [(path.name, path)] if path.is_file() else sorted(_files(path))
    if not found:
        raise _refused(path, "There is no file in it.", f"ls -la {path}")
    if len(found) > MOST_FILES:
        raise _refused(
            path,
            f"It has {len(found):,} files; {MOST_FILES:,} are the most.",
            f"pack them first: tar -cf data.tar {path}   and push data.tar",
        )
    whole = sum(each.stat().st_size for _, each in found)
    with Progress(ui, "read", whole) as progress:
        hashed = [(name, each, *_hash(each, progress)) for name, each in found]
    entries = tuple(
        Entry(name, size, sha256, _executable(each)) for name, each, size, sha256 in hashed
    )
    sources = {sha256: Local(each, size, sha256) for _, each, size, sha256 in hashed}
    return Scanned(entries, sources, 0 if path.is_file() else _empty_folders(path))


def changed(file: Local) -> FailedError:
    return FailedError(
        "data-changed",
        what=f"{file.path} is not what it was a moment ago.",
        why="It was written to while it was sent; a version is made of what doesn't change.",
        do="when it is finished, the same command: what arrived is not sent again",
    )


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    real = root.resolve()
    for folder, below, names in os.walk(root, onerror=_unreadable):
        for name in [each for each in below if Path(folder, each).is_symlink()]:
            raise _refused(
                Path(folder, name),
                "It is a link to a folder.",
                "replace it by the folder itself (cp -rL), or push that folder for itself",
            )
        for name in names:
            path = Path(folder, name)
            told = path.relative_to(root).as_posix()
            if why := unsafe(told):
                shown = told.encode("utf-8", "replace").decode()
                raise _refused(Path(repr(shown)), f"Its name: {why}.", "rename it")
            _check(path, real)
            yield told, path


def _check(path: Path, root: Path) -> None:
    """A link to a file of the same folder is that file; one that leads out is refused."""
    if path.is_symlink():
        leads = path.resolve()
        if not leads.is_relative_to(root):
            raise _refused(
                path, f"It is a link that leads out of the folder, to {leads}.",
                "replace it by a copy (cp -L), or remove it",
            )  # fmt: skip
        if not leads.exists():
            raise _refused(path, "It is a link that leads nowhere.", f"rm {path}")
    if not stat.S_ISREG(path.stat().st_mode):
        raise _refused(path, "It is neither a file nor a folder.", f"rm {path}")


def _hash(path: Path, progress: Progress) -> tuple[int, str]:
    whole, size = hashlib.sha256(), 0
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            whole.update(chunk)
            size += len(chunk)
            progress.add(len(chunk))
    return size, whole.hexdigest()


def _executable(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXUSR)


def _empty_folders(root: Path) -> int:
    return sum(not below and not names for _, below, names in os.walk(root))


def _unreadable(error: OSError) -> None:
    raise error


def _refused(path: Path, why: str, do: str) -> ConfigError:
    return ConfigError("not-data", what=f"{path} can't be part of a version.", why=why, do=do)
