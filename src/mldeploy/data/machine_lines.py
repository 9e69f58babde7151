"""The contents of files to a machine and back: small ones as a tar, large ones for themselves."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from mldeploy.data import scripts
from mldeploy.data.places import Place
from mldeploy.data.pouring import Pipe, drawn, pour
from mldeploy.data.progress import Progress
from mldeploy.data.scan import Local, changed
from mldeploy.data.versions import Entry
from mldeploy.errors import FailedError
from mldeploy.ssh.connection import LostError
from mldeploy.who import laptop

CHUNK = 256 * 1024
TRIES = 20  # each goes on where the last one was cut
DAMAGED_TRIES = 3
MOST_AT_ONCE = 5_000  # files of one tar
LARGE = 8_000_000  # bytes: what is larger goes over the line for itself
HASH_BYTES_A_SECOND = 20e6  # of a slow disk


class DamagedError(LostError):
    """All of it came, and it is something else."""


def send_large(place: Place, file: Local, progress: Progress) -> bool:
    """Have it there; False if what arrived was damaged, and is gone. Raises LostError.

    Of one laptop only one may append to what has arrived: another of its commands waits.
    """
    with turn(file.sha256, progress):
        return _send_large(place, file, progress)


@contextmanager
def turn(sha256: str, progress: Progress) -> Iterator[None]:
    """Be the only one of this laptop that sends this; the system ends it with its holder."""
    from filelock import FileLock, Timeout

    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "mldeploy"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"sends-{sha256[:2]}.lock", timeout=0)
    while True:
        try:
            lock.acquire(timeout=1)
            break
        except Timeout:
            progress.now("wait for another command of yours that sends the same")
    try:
        progress.now("sent")
        yield
    finally:
        lock.release()


def _send_large(place: Place, file: Local, progress: Progress) -> bool:
    part = f"{file.sha256}.{laptop()}.part"
    said = place.run(scripts.LOOK, place.project, file.sha256, part).out.split()
    if said[-1:] == ["whole"]:
        progress.was_there(file.size)
        return True
    there = min(int(said[-1]) if said and said[-1].isdigit() else 0, file.size)
    progress.was_there(there)

    def fill(pipe: Pipe) -> None:
        with file.path.open("rb") as source:
            source.seek(there)
            left = file.size - there
            while left > 0 and (chunk := source.read(min(CHUNK, left))):
                pipe.write(chunk)
                left -= len(chunk)

    if pour(place, scripts.APPEND, (part, str(there)), fill, progress) == 0:
        progress.now(f"prove {file.path.name}")
        seconds = 60 + file.size / HASH_BYTES_A_SECOND
        done = place.run(scripts.FINISH, place.project, file.sha256, part, seconds=seconds)
        if done.code == 0:
            return True
        if done.code == scripts.DAMAGED:
            return False
    room = place.run(scripts.ROOM, place.project)
    raise FailedError(
        "disk-full" if "no space" in (room.out + room.err).lower() else "data-refused",
        what=f"{file.path.name} did not fit: {place.called}.",
        why=(room.err or room.out).strip()[-300:],
        do="mldeploy data ls   and `mldeploy data rm` what nobody needs; then the same command "
        "goes on where this one was",
    )


def send_batch(place: Place, batch: Sequence[Local], folder: str, progress: Progress) -> int:
    """Send small files; the exit code of what unpacks them. Raises LostError."""

    def fill(pipe: Pipe) -> None:
        # Not closed on the way out of an error: that would write on into a line that is cut.
        archive = tarfile.open(fileobj=cast(IO[bytes], pipe), mode="w|", bufsize=CHUNK)  # noqa: SIM115
        for file in batch:
            entry = tarfile.TarInfo(file.sha256)
            entry.size, entry.mode = file.size, 0o444
            with file.path.open("rb") as source:
                if file.path.stat().st_size != file.size:
                    raise changed(file)
                archive.addfile(entry, source)
            progress.add(file.size)
        archive.close()

    return pour(place, scripts.UNPACK, (folder,), fill)


def fetch(place: Place, objects: Mapping[str, int], into: Path, progress: Progress) -> None:
    """Have files of these hashes in a folder here; raises FailedError."""
    whole = progress.done + sum(objects.values())
    damaged = 0
    for _ in range(TRIES):
        left = {sha256: size for sha256, size in objects.items() if not (into / sha256).exists()}
        progress.at(whole - sum(left.values()))
        if not left:
            return
        try:
            for sha256, size in left.items():
                if size > LARGE:
                    _fetch_large(place, sha256, size, into, progress)
            small = [sha256 for sha256, size in left.items() if size <= LARGE]
            for first in range(0, len(small), MOST_AT_ONCE):
                _fetch_small(place, small[first : first + MOST_AT_ONCE], into, progress)
        except DamagedError:
            damaged += 1
            if damaged == DAMAGED_TRIES:
                break
        except LostError:
            continue
    raise FailedError(
        "data-damaged" if damaged else "download-failed",
        what=f"The data could not be fetched from {place.called}.",
        why="What arrived has another hash than what was pushed, several times."
        if damaged
        else f"The connection broke {TRIES} times.",
        do="push it again from where it is: its contents are damaged there"
        if damaged
        else "the same command goes on where this one was",
    )


def _fetch_large(place: Place, sha256: str, size: int, into: Path, progress: Progress) -> None:
    part = into / f"{sha256}.part"
    there = min(part.stat().st_size, size) if part.exists() else 0
    progress.was_there(there)
    with (
        drawn(place, scripts.READ, (sha256, str(there))) as source,
        part.open("r+b" if part.exists() else "wb") as to,
    ):
        to.truncate(there)
        to.seek(there)
        while chunk := source.read(CHUNK):
            to.write(chunk)
            progress.add(len(chunk))
    if part.stat().st_size < size:
        raise LostError("the download was cut")
    keep_if_whole(part, into / sha256)


def _fetch_small(place: Place, wanted: Sequence[str], into: Path, progress: Progress) -> None:
    listed = "".join(f"{sha256}\n" for sha256 in wanted).encode()
    allowed = set(wanted)
    try:
        with (
            drawn(place, scripts.PACK, (), listed) as source,
            tarfile.open(fileobj=cast(IO[bytes], source), mode="r|", bufsize=CHUNK) as archive,
        ):
            for member in archive:
                content: Any = archive.extractfile(member)
                if member.name not in allowed or content is None:
                    raise LostError("something else came back")
                part = into / f"{member.name}.part"
                with part.open("wb") as to:
                    while chunk := content.read(CHUNK):
                        to.write(chunk)
                        progress.add(len(chunk))
                keep_if_whole(part, into / member.name)
    except tarfile.TarError as error:
        raise LostError("the download was cut") from error


def keep_if_whole(part: Path, name: Path) -> None:
    """Give it its name if that is its hash; otherwise it is gone, and LostError."""
    with part.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found == name.name:
        part.replace(name)
        return
    part.unlink()
    raise DamagedError("what arrived was damaged")


def tree_lines(files: Iterable[Entry]) -> bytes:
    """What the script that lays out a tree reads: folders first, then files."""
    listed = list(files)
    folders = sorted({file.path.rpartition("/")[0] for file in listed} - {""})
    lines = [f"D - ./{folder}/" for folder in folders]
    lines += [f"{'X' if file.executable else 'F'} {file.sha256} ./{file.path}/" for file in listed]
    return "".join(f"{line}\n" for line in lines).encode()
