"""A laptop whose clock is wrong: by libfaketime, for `mldeploy` and what it starts alone."""

from __future__ import annotations

from pathlib import Path

from mldeploy.ui import Ui
from tests.faults.case import Case
from tests.faults.load import load_on
from tests.faults.place import BOX, Place
from tests.lab import packages


def clock_set_back(place: Place) -> str:
    """Three releases, the later two in the past; what came before what is told right."""
    first = place.serves()
    with load_on(place, connections=4, rate=5) as load:
        load.phase("deploys")
        second = _up_at("-400d", place, "second")
        third = _up_at("-400d", place, "third")
        events = place.must("history", BOX)["events"]
        order = [each["release"] for each in events if each["action"] == "up"]
        assert order[:3] == [third, second, first], f"history has the order {order}"
        place.must("status", BOX)
        assert place.must("rollback", BOX)["release"] == second
    assert load.phases[-1].failed == 0, load.phases[-1].trouble
    place.whole(second)
    return "both `up`s and `rollback` did what they say; history keeps the order of what happened"


def clock_set_forward(place: Place) -> str:
    place.whole(_up_at("+400d", place, "ahead"))
    place.release("again")
    last = place.up()["release"]
    place.whole(last)
    events = place.must("history", BOX)["events"]
    assert events[0]["release"] == last, "what came last is not first in history"
    place.must("status", BOX)
    receipt = place.must("down", BOX)
    assert receipt["left"] == []
    return "`up`, `history`, `status` and `down` did what they say"


def _up_at(shift: str, place: Place, marker: str) -> str:
    packages.install({"faketime": "faketime"}, Ui(), purpose="A clock that is wrong")
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    place.release(f"{marker} {shift}")
    place.environment = {"LD_PRELOAD": str(library), "FAKETIME": shift}
    try:
        release: str = place.up()["release"]
    finally:
        place.environment = {}
    place.whole(release)
    return release


CASES = [
    Case(
        "the laptop's clock is set back",
        "two `up`s with the laptop's clock 400 days back, then `rollback` with the right one",
        "as with a right clock",
        clock_set_back,
    ),
    Case(
        "the laptop's clock is set forward",
        "an `up` with the laptop's clock 400 days ahead, then all with the right one",
        "as with a right clock",
        clock_set_forward,
    ),
]
