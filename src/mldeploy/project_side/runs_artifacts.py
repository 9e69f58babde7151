"""The files of a job's runs: where they lie in what was fetched, and where they come to lie here.

A file is copied to a folder beside its place and compared by sha256; whole folders are then renamed
into place. What lies there already, of a run that the database does not know, is what a merge left
that was killed just before it was done.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

if TYPE_CHECKING:
    from mldeploy.project_side.runs_stores import FILES, Trouble
else:
    from runs_stores import FILES, Trouble


@dataclass(frozen=True)
class Folder:
    """The artifacts of one run, or of one logged model."""

    owner: str  # its id
    was: str  # where they lay in the job
    home: str  # the same here; what lies in a bucket stays there
    source: Path | None  # in what was fetched
    place: Path | None  # here


def folder(owner: str, was: str, fetched: Path, here: Path) -> Folder:
    """Of the run or model ``owner``; ``here`` is the folder that it gets."""
    if not is_local(was):
        return Folder(owner, was, was, None, None)
    return Folder(owner, was, here.as_uri(), _found(was, fetched), here)


def is_local(uri: str) -> bool:
    return urlsplit(uri).scheme in ("", "file")


def path_of(uri: str) -> Path:
    """Of an address for which is_local holds."""
    parts = urlsplit(uri)
    return Path(url2pathname(parts.path) if parts.scheme else uri)


def stage(folder: Folder, workshop: Path) -> None:
    """Copy the files, and read the copies again: are they the same?"""
    if folder.source is None:
        return
    for file in sorted(folder.source.rglob("*")):
        # A link could lead to any file of this machine: it was made on another one.
        if file.is_symlink() or not file.is_file():
            continue
        copy = workshop / folder.owner / file.relative_to(folder.source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
        if sha256(file) != sha256(copy):
            raise Trouble(
                "copy-differs",
                "A file of the job was not copied as it is.",
                f"The sha256 of {copy} differs from that of {file}.",
                "check the disk, then run this again; nothing was merged",
            )


def put(folder: Folder, workshop: Path) -> None:
    """Move the staged files into place, as one step."""
    staged = workshop / folder.owner
    if folder.place is None or not staged.is_dir():
        return
    folder.place.parent.mkdir(parents=True, exist_ok=True)
    if folder.place.exists():
        folder.place.rename(workshop / f"{folder.owner}.before")
    staged.rename(folder.place)


def of_run(store: sqlite3.Connection, run_id: str) -> Path | None:
    """Where the files of a run lie here; None where that is no folder of this machine."""
    chosen = "SELECT artifact_uri FROM main.runs WHERE run_uuid = ?"
    [(uri,)] = store.execute(chosen, (run_id,)).fetchall()
    return path_of(uri) if is_local(uri) else None


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _found(was: str, fetched: Path) -> Path | None:
    """The folder that lay at ``was``: of its path, the longest end that is there."""
    parts = PurePosixPath(path_of(was).as_posix()).parts
    if ".." in parts:
        return None
    for start in range(len(parts) - 1):  # at least two parts: the id, and `artifacts`
        for base in (fetched, fetched / FILES):
            candidate = base.joinpath(*(part for part in parts[start:] if part != "/"))
            if candidate.is_dir():
                return candidate
    return None
