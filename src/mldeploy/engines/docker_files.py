"""Files in a container or its volumes, running or not, through the engine's own API."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldeploy.engines.docker_repeat import repeated
from mldeploy.errors import FailedError

if TYPE_CHECKING:
    from docker.models.containers import Container

LARGEST = 20_000_000  # bytes: what is read here are small files of ours


@dataclass(frozen=True)
class File:
    """Content with its mode and owner; ``link`` makes it a symbolic link instead."""

    content: bytes = b""
    mode: int = 0o644
    owner: int = 0
    link: str = ""


def put(container: Container, folder: str, files: Mapping[str, File]) -> None:
    """Write files below ``folder``, which must exist; names may have folders, which are made."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in _folders_of(files):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, 0o755, int(time.time())
            archive.addfile(entry)
        for name, file in files.items():
            entry = tarfile.TarInfo(name)
            entry.mode, entry.mtime = file.mode, int(time.time())
            entry.uid = entry.gid = file.owner
            if file.link:
                entry.type, entry.linkname = tarfile.SYMTYPE, file.link
            entry.size = 0 if file.link else len(file.content)
            archive.addfile(entry, None if file.link else io.BytesIO(file.content))
    if not container.put_archive(folder, buffer.getvalue()):
        raise FailedError(
            "docker-refused",
            what=f"The engine did not take files for {container.name}.",
            why=f"Writing {', '.join(files)} below {folder} was refused without a reason.",
            do="mldeploy doctor",
        )


def get(container: Container, path: str) -> dict[str, File]:
    """What is at ``path``, by name from there (``""`` is itself); empty if there is nothing."""
    return repeated(lambda: _get_once(container, path))


def _get_once(container: Container, path: str) -> dict[str, File]:
    import docker

    with suppress(docker.errors.NotFound):
        stream, _ = container.get_archive(path)
        buffer = io.BytesIO()
        for chunk in stream:
            buffer.write(chunk)
            if buffer.tell() > LARGEST:
                raise ValueError(f"{path} in {container.name} is larger than {LARGEST} bytes")
        buffer.seek(0)
        with tarfile.open(fileobj=buffer) as archive:
            return {
                entry.name.partition("/")[2]: _file(archive, entry)
                for entry in archive
                if entry.isfile() or entry.issym()
            }
    return {}


def _file(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> File:
    if entry.issym():
        return File(link=entry.linkname)
    reader = archive.extractfile(entry)
    return File(reader.read() if reader else b"", entry.mode, entry.uid)


def _folders_of(files: Mapping[str, File]) -> list[str]:
    found: dict[str, None] = {}
    for name in files:
        parts = name.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            found["/".join(parts[:depth])] = None
    return list(found)
