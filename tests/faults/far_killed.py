"""`kill -9` of `mldeploy` at the steps that are others over ssh."""

from __future__ import annotations

import signal
import time
from functools import partial

from tests.conftest import until
from tests.faults.case import Case
from tests.faults.far_line import BY_WORDS, new_release, users_notice_nothing
from tests.faults.far_place import FarPlace
from tests.faults.interrupted import Moment, stop
from tests.faults.place import BOX

BUILD_SECONDS = 60


def up_killed(place: FarPlace, moment: Moment) -> str:
    old = place.serves()
    new_release(place, moment.words)
    with users_notice_nothing(place) as load:
        stop(("up", BOX), place, moment, signal.SIGKILL)
        begun = time.monotonic()
        place.no_ssh_left()
        took = time.monotonic() - begun
        now = place.serves()
        assert (now != old) == moment.over, f"{now} serves, before it was {old}"
        load.phase("next")
        new = place.up()["release"]
    assert new == now or not moment.over
    place.whole(new)
    until(lambda: not place.builds(), BUILD_SECONDS)
    serving = "the new one served already" if moment.over else "the old one served on"
    return (
        f"no ssh was left on the laptop after {took:.1f} s; {serving}; the next `up` completed; no "
        "request failed, nothing is left, nothing builds on"
    )


AT = (
    "before the upload",
    "while the image is built there",
    "having the lock",
    "waiting for /readyz",
    "after the one rename",
    "draining the old replicas",
)
CASES = [
    Case(
        f"`kill -9` of `up` on a host, {words}",
        f"`kill -9` of `mldeploy up` {words}, under load; then `up`",
        ("the new one serves" if BY_WORDS[words].over else "the old one serves")
        + "; no ssh stays behind; the next `up` clears the rest",
        partial(up_killed, moment=BY_WORDS[words]),
    )
    for words in AT
]
