"""What the worlds of all clouds need of a laptop: it may lose its power, and it tells things."""

from __future__ import annotations

from mldeploy.ui import Ui


class Crash(BaseException):
    """As if the laptop's power failed: nothing catches it."""


class Told(Ui):
    """One that keeps what it says."""

    def __init__(self) -> None:
        super().__init__(agreed=True)
        self.lively = False
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)
