"""An engine whose disk is full, or whose daemon is killed: one that nobody else uses."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.conftest import until
from tests.faults.case import Case
from tests.faults.load import Load, load_on
from tests.faults.place import BOX, Place
from tests.lab.small_engine import SmallEngine

BACK_SECONDS = 90


def _engine(place: Place) -> SmallEngine:
    assert place.small is not None
    return place.small


@contextmanager
def _unharmed(place: Place) -> Iterator[Load]:
    """Under load: what served before serves after, and no request fails in between."""
    release = place.serves()
    with load_on(place, connections=4, rate=5) as load:
        load.phase("trouble")
        yield load
    failed = [phase.trouble for phase in load.phases if phase.failed]
    assert failed == [], failed
    place.answers_right(release)
    assert place.serves() == release


def full_before(place: Place) -> str:
    place.release("no room")
    try:
        with _unharmed(place):
            _engine(place).fill()
            error = place.refused("up", BOX)
    finally:
        _engine(place).empty()
    assert error["code"] == "disk-full", error
    place.whole(place.up()["release"])
    return f"exit code {error['exit']}, {error['what']!r}; no request failed; then `up` works"


def full_during(place: Place, line: str) -> str:
    place.release(f"no room at {line}")
    try:
        with _unharmed(place):
            process = place.begin("up", BOX, "--json")
            errors = process.stderr
            assert errors is not None
            until(lambda: f"  {line}" in errors.readline(), seconds=120)
            _engine(place).fill()
            out, err = process.communicate(timeout=300)
            assert process.returncode == 1, f"{process.returncode}: {out}{err}"
            error = json.loads(out.splitlines()[-1])["error"]
    finally:
        _engine(place).empty()
    assert error["code"] == "disk-full", error
    place.whole(place.up()["release"])
    return f"exit code 1, {error['what']!r}; no request failed; then `up` works"


def full_at_build(place: Place) -> str:
    return full_during(place, "release ")


def full_at_start(place: Place) -> str:
    return full_during(place, "start it beside")


def full_at_rotate(place: Place) -> str:
    key = place.key()
    try:
        with _unharmed(place):
            _engine(place).fill()
            error = place.refused("keys", "rotate", BOX)
    finally:
        _engine(place).empty()
    assert place.key() == key, "the key is another now"
    place.whole(place.serves())
    return f"refused ({error['code']}); the old key opens as before"


def daemon_killed(place: Place) -> str:
    release, engine = place.serves(), _engine(place)
    key = place.key()
    place.forget_client()
    engine.daemon.kill()
    error = place.refused("status", BOX)
    begun = time.monotonic()
    engine.daemon.start()
    until(lambda: _answers(place, key), BACK_SECONDS)
    took = time.monotonic() - begun
    until(lambda: [one.state for one in place.engine.replicas()] == ["ready"] * 2, BACK_SECONDS)
    assert place.key() == key
    place.whole(release)
    return (
        f"meanwhile `mldeploy status` says {error['what']!r}; {took:.1f} s after its start "
        "requests were answered again, with the same key"
    )


def daemon_killed_during_up(place: Place) -> str:
    old, engine = place.serves(), _engine(place)
    key = place.key()
    place.release("without an engine")
    process = place.begin("up", BOX, "--json")
    errors = process.stderr
    assert errors is not None
    until(lambda: "  start it beside" in errors.readline(), seconds=120)
    place.forget_client()
    engine.daemon.kill()
    out, err = process.communicate(timeout=300)
    assert process.returncode == 1, f"{process.returncode}: {out}{err}"
    error = json.loads(out.splitlines()[-1])["error"]
    engine.daemon.start()
    until(lambda: _answers(place, key), BACK_SECONDS)
    place.answers_right(old)
    place.whole(place.up()["release"])
    return f"exit code 1 ({error['code']}); the old one came back by itself; then `up` works"


def _answers(place: Place, key: str) -> bool:
    try:
        return place.ask(key=key, wait=2)[0] == 200
    except OSError:
        return False


CASES = [
    Case(
        "the engine's disk is full before `up`",
        "no byte is free on the engine's disk, then `up`, under load",
        "a clear error, the old one serves untouched; with room again `up` works",
        full_before,
        own_engine=True,
        in_ci=True,
    ),
    Case(
        "the engine's disk gets full while an image is built",
        "the disk is filled when the release is built and its image is not, under load",
        "a clear error, the old one serves untouched; with room again `up` works",
        full_at_build,
        own_engine=True,
    ),
    Case(
        "the engine's disk gets full while replicas start",
        "the disk is filled when the new replicas are about to start, under load",
        "a clear error, the old one serves untouched; with room again `up` works",
        full_at_start,
        own_engine=True,
    ),
    Case(
        "the engine's disk is full at `keys rotate`",
        "no byte is free on the engine's disk, then `keys rotate`, under load",
        "a clear error, and the old key is as valid as before",
        full_at_rotate,
        own_engine=True,
    ),
    Case(
        "the engine's daemon is killed",
        "`kill -9` of dockerd, then it is started again, as systemd does",
        "all comes back by itself: edge, replicas, key",
        daemon_killed,
        own_engine=True,
        in_ci=True,
    ),
    Case(
        "the engine's daemon is killed during `up`",
        "`kill -9` of dockerd while new replicas start; then it is started again, and `up`",
        "a clear error; the old one comes back by itself; the next `up` completes",
        daemon_killed_during_up,
        own_engine=True,
    ),
]
