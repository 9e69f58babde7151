"""Waiting for a host of the lab: for a condition, never for a time, and never for ever."""

from __future__ import annotations

import time
from collections.abc import Callable

from mldeploy.errors import FailedError


def wait_for(what: str, claim: Callable[[], bool], seconds: float) -> None:
    """``what`` is the claim in words, for the error."""
    deadline = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > deadline:
            raise FailedError(
                "lab-host-silent",
                what="A host of the lab is not as it should be.",
                why=f"Within {seconds:.0f} s it did not come to this: {what}.",
                do="Look at it: python -m tests.lab status",
            )
        time.sleep(0.05)
