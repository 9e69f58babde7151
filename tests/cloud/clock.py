"""A thread that lets time pass where nobody calls: machines are to end when they are due."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread


class Clock:
    def __init__(self, tick: Callable[[], None], every: float = 0.2) -> None:
        self._ended = Event()
        self._thread = Thread(target=self._run, args=(tick, every), daemon=True)
        self._thread.start()

    def _run(self, tick: Callable[[], None], every: float) -> None:
        while not self._ended.wait(every):
            tick()

    def close(self) -> None:
        self._ended.set()
        self._thread.join(timeout=10)
