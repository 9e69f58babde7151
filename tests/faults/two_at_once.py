"""Two who change the same target: two shells, two laptops, and a laptop that was lost."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from typing import Any

from tests.conftest import copy_of
from tests.faults.case import Case
from tests.faults.interrupted import DOCKER, Moment, stop
from tests.faults.load import load_on
from tests.faults.place import BOX, Place


def same_folder(place: Place) -> str:
    place.release("both")
    return _at_once(place, place)


def two_laptops(place: Place) -> str:
    other = _other_laptop(place)
    place.release("here")
    other.release("there")
    return _at_once(place, other)


def lost_laptop(place: Place) -> str:
    """A lock that nobody here can know to be stale is broken by hand alone."""
    old, other = place.serves(), _other_laptop(place)
    other.release("lost")
    stop(("up", BOX), other, Moment("", call=f"{DOCKER}.tidy"), signal.SIGKILL)
    place.release("after")
    error = place.refused("up", BOX)
    assert (error["exit"], error["code"]) == (3, "locked"), error
    assert f"mldeploy unlock {BOX}" in error["do"]
    place.answers_right(old)
    place.must("unlock", BOX)
    place.whole(place.up()["release"])
    return "refused with exit code 3, naming who; after `mldeploy unlock` the next `up` works"


def _at_once(one: Place, two: Place) -> str:
    with load_on(one, connections=4, rate=5) as load:
        load.phase("both")
        running = [place.begin("up", BOX, "--json") for place in (one, two)]
        said = [process.communicate(timeout=300) for process in running]
    codes = sorted(process.returncode for process in running)
    assert codes in ([0, 3], [0, 0]), f"{codes}: {said}"
    answers: list[dict[str, Any]] = [json.loads(out.splitlines()[-1]) for out, _ in said]
    refused = [each["error"]["code"] for each in answers if "error" in each]
    assert refused in ([], ["locked"]), answers
    done = {each["release"] for each in answers if "release" in each}
    assert one.serves() in done
    assert load.phases[-1].failed == 0, load.phases[-1].trouble
    one.whole(one.serves())
    how = "one won, the other was refused with exit code 3" if refused else "one after the other"
    return f"{how}; no request failed"


def _other_laptop(place: Place) -> Place:
    """Another checkout, and another home: nothing on this disk is shared."""
    home = place.root.parent / "other-laptop"
    root = home / "docs"
    if not root.exists():
        copy_of(place.root, root)
    other = replace(
        place, root=root, environment={"XDG_STATE_HOME": str(home / "state")}, started=[]
    )
    (other.root / "mldeploy.toml").write_text((place.root / "mldeploy.toml").read_text())
    other.__dict__["sound"] = place.sound
    return other


CASES = [
    Case(
        "two `up`s at once in the same folder",
        "two `mldeploy up` at the same moment, under load",
        "one wins; the other is refused with exit code 3, or comes after it",
        same_folder,
    ),
    Case(
        "two `up`s at once from two laptops",
        "`mldeploy up` of two checkouts with two homes at the same moment, under load",
        "one wins; the other is refused with exit code 3, or comes after it",
        two_laptops,
        in_ci=True,
    ),
    Case(
        "a laptop is lost in the middle of `up`",
        "`kill -9` of `up` on one laptop, which holds the lock; then `up` on another",
        "refused with exit code 3 and the command that breaks the lock; then it works",
        lost_laptop,
    ),
]
