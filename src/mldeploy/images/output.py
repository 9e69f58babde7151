"""What a build says, as it goes on: the step it is at, its last lines, its end."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

QUIET_SECONDS = 2.0
KEPT_LINES = 15
NOISE = ("--->", "Removing intermediate container", "Successfully ")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Output:
    """``say`` gets a line of progress when nothing was said for two seconds and there is news."""

    def __init__(self, name: str, say: Callable[[str], None]) -> None:
        self.name = name
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.step = ""
        self.failed = ""
        self._say = say
        self._said_at = time.monotonic()
        self._said = ""
        self._begun = ""  # of a line: what a program prints arrives in pieces

    def take(self, event: Mapping[str, Any]) -> None:
        """One event of the engine's build stream."""
        if "error" in event:
            self.failed = str(event.get("errorDetail", {}).get("message") or event["error"])
        *whole, self._begun = (self._begun + str(event.get("stream", ""))).split("\n")
        for line in whole:
            self.line(line)

    def line(self, text: str) -> None:
        """One line of a build's output, of either builder."""
        shown = COLOUR.sub("", text).strip()
        if not shown or shown.startswith(NOISE):
            return
        if found := re.match(r"Step (\d+/\d+) : (.*)|#\d+ \[[^]]*?(\d+/\d+)\] (.*)", shown):
            self.step = found[1] or found[3]
            shown = found[2] or found[4]
        self.lines.append(shown)
        if time.monotonic() - self._said_at >= QUIET_SECONDS:
            self.tell()

    def tell_if_quiet(self) -> None:
        """For who reads a build's output now and then: it may stand in one line for minutes."""
        if time.monotonic() - self._said_at >= QUIET_SECONDS:
            self.tell()

    def tell(self) -> None:
        """Say where the build is, unless that was said already."""
        now = f"{self.name}, step {self.step}: {self.lines[-1] if self.lines else ''}"[:100]
        if now != self._said:
            self._say(now)
        self._said, self._said_at = now, time.monotonic()

    @property
    def tail(self) -> str:
        return "\n".join(self.lines)
