"""A fault: what is done, what the promises allow then, and the check that it is so."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.faults.place import REPLICAS, Place


@dataclass(frozen=True)
class Case:
    """``run`` raises AssertionError where a promise is broken, else says what was seen.

    It begins with a release that serves, by two replicas. ``first`` begins with nothing. The cases
    of a host (:mod:`tests.faults.far_cases`) get a place on one.
    """

    name: str
    done: str
    allowed: str
    run: Callable[[Any], str]
    in_ci: bool = False
    own_engine: bool = False
    first: bool = False


@dataclass(frozen=True)
class Result:
    """``broken`` is the promise that did not hold, empty if all did."""

    case: Case
    seen: str
    broken: str
    seconds: float


def carry_out(case: Case, place: Place) -> Result:
    """Bring the place to where the case begins, and run it; a fault of the case is a result."""
    begun = time.monotonic()
    try:
        prepare(case, place)
        begun = time.monotonic()
        seen, broken = case.run(place), ""
    except Exception as error:  # noqa: BLE001 - whatever it is, the cases after it still run
        seen, broken = "", f"{type(error).__name__}: {error}"
    return Result(case, seen, broken, time.monotonic() - begun)


def prepare(case: Case, place: Place) -> None:
    """`box`, with its usual settings, serves a sound release; or is down, for a ``first`` case."""
    place.set()
    if case.first:
        place.mldeploy("down", "box", timeout=120)
        place.release("first")
    elif not _serves_well(place):
        place.release("sound")
        place.whole(place.up()["release"])


def _serves_well(place: Place) -> bool:
    """As the case before it left it: a whole `up` less to wait for."""
    try:
        place.whole(place.serves())
        return len(place.replicas()) == REPLICAS
    except (AssertionError, OSError):
        return False
