"""Keeps the time of one simulated machine: `python -m mldeploy.providers.fake.keeper FOLDER`.

It ends the machine, and what serves there, when its lifetime is over, and then ends itself. So it
does when the folder goes, and after a week in any case: nothing of ours runs for ever unseen.
While it lives it holds a lock of the operating system, which ends with it, however it ends.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from mldeploy.providers import lifetime

MACHINE, EXPIRES, ENDED, SERVES = "machine.json", "expires", "ended", "serves"
KEEPER_LOCK = "keeper.lock"
LOOK_SECONDS = 0.5
LONGEST_SECONDS = 7 * 24 * 3600


def keep(folder: Path) -> None:
    """Return when the machine has ended."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / KEEPER_LOCK)
    try:
        lock.acquire(timeout=5)  # who looks whether we live holds it for a moment
    except Timeout:
        return  # there is a keeper already
    try:
        _watch(folder)
    finally:
        lock.release()


def _watch(folder: Path) -> None:
    last = time.monotonic() + LONGEST_SECONDS
    serves = ""
    while (folder / MACHINE).exists():
        serves = read(folder / SERVES) or serves
        if (folder / ENDED).exists():
            break
        if is_over(read(folder / EXPIRES), time.time()):
            _note_end(folder, "its lifetime was over")
        elif time.monotonic() > last:
            _note_end(folder, "a simulated machine ends after a week")
        else:
            time.sleep(LOOK_SECONDS)
    _end_servers(serves)


def is_over(expires: str, now: float) -> bool:
    """As :data:`mldeploy.providers.lifetime.PROGRAM` has it: what says nothing is over."""
    if expires == lifetime.NEVER:
        return False
    return not expires.isdigit() or now >= int(expires)


def end(folder: Path, why: str) -> None:
    """End the machine, and what serves there. May be done twice."""
    _note_end(folder, why)
    _end_servers(read(folder / SERVES))


def _note_end(folder: Path, why: str) -> None:
    with suppress(FileNotFoundError):  # the folder went meanwhile
        if not (folder / ENDED).exists():
            write(folder / ENDED, why)


def _end_servers(runs: str) -> None:
    from mldeploy.engines import process_run

    if not runs or not Path(runs).is_dir():
        return
    for folder in Path(runs).iterdir():
        run = process_run.Run(folder)
        if (process := process_run.process_of(run)) is not None:
            process_run.end(run, process, "its machine ended")


def lives(folder: Path) -> bool:
    """Is there a keeper at work?"""
    from filelock import FileLock, Timeout

    place = folder / KEEPER_LOCK
    if not place.exists():
        return False
    try:
        with FileLock(place, timeout=0):
            return False
    except (Timeout, OSError):
        return folder.exists()


def read(file: Path) -> str:
    """Empty where there is nothing."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def write(file: Path, text: str) -> None:
    """Whole or not at all."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
