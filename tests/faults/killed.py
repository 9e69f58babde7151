"""What dies by itself: a replica, the edge."""

from __future__ import annotations

import os
import signal
import time

from tests.conftest import until
from tests.faults.case import Case
from tests.faults.load import load_on
from tests.faults.place import Place, container_pid

CONNECTIONS, RATE = 16, 10
BACK_SECONDS = 60


def replica_killed(place: Place) -> str:
    release = place.serves()
    victim = place.replicas()[0]
    pid = container_pid(victim)
    with load_on(place, CONNECTIONS, RATE) as load:
        load.phase("killed")
        begun = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        until(lambda: container_pid(victim) not in (0, pid), BACK_SECONDS)
        until(lambda: [one.state for one in place.engine.replicas()] == ["ready"] * 2, BACK_SECONDS)
        took = time.monotonic() - begun
    phase = load.phases[-1]
    assert phase.failed <= CONNECTIONS, phase.trouble  # no more than were in flight
    assert phase.silence < 2, f"nobody answered for {phase.silence:.1f} s"
    place.whole(release)
    return (
        f"{phase.failed} of {phase.sent} requests failed ({phase.trouble}), longest silence "
        f"{phase.silence * 1000:.0f} ms; both ready again after {took:.1f} s"
    )


def edge_killed(place: Place) -> str:
    release, key = place.serves(), place.key()
    box = place.engine.edge.container()
    assert box is not None
    pid = container_pid(box)
    with load_on(place, CONNECTIONS, RATE) as load:
        load.phase("killed")
        os.kill(pid, signal.SIGKILL)
        until(lambda: container_pid(box) not in (0, pid), BACK_SECONDS)
        load.good_answers(CONNECTIONS * RATE * 5)
    phase = load.phases[-1]
    assert phase.silence < 10, f"nobody answered for {phase.silence:.1f} s"
    assert place.key() == key
    place.whole(release)
    return f"nobody answered for {phase.silence:.1f} s, then all did; same key, same release"


CASES = [
    Case(
        "a replica is killed",
        "`kill -9` of the process of one of two replicas, under load",
        "the other answers; only requests in flight there may fail; it is started again by itself",
        replica_killed,
        in_ci=True,
    ),
    Case(
        "the edge is killed",
        "`kill -9` of Caddy, under load",
        "it is started again by itself with the same keys and the same release",
        edge_killed,
        in_ci=True,
    ),
]
