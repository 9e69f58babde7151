"""Reading the log files of the process engine: the end of one, and following from run to run."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}")
PAUSE_SECONDS = 0.2


class LoggedRun(Protocol):
    """What is needed of a run."""

    @property
    def folder(self) -> Path: ...
    @property
    def release(self) -> str: ...
    @property
    def log(self) -> Path: ...


def last_of(log: Path, *, lines: int | None, since: datetime | None) -> tuple[Iterable[str], int]:
    """The last ``lines`` whole lines (all if None) not older than ``since``, and where they end.

    Following goes on from that place: a line written in between is neither lost nor shown twice.
    """
    position, whole = _read_on(log, 0)
    wanted = not_before(iter(whole), since)
    return (list(wanted) if lines is None else deque(wanted, maxlen=lines)), position


def not_before(lines: Iterator[str], since: datetime | None) -> Iterator[str]:
    """Lines from ``since`` on; one without a time, such as of a traceback, goes with the last."""
    passing = since is None
    for line in lines:
        stamp = STAMP.match(line)
        if since is not None and stamp:
            passing = datetime.strptime(stamp.group(), "%Y-%m-%dT%H:%M:%S%z") >= since
        if passing:
            yield line


def follow_runs(
    shown: LoggedRun,
    position: int,
    current: Callable[[], LoggedRun | None],
    pause: float = PAUSE_SECONDS,
) -> Iterator[str]:
    """Lines after ``position`` as they come; after a switch, the next run's. Ends with Ctrl+C."""
    while True:
        position, fresh = _read_on(shown.log, position)
        yield from fresh
        now = current()
        if now is not None and now.folder != shown.folder and not fresh:
            shown, position = now, 0
            yield f"--- now release {shown.release} ---"
            continue
        if not fresh:
            time.sleep(pause)


def _read_on(log: Path, position: int) -> tuple[int, list[str]]:
    """Whole lines after ``position``; a file that shrank was cut by its server, so begin again."""
    if not log.exists():
        return 0, []
    with log.open("rb") as file:
        if file.seek(0, os.SEEK_END) < position:
            position = 0
        file.seek(position)
        whole, newline, _ = file.read().rpartition(b"\n")
    if not newline:
        return position, []
    return position + len(whole) + 1, whole.decode("utf-8", "replace").split("\n")
