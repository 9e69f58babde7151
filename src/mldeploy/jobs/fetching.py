"""Bring home what a job left: each file is compared with its hash, and nothing is fetched twice."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mldeploy.errors import FailedError
from mldeploy.jobs.base import CutError, Runner
from mldeploy.jobs.record import Job
from mldeploy.ui import Ui

TRIES = 5
PAUSE_SECONDS = 2.0  # the first time, then twice as long each time
CHUNK = 1 << 20


@dataclass(frozen=True)
class Kept:
    """One file of a job: its path below the job's folder here, its size, its SHA-256."""

    path: str
    bytes: int
    sha256: str
    executable: bool
    group: str


def fetch(job: Job, runner: Runner, into: Path, ui: Ui) -> list[Kept]:
    """Have all that the job left in ``into``, whole or not at all; raises FailedError.

    What has come stays in ``into``/partial when it fails, and is not fetched again.
    """
    wanted = read_listing(_one_file(job, runner, "kept/manifest.json"))
    partial = into / "partial"
    partial.mkdir(parents=True, exist_ok=True)
    _refuse_without_room(job, sum(one.bytes for one in wanted), into)
    missing = _missing(wanted, partial)
    done = sum(one.bytes for one in wanted) - sum(one.bytes for one in missing)
    for left in reversed(range(TRIES)):
        for group in dict.fromkeys(one.group for one in missing):
            try:
                for one in _take(job, runner, group, missing, partial):
                    done += one.bytes
                    ui.progress(f"fetched {size(done)} of {size(sum(k.bytes for k in wanted))}")
            except CutError as error:
                if left:
                    pause = PAUSE_SECONDS * 2 ** (TRIES - 1 - left)
                    ui.note(f"the transfer broke off ({error}); again in {pause:.0f} s")
                    time.sleep(pause)
                break
        missing = _missing(wanted, partial)
        if not missing:
            break
    if missing:
        raise FailedError(
            "fetch-failed",
            what=f"{len(missing)} of {len(wanted)} files of job {job.number} did not come whole.",
            why=f"The transfer broke off, or what came was damaged, {TRIES} times.",
            do=f"mldeploy jobs fetch {job.number}   (what has come is not fetched again)",
        )
    _put_in_place(wanted, partial, into)
    return wanted


def read_listing(text: str) -> list[Kept]:
    """Raises FailedError for a list that is damaged, or that names files out of their folder."""
    try:
        found = [Kept(**one) for one in json.loads(text)["files"]]
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(f"It is no list of ours: {error}") from error
    for one in found:
        parts = PurePosixPath(one.path).parts
        if parts[0] not in ("outputs", "runs", "metrics.jsonl") or ".." in parts:
            raise _damaged(f"It names {one.path!r}, which does not belong to a job.")
    return found


def size(count: float) -> str:
    """Bytes for a person; sizes count in thousands, as disks and bills do."""
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def as_file(stream: Iterable[bytes]) -> Any:
    """What comes in pieces, to be read like a file, by tarfile."""
    return _Stream(iter(stream))


def _take(
    job: Job, runner: Runner, group: str, missing: Sequence[Kept], partial: Path
) -> Iterator[Kept]:
    """Each file of a group that came whole. What is damaged on the way stays missing."""
    wanted = {one.path: one for one in missing if one.group == group}
    try:
        with tarfile.open(fileobj=as_file(runner.read(job, f"kept/{group}")), mode="r|") as archive:
            for entry in archive:
                one = wanted.get(entry.name.partition("/")[2])
                if one is None or not entry.isfile():
                    continue
                reader = archive.extractfile(entry)
                if reader is not None and _write(reader, partial / one.path, one):
                    yield one
    except (tarfile.TarError, EOFError) as error:
        raise CutError(str(error)) from error
    except FileNotFoundError as error:
        raise FailedError(
            "outputs-gone",
            what=f"What job {job.number} left is not on {runner.where} any more.",
            why=f"There is no {error}.",
            do=f"mldeploy run --from {job.number}",
        ) from error


def _write(reader: Any, to: Path, one: Kept) -> bool:
    to.parent.mkdir(parents=True, exist_ok=True)
    draft = to.with_name(f"{to.name[:200]}.mldeploy-part")
    digest = hashlib.sha256()
    with draft.open("wb") as file:
        while chunk := reader.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != one.sha256:
        draft.unlink()
        return False
    draft.chmod(0o755 if one.executable else 0o644)
    draft.replace(to)
    return True


def _missing(wanted: Sequence[Kept], partial: Path) -> list[Kept]:
    return [one for one in wanted if not _is_whole(partial / one.path, one)]


def _is_whole(path: Path, one: Kept) -> bool:
    if not path.is_file() or path.stat().st_size != one.bytes:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == one.sha256


def _put_in_place(wanted: Sequence[Kept], partial: Path, into: Path) -> None:
    tops = {PurePosixPath(one.path).parts[0] for one in wanted}
    for top in sorted(tops):
        to = into / top
        if to.is_dir():
            shutil.rmtree(to)
        (partial / top).replace(to)
    shutil.rmtree(partial)


def _one_file(job: Job, runner: Runner, path: str) -> str:
    for left in reversed(range(TRIES)):
        try:
            with tarfile.open(fileobj=as_file(runner.read(job, path)), mode="r|") as archive:
                for entry in archive:
                    if (reader := archive.extractfile(entry)) is not None:
                        return reader.read().decode("utf-8")
        except (CutError, tarfile.TarError, EOFError) as error:
            if not left:
                raise FailedError(
                    "fetch-failed",
                    what=f"It is not known what job {job.number} left: the transfer breaks off.",
                    why=str(error),
                    do=f"mldeploy jobs fetch {job.number}",
                ) from error
            time.sleep(PAUSE_SECONDS)
        except FileNotFoundError:
            break
    raise _damaged(f"There is no {path} on {runner.where}.")


def _refuse_without_room(job: Job, needed: int, into: Path) -> None:
    free = shutil.disk_usage(into).free
    if needed > free:
        raise FailedError(
            "disk-full",
            what=f"There is no room here for what job {job.number} left.",
            why=f"It is {size(needed)}, and {size(free)} are free in {into}.",
            do=f"free some space, then: mldeploy jobs fetch {job.number}",
        )


def _damaged(why: str) -> FailedError:
    return FailedError(
        "no-listing",
        what="The list of what the job left is not there, or damaged.",
        why=why,
        do="mldeploy jobs logs     (shows how it ended); again: mldeploy run --from JOB",
    )


class _Stream:
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces
        self.kept = b""

    def read(self, most: int) -> bytes:
        """Not more than is there: what came before a line broke is used."""
        while not self.kept:
            try:
                self.kept = next(self.pieces)
            except StopIteration:
                return b""
        given, self.kept = self.kept[:most], self.kept[most:]
        return given
