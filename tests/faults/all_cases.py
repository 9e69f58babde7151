"""Every case, in the order of the table."""

from __future__ import annotations

from tests.faults import bad_release, clock, engine_trouble, interrupted, killed, two_at_once
from tests.faults.case import Case

CASES: list[Case] = [
    *killed.CASES,
    *bad_release.CASES,
    *interrupted.CASES,
    *two_at_once.CASES,
    *engine_trouble.CASES,
    *clock.CASES,
]
