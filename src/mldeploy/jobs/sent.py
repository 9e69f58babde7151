"""The code of a job as it was sent: kept here as one file, by its content, for as long as a job
of it is known."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mldeploy.errors import FailedError
from mldeploy.jobs import shelf
from mldeploy.jobs.code import Code
from mldeploy.project import Project


def keep(project: Project, code: Code) -> None:
    """Have it here. A job runs what was kept, whatever is edited in the meantime."""
    place = shelf.code_of(project, code.digest)
    if place.exists():
        return
    project.make_state()
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f"{place.name}.{os.getpid()}")
    try:
        with (
            draft.open("wb") as out,
            gzip.GzipFile("", "wb", 6, out, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w") as archive,
        ):
            for file in code.files:
                content = file.path.read_bytes()
                entry = tarfile.TarInfo(file.name)
                entry.size, entry.mode = len(content), 0o755 if file.executable else 0o644
                archive.addfile(entry, io.BytesIO(content))
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def unpacked(project: Project, digest: str) -> Iterator[Path]:
    """A folder with just that code, meanwhile."""
    with tempfile.TemporaryDirectory(prefix="mld-") as folder:
        code = Path(folder, "code")
        unpack(project, digest, code)
        yield code


def unpack(project: Project, digest: str, into: Path) -> None:
    """Raises FailedError when it is not kept here, or damaged."""
    place = shelf.code_of(project, digest)
    try:
        with tarfile.open(place) as archive:
            into.mkdir(parents=True, exist_ok=True)
            archive.extractall(into, filter="data")
    except (OSError, tarfile.TarError) as error:
        raise FailedError(
            "no-code",
            what="The code of that job is not here any more.",
            why=f"{place.name}: {error}",
            do="mldeploy run -- COMMAND     (with the code as it is now)",
        ) from error
