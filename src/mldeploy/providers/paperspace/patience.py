"""Waiting for what was just made to be known: no document says how soon that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mldeploy.providers import clock
from mldeploy.providers.paperspace.errors import NotThereError

SECONDS, PAUSE_SECONDS = 40.0, 2.0
T = TypeVar("T")


def until(look: Callable[[], T | None]) -> T | None:
    """What ``look`` finds, as soon as it does; None if that takes too long."""
    deadline = clock.monotonic() + SECONDS
    while (found := look()) is None:
        if clock.monotonic() > deadline:
            return None
        clock.sleep(PAUSE_SECONDS)
    return found


def once_known(work: Callable[[], T]) -> T:
    """Do it, again while Paperspace says that it does not know what it has just made for us."""
    deadline = clock.monotonic() + SECONDS
    while True:
        try:
            return work()
        except NotThereError:
            if clock.monotonic() > deadline:
                raise
            clock.sleep(PAUSE_SECONDS)
