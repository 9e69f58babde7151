"""Every case, in the order of the table."""

from __future__ import annotations

from tests.faults import bad_release, interrupted, killed
from tests.faults.case import Case

CASES: list[Case] = [*killed.CASES, *bad_release.CASES, *interrupted.CASES]
