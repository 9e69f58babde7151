"""Releases that must not serve, and one whose fault shows only when it does."""

from __future__ import annotations

from typing import Any

from tests.conftest import until
from tests.faults.case import Case
from tests.faults.load import load_on
from tests.faults.place import BOX, Place

INIT = "    def __init__(self) -> None:\n"
ANSWER = "        answer = self.predictor.answer(rows)\n"
HOARD = "    hoard: list[bytearray] = []\n\n"
SEVEN = 7  # rows: what makes the leaking release leak, as no golden request has that many


def _refused(place: Place, code: str) -> dict[str, Any]:
    """`up` is refused with this code, and users notice nothing of it."""
    release = place.serves()
    with load_on(place, connections=4, rate=10) as load:
        load.phase("up")
        error = place.refused("up", BOX)
    assert (error["exit"], error["code"]) == (3, code), error
    assert load.phases[-1].failed == 0, load.phases[-1].trouble
    place.whole(release)
    return error


def crashes_at_start(place: Place) -> str:
    place.spoil(INIT, f"{INIT}        raise RuntimeError('no such luck')\n")
    error = _refused(place, "server-died")
    assert "no such luck" in error["detail"]
    return "refused, with the last lines of its log; no request failed, nothing is left"


def never_ready(place: Place) -> str:
    place.set(ready_timeout=5)
    place.spoil(INIT, f"{INIT}        import time\n\n        time.sleep(600)\n")
    _refused(place, "not-ready")
    return "refused after `ready_timeout`; no request failed, nothing is left"


def ready_but_wrong(place: Place) -> str:
    wrong = "        for each in answer.predictions:\n            each.answer = not each.answer\n"
    place.spoil(ANSWER, ANSWER + wrong)
    error = _refused(place, "golden-differs")
    assert "expected" in error["detail"]
    return "refused by the golden requests, with what differs; no request failed, nothing is left"


def leaks_memory(place: Place) -> str:
    leak = f"        if len(rows) == {SEVEN}:\n"
    leak += "            self.hoard.append(bytearray(b'x' * 100_000_000))\n"
    place.spoil(INIT, HOARD + INIT)
    place.service.write_text(place.service.read_text().replace(ANSWER, leak + ANSWER))
    release = place.up()["release"]
    row = place.request.body["rows"][0]
    greedy = {"rows": [row] * SEVEN}

    def killed() -> bool:
        place.ask(place.request.path, greedy)
        return any(one.restarts for one in place.engine.replicas())

    with load_on(place, connections=4, rate=10) as load:
        load.phase("leak")
        until(killed, 60)
        until(lambda: [one.state for one in place.engine.replicas()] == ["ready"] * 2, 60)
    phase = load.phases[-1]
    assert phase.silence < 3, f"nobody answered for {phase.silence:.1f} s"
    assert phase.failed <= 4 * sum(one.restarts for one in place.engine.replicas()), phase.trouble
    place.whole(release)
    place.release("mended")
    mended = place.up()["release"]
    place.whole(mended)
    return (
        f"killed at its memory limit and started again; {phase.failed} of {phase.sent} other "
        f"requests failed ({phase.trouble}), longest silence {phase.silence * 1000:.0f} ms"
    )


CASES = [
    Case(
        "a release that crashes at start",
        "`up` of a service whose `__init__` raises, under load",
        "refused with exit code 3 and its last words; the old one serves untouched",
        crashes_at_start,
        in_ci=True,
    ),
    Case(
        "a release that never gets ready",
        "`up` of a service whose `__init__` does not return, under load",
        "refused with exit code 3 after `ready_timeout`; the old one serves untouched",
        never_ready,
    ),
    Case(
        "a release that is ready but wrong",
        "`up` of a service that answers the contrary, under load",
        "refused with exit code 3 by the golden requests; the old one serves untouched",
        ready_but_wrong,
        in_ci=True,
    ),
    Case(
        "a release that leaks memory",
        "it passes the gate, then hoards 100 MB a request until the kernel kills it (512 MB)",
        "the other replica answers; it is started again by itself; the next `up` replaces it",
        leaks_memory,
    ),
]
