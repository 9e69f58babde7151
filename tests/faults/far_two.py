"""Two laptops and one host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.conftest import copy_of, until
from tests.faults.case import Case
from tests.faults.far_line import new_release, users_notice_nothing
from tests.faults.far_place import FarPlace
from tests.faults.place import BOX


def two_laptops(place: FarPlace) -> str:
    """The second comes while the first has the lock, and sees what the first has done."""
    other = _other_laptop(place)
    new_release(place, "one laptop")
    new_release(other, "other laptop")
    with users_notice_nothing(place):
        before = place.serves()
        first = place.begin("up", BOX, "--json")
        errors = first.stderr
        assert errors is not None
        until(lambda: "  start it beside" in errors.readline(), 120)
        error = other.refused("up", BOX)
        out, err = first.communicate(timeout=300)
        assert first.returncode == 0, out + err
        assert (error["exit"], error["code"]) == (3, "locked"), error
        assert "`up`" in error["why"], error
        one, two = (each.must("status", BOX) for each in (place, other))
        assert _lasting(one) == _lasting(two), f"{one}\n{two}"
        histories = [each.must("history", BOX)["events"] for each in (place, other)]
        assert histories[0] == histories[1], f"{histories}"
        assert other.must("rollback", BOX)["release"] == before
    place.whole(before)
    return (
        "the second was refused with exit code 3, naming who; both see the same status and "
        "history; the second rolled back what the first had deployed; no request failed"
    )


def _lasting(status: dict[str, Any]) -> dict[str, Any]:
    """Without what is another at each look: memory, and counts of requests."""
    replicas = [{**one, "memory_bytes": None} for one in status["each_replica"]]
    return {**status, "each_replica": replicas, "measures": None}


def _other_laptop(place: FarPlace) -> FarPlace:
    home = place.root.parent / "other"
    root = home / "docs"
    if not root.exists():
        copy_of(place.root, root)
        place.host.write_laptop(home / "laptop")
    laptop = replace(place.laptop, home=home / "laptop")
    other = replace(place, root=root, laptop=laptop, started=[])
    (other.root / "mldeploy.toml").write_text((place.root / "mldeploy.toml").read_text())
    other.__dict__["sound"] = place.sound
    return other


CASES = [
    Case(
        "two laptops and one host",
        "`mldeploy up` on a second laptop while the first is at it, under load",
        "refused with exit code 3, naming who; both see the same, and either can roll back",
        two_laptops,
    ),
]
