"""The files of a job in its container: laid there before it starts, and read from there."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mldeploy.errors import FailedError
from mldeploy.jobs.base import READER, SUPERVISOR
from mldeploy.jobs.record import Job
from mldeploy.jobs.told import order_of

if TYPE_CHECKING:
    from docker.models.containers import Container

    from mldeploy.data.base import Bind

JOB = "/job"  # in a container: code/, kept/, and the notes of the supervisor
TOOLS = f"{JOB}/mldeploy"
USER = 10001
Files = Mapping[str, tuple[bytes | Path, int]]  # what is in it, and its mode


def files_for(job: Job, resumed: Path | None) -> Files:
    """By their path from the root of the container."""
    found: dict[str, tuple[bytes | Path, int]] = {
        f"{TOOLS[1:]}/{SUPERVISOR.name}": (SUPERVISOR, 0o644),
        f"{TOOLS[1:]}/{READER.name}": (READER, 0o644),
        f"{JOB[1:]}/order.json": (json.dumps(order_of(job)).encode(), 0o600),
    }
    for path in sorted(resumed.rglob("*")) if resumed else ():
        if path.is_file():
            assert resumed is not None  # noqa: S101 - for the types alone
            mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            found[f"{JOB[1:]}/resumed/{path.relative_to(resumed).as_posix()}"] = (path, mode)
    return found


def links_for(binds: Sequence[Bind]) -> dict[str, str]:
    """Symbolic links, by their path from the root: what a job finds by a second name.

    Data is also below the code, so that one relative path is right on every target.
    """
    return {f"{JOB[1:]}/code/{bind.at.strip('/')}": bind.at for bind in binds}


def put(container: Container, folder: str, files: Files, links: Mapping[str, str]) -> None:
    """What is below the job's folder belongs to the job's user. A checkpoint may be larger than
    the memory: all of it goes by a file."""
    with tempfile.TemporaryFile(prefix="mld-") as packed:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name in _folders([*files, *links]):
                archive.addfile(_entry(name, 0o755, tarfile.DIRTYPE))
            for name, (content, mode) in files.items():
                entry = _entry(name, mode, tarfile.REGTYPE)
                if isinstance(content, bytes):
                    entry.size = len(content)
                    archive.addfile(entry, io.BytesIO(content))
                else:
                    entry.size = content.stat().st_size
                    with content.open("rb") as reader:
                        archive.addfile(entry, reader)
            for name, to in links.items():
                entry = _entry(name, 0o777, tarfile.SYMTYPE)
                entry.linkname = to
                archive.addfile(entry)
        packed.seek(0)
        taken = container.put_archive(folder, packed)
    if not taken:
        raise FailedError(
            "docker-refused",
            what=f"The engine did not take the files of {container.name}.",
            why=f"Writing below {folder} was refused without a reason.",
            do="mldeploy doctor",
        )


def _entry(name: str, mode: int, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime = kind, mode, int(time.time())
    if f"/{name}/".startswith(f"{JOB}/"):
        entry.uid = entry.gid = USER
    return entry


def _folders(names: Sequence[str]) -> list[str]:
    """The folders above them, the outer ones first."""
    found: dict[str, None] = {}
    for name in names:
        parts = name.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            found["/".join(parts[:depth])] = None
    return list(found)


def read(container: Container, path: str) -> str:
    stream, _ = container.get_archive(path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        for entry in archive:
            if (reader := archive.extractfile(entry)) is not None:
                return reader.read().decode("utf-8", "replace")
    return ""
