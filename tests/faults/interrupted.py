"""Ctrl+C and `kill -9` of `mldeploy` at every step of the runbook, and the next `up` after it."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import partial

from tests.conftest import CHECKOUT, until
from tests.faults.case import Case
from tests.faults.load import load_on
from tests.faults.place import BOX, Place

INTERRUPTED = 130
CONNECTIONS, RATE = 4, 5


@dataclass(frozen=True)
class Moment:
    """Where in a command: at a line of its progress, or at a call (see :mod:`stopped`)."""

    words: str
    line: str = ""
    call: str = ""
    when: str = "before"
    count: int = 1
    over: bool = False  # has the new release taken over by then?
    waits: bool = False  # does Ctrl+C wait here until it has?


# In the order in which `up` comes by; what has a call is too short to be hit from outside.
DOCKER, EDGE = "mldeploy.engines.docker:DockerEngine", "mldeploy.engines.docker_edge:DockerEdge"
REPLICAS = "mldeploy.engines.docker_replicas"
MOMENTS = (
    Moment("looking whether the port is free", call=f"{DOCKER}.check"),
    Moment("taking the model", line="model "),
    Moment("building the bento", line="release "),
    Moment("building the image", line="image: image"),
    Moment("at the first word of the builder", call="mldeploy.images.output:Output.take"),
    Moment("having the lock", call=f"{DOCKER}.tidy"),
    Moment("with the secrets half written", call="mldeploy.engines.docker_files:put"),
    Moment("with one replica created", call=f"{REPLICAS}:create", when="after"),
    Moment("waiting for /readyz", line="start it beside"),
    Moment("having asked one golden request", call=f"{REPLICAS}:ask", when="after"),
    Moment("before the switch", call=f"{EDGE}.write_set", waits=True),
    Moment("with the switch prepared", call=f"{EDGE}.write_set", when="after", waits=True),
    Moment("after the one rename", call=f"{EDGE}.point_at", when="after", over=True),
    Moment("seen through the edge", call=f"{EDGE}.wait_for", when="after", over=True),
    Moment("clearing the edge", call=f"{EDGE}.forget_sets", over=True),
    Moment("draining the old replicas", call=f"{REPLICAS}:_end", over=True),
    Moment("with one old replica ended", call=f"{REPLICAS}:_end", when="after", over=True),
    Moment("writing the history", call=f"{DOCKER}.record", over=True),
    Moment("removing old images", call=f"{DOCKER}.prune", over=True),
    Moment("giving the lock back", call="mldeploy.engines.docker_lock:_remove", over=True),
    Moment("clearing the folder", call="mldeploy.deploy:forget_old_releases", over=True),
)
SECRET = "FAULTS_SECRET"


def up_stopped(place: Place, moment: Moment, number: signal.Signals) -> str:
    """`up` of a new release is stopped; what served serves, and the next `up` completes it."""
    old, over = place.serves(), _is_over(moment, number)
    place.environment = {SECRET: "one"}
    place.set(secrets={SECRET: f"env:{SECRET}"})
    place.release(moment.words + number.name)
    with load_on(place, CONNECTIONS, RATE) as load:
        load.phase("stopped")
        code = stop(("up", BOX), place, moment, number)
        now = place.serves()
        assert code == (INTERRUPTED if number == signal.SIGINT else -signal.SIGKILL), code
        assert (now != old) == over, f"{now} serves, before it was {old}"
        place.answers_right(now)
        left = _left(place)
        if number == signal.SIGINT:
            # A build that was ended may leave a name without content, which `up` and `down` remove.
            assert [thing for thing in left if not thing.startswith("image ")] == [], left
        load.phase("next")
        new = place.up()["release"]
    failed = [phase.trouble for phase in load.phases if phase.failed]
    assert failed == [], failed
    assert new != old
    assert new == now or not over
    place.whole(new)
    events = place.must("history", BOX)["events"]
    states = [e["release"] for e in events if e.get("state") == "serving"]
    assert states[:1] == [new], f"history does not say that {new} serves"
    place.environment = {}
    serving = "the new one served already" if over else "the old one served on"
    return f"{serving}; left for the next `up` to clear: {_told(left)}; no request failed"


def _is_over(moment: Moment, number: signal.Signals) -> bool:
    return moment.over or (moment.waits and number == signal.SIGINT)


def stop(verb: tuple[str, ...], place: Place, moment: Moment, number: signal.Signals) -> int:
    if moment.line:
        process = place.begin(*verb)
        errors = process.stderr
        assert errors is not None
        until(lambda: f"  {moment.line}" in errors.readline(), seconds=120)
        process.send_signal(number)
        process.communicate(timeout=120)
        return process.returncode
    words = [moment.call, moment.when, str(moment.count), number.name, "-C", str(place.root)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.stopped", *words, *verb],
        cwd=CHECKOUT,
        env=place.variables(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode in (INTERRUPTED, -signal.SIGKILL), done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


def _left(place: Place) -> list[str]:
    """By kind, such as "2 containers"."""
    return [thing for thing in place.left_over() if not thing.startswith("edge file history")]


def _told(left: list[str]) -> str:
    kinds = [thing.split()[0] for thing in left]
    return ", ".join(f"{kinds.count(k)} {k}" for k in dict.fromkeys(kinds)) or "nothing"


def first_up_killed(place: Place, moment: Moment) -> str:
    """Where nothing served yet."""
    code = stop(("up", BOX), place, moment, signal.SIGKILL)
    assert code == -signal.SIGKILL
    new = place.up()["release"]
    place.whole(new)
    return "the next `up` made it whole: one edge, one key, nothing left"


def down_killed(place: Place) -> str:
    """With the edge gone and the replicas there."""
    stop(("down", BOX), place, Moment("", call=f"{EDGE}.remove", when="after"), signal.SIGKILL)
    receipt = place.must("down", BOX)
    assert receipt["left"] == []
    assert place.everything() == []
    return "the next `down` removed all the rest, and its receipt says so"


def scale_killed(place: Place) -> str:
    """With one replica taken out of the edge, and still running."""
    release = place.serves()
    place.must("scale", BOX, "3")
    with load_on(place, CONNECTIONS, RATE) as load:
        moment = Moment("", call=f"{EDGE}.point_at", when="after")
        stop(("scale", BOX, "2"), place, moment, signal.SIGKILL)
        assert place.up()["release"] == release
    assert load.phases[-1].failed == 0, load.phases[-1].trouble
    place.whole(release)
    return "the next `up` made it the two of mldeploy.toml; no request failed"


def _cases() -> list[Case]:
    said = {signal.SIGKILL: "`kill -9`", signal.SIGINT: "Ctrl+C"}
    cases = []
    for number, word in said.items():
        for moment in MOMENTS:
            allowed = "the new one serves" if _is_over(moment, number) else "the old one serves"
            rest = "nothing is left" if number == signal.SIGINT else "the next `up` clears the rest"
            cases.append(
                Case(
                    f"{word} of `up`, {moment.words}",
                    f"{word} of `mldeploy up` {moment.words}, under load; then `up`",
                    f"{allowed}; {rest}",
                    partial(up_stopped, moment=moment, number=number),
                    in_ci=(number.name, moment.words) in IN_CI,
                )
            )
    return cases


IN_CI = {
    ("SIGKILL", "after the one rename"),
    ("SIGINT", "draining the old replicas"),
}
FIRST = (
    Moment("with the edge half made", call="mldeploy.engines.docker_files:put"),
    Moment("with a key and no edge that runs", call=f"{EDGE}.write_keys", when="after"),
    Moment("with an edge that has just started", call=f"{EDGE}.start", when="after"),
)
CASES = [
    *_cases(),
    *[
        Case(
            f"`kill -9` of the first `up`, {moment.words}",
            f"`kill -9` of the first `mldeploy up` of a target, {moment.words}; then `up`",
            "the next `up` completes it",
            partial(first_up_killed, moment=moment),
            first=True,
        )
        for moment in FIRST
    ],
    Case(
        "`kill -9` of `down`",
        "`kill -9` of `mldeploy down` when the edge is gone and the replicas run; then `down`",
        "the next `down` completes it",
        down_killed,
    ),
    Case(
        "`kill -9` of `scale`",
        "`kill -9` of `mldeploy scale` between the switch and the drain, under load; then `up`",
        "the next `up` completes it",
        scale_killed,
    ),
]
