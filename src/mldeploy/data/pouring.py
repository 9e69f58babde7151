"""Bytes into a script that runs on a machine, and out of one, with a bound on every wait."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

from mldeploy.data.places import Place
from mldeploy.data.progress import Progress
from mldeploy.data.scripts import BEGIN
from mldeploy.ssh.connection import LostError

STALLED_SECONDS = 60.0  # ssh itself gives up a dead line after twenty
CUT = (255, -signal.SIGKILL, 128 + signal.SIGKILL)  # ssh's own, and of who was killed


class Pipe:
    """One end of a script; each ``read`` and ``write`` counts as a sign of life."""

    def __init__(self, end: IO[bytes], progress: Progress | None = None) -> None:
        self._end = end
        self._progress = progress
        self.moved = time.monotonic()

    def write(self, chunk: bytes) -> int:
        self._end.write(chunk)
        self._count(len(chunk))
        return len(chunk)

    def read(self, size: int) -> bytes:
        chunk = self._end.read(size)
        self._count(len(chunk))
        return chunk

    def lines(self) -> Iterator[str]:
        line = b""
        while letter := self.read(1):
            if letter != b"\n":
                line += letter
            else:
                yield line.decode("utf-8", "replace")
                line = b""

    def _count(self, size: int) -> None:
        self.moved = time.monotonic()
        if self._progress is not None:
            self._progress.add(size)


def pour(
    place: Place,
    script: str,
    words: tuple[str, ...],
    fill: Callable[[Pipe], None],
    progress: Progress | None = None,
) -> int:
    """Start a script, let ``fill`` write to it, and return its exit code; count what it wrote.

    Raises :class:`LostError` where the line broke: how much arrived is for the next look.
    """
    place.ensure()
    process = place.start(script, place.project, *words, quiet=True)
    if process.stdin is None:
        raise AssertionError("it was started with a pipe")
    pipe = Pipe(process.stdin, progress)
    code: int = -signal.SIGKILL
    with _watched(process, pipe):
        try:
            fill(pipe)
            process.stdin.close()
            pipe.moved = time.monotonic()
            code = process.wait(timeout=STALLED_SECONDS + 30)
        except BrokenPipeError:  # it ended; its code says why
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(timeout=STALLED_SECONDS)
        except subprocess.TimeoutExpired:
            pass  # nothing more moves
    if code in CUT:
        raise LostError("the upload was cut")
    return code


@contextmanager
def drawn(place: Place, script: str, words: tuple[str, ...], stdin: bytes = b"") -> Iterator[Pipe]:
    """What a script writes, to be read; raises :class:`LostError` if the line breaks meanwhile."""
    place.ensure()
    process = place.start(script, place.project, *words)
    if process.stdin is None or process.stdout is None:
        raise AssertionError("it was started with pipes")
    pipe = Pipe(process.stdout)
    with _watched(process, pipe):
        with suppress(BrokenPipeError):
            process.stdin.write(stdin)
            process.stdin.close()
        _skip_to_begin(pipe)
        yield pipe
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
    if process.returncode in CUT:
        raise LostError("the download was cut")


def _skip_to_begin(pipe: Pipe) -> None:
    said = b""
    while not said.endswith(BEGIN):
        letter = pipe.read(1)
        if not letter:
            raise LostError(said.decode("utf-8", "replace")[-300:] or "it said nothing")
        said += letter


@contextmanager
def _watched(process: subprocess.Popen[bytes], pipe: Pipe) -> Iterator[None]:
    """What moves nothing for a minute is ended, and all of it at the end."""
    done = threading.Event()

    def watch() -> None:  # a write into a dead line stands still for ever
        while not done.wait(1):
            if time.monotonic() - pipe.moved > STALLED_SECONDS:
                process.kill()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        if process.poll() is None:
            process.kill()
            process.wait(timeout=10)
        for end in (process.stdin, process.stdout, process.stderr):
            with suppress(OSError):
                if end is not None:
                    end.close()
        watcher.join(timeout=5)
