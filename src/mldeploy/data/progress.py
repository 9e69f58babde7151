"""How far something is: bytes of bytes and how fast, at the latest every two seconds."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType

from mldeploy.ui import Ui

EVERY_SECONDS = 1.8
REDRAW_SECONDS = 0.2  # on a terminal, where one line is written over


class Progress:
    """Told from any thread; said by one of its own, as what is slow may also be stuck.

    What is quicker than that says nothing.
    """

    def __init__(self, ui: Ui, doing: str, whole: int) -> None:
        self._ui = ui
        self._doing = doing
        self._whole = whole
        self._done = 0
        self._sent = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._tell, daemon=True)

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=5)
        if self._ui.lively:
            self._write("\r\x1b[K")

    def add(self, count: int) -> None:
        """So many bytes more were moved."""
        with self._lock:
            self._done += count
            self._sent += count

    def was_there(self, count: int) -> None:
        """So many bytes more, which an earlier try had moved."""
        with self._lock:
            self._done += count

    def at(self, count: int) -> None:
        """So many bytes are there now: what was lost on the way has to be moved again."""
        with self._lock:
            self._done = count

    def now(self, doing: str) -> None:
        """Something else is being done with the same bytes."""
        self._doing = doing

    @property
    def done(self) -> int:
        """Bytes that are where they belong, or seem to be."""
        return self._done

    @property
    def sent(self) -> int:
        """Bytes that were moved in this run, those that were lost too."""
        return self._sent

    @property
    def rate(self) -> str:
        """Of what was moved, for a person."""
        return f"{sized(int(self._sent / max(time.monotonic() - self._began, 0.001)))}/s"

    def _tell(self) -> None:
        lively = self._ui.lively
        while not self._ended.wait(REDRAW_SECONDS if lively else EVERY_SECONDS):
            if lively:
                self._write(f"\r\x1b[K  {self._text()}")
            else:
                self._ui.note(self._text())

    def _text(self) -> str:
        percent = f", {100 * self._done // self._whole} %" if self._whole else ""
        return f"{self._doing}: {sized(self._done)} of {sized(self._whole)}{percent}, {self.rate}"

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def sized(count: int) -> str:
    """Bytes for a person, in thousands, as disks and bills count."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
