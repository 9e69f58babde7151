"""A lock on this machine: the operating system's, which ends with its holder and is never stale."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from mldeploy.errors import RefusedError
from mldeploy.who import user


@contextmanager
def held(lock: Path, action: str, *, what: str) -> Iterator[None]:
    """Hold ``lock`` for one action; raises RefusedError, beginning with ``what``, at once."""
    from filelock import FileLock, Timeout

    lock.parent.mkdir(parents=True, exist_ok=True)
    note = lock.with_suffix(".json")
    file = FileLock(lock, timeout=0)
    try:
        file.acquire()
    except Timeout as error:
        raise refused(what, _holder(note)) from error
    try:
        facts = {"who": user(), "pid": os.getpid(), "action": action, "at": now()}
        note.write_text(json.dumps(facts), encoding="utf-8")
        yield
    finally:
        note.unlink(missing_ok=True)
        file.release()


def refuse_if_held(lock: Path, *, what: str) -> None:
    """Raise what :func:`held` would raise now."""
    from filelock import FileLock, Timeout

    if not lock.exists():
        return
    try:
        with FileLock(lock, timeout=0):
            pass
    except Timeout as error:
        raise refused(what, _holder(lock.with_suffix(".json"))) from error


def refused(what: str, why: str, do: str = "") -> RefusedError:
    return RefusedError(
        "locked",
        what=what,
        why=why,
        do=do or "wait for it, or end it with Ctrl+C there; then run this again",
    )


def _holder(note: Path) -> str:
    try:
        facts = json.loads(note.read_text(encoding="utf-8"))
        holder = f"{facts['who']} (pid {facts['pid']}) has been at `{facts['action']}`"
        return f"{holder} since {facts['at']}."
    except (OSError, ValueError, KeyError):
        return "Another mldeploy command is at work on it."


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
