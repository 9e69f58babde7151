"""A build context as a stream of tar bytes: the same files, the same bytes, whoever sends them."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from mldeploy.images.recipe import File

CHUNK = 1_000_000  # bytes
MOMENT = 315_619_200  # 1980-01-02: old enough for anything, and not before what zip files know


def stream(files: Iterable[File]) -> Iterator[bytes]:
    """The files as a tar archive, sorted, owned by root, readable by all, with one fixed date.

    Nothing is held in memory but a chunk: a model may have gigabytes.
    """
    folders: set[str] = set()
    for file in sorted(files, key=lambda each: each.name):
        for folder in reversed(PurePosixPath(file.name).parents[:-1]):
            if str(folder) not in folders:  # one that is not named gets the date of the build
                folders.add(str(folder))
                yield _header(f"{folder}/", 0, folder=True)
        if isinstance(file.source, bytes):
            yield _header(file.name, len(file.source), run=file.executable)
            yield file.source
            yield _padding(len(file.source))
        else:
            yield from _from_disk(file.name, file.source, run=file.executable)
    yield b"\0" * 2 * tarfile.BLOCKSIZE  # the end of an archive


def _from_disk(name: str, path: Path, *, run: bool) -> Iterator[bytes]:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        yield _header(name, size, run=run)
        left = size
        while left and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
    if left:
        raise OSError(f"{path} became shorter while it was read")
    yield _padding(size)


def _header(name: str, size: int, *, folder: bool = False, run: bool = False) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.type = tarfile.DIRTYPE if folder else tarfile.REGTYPE
    entry.size, entry.mode, entry.mtime = size, 0o755 if folder or run else 0o644, MOMENT
    return entry.tobuf(format=tarfile.PAX_FORMAT)  # long names, and those that are not ASCII


def _padding(size: int) -> bytes:
    return b"\0" * (-size % tarfile.BLOCKSIZE)
