"""Where the lab keeps its things: all of it can be deleted, the next start makes it again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mldeploy.errors import RefusedError

CACHE = Path.home() / ".cache" / "mldeploy-lab"
UNFINISHED = "unfinished-"
LOCK_SECONDS = 600  # a whole cold start of somebody else fits in


@contextmanager
def locked(cache: Path = CACHE, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """One start or stop of the lab at a time on this machine; the lock dies with its holder."""
    from filelock import FileLock, Timeout

    cache.mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache / "lab.lock")
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        raise RefusedError(
            "lab-locked",
            what="The lab was not touched.",
            why=f"Another `python -m tests.lab` has been at work for {seconds:.0f} s.",
            do="Look what it waits for: ps aux | grep tests.lab",
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def unfinished(cache: Path) -> Iterator[Path]:
    """A folder for what is not whole yet; it goes, also with the next start if we are killed."""
    cache.mkdir(parents=True, exist_ok=True)
    for left in cache.glob(f"{UNFINISHED}*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=cache) as folder:
        yield Path(folder)
