"""Waiting for a cloud's lists: what was just made is shown "eventually", mostly within seconds.

No document says how soon that is; EC2 calls it eventual consistency.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mldeploy.providers import clock
from mldeploy.providers.base import NotKnownError

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
    """Do it, again while the cloud says that it does not know what it has just made for us."""
    deadline = clock.monotonic() + SECONDS
    while True:
        try:
            return work()
        except NotKnownError:
            if clock.monotonic() > deadline:
                raise
            clock.sleep(PAUSE_SECONDS)
