"""The line to a host is cut, dropped, or bad: at every step of `up`, and during all of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from tests.faults.case import Case
from tests.faults.far_place import FarPlace
from tests.faults.harmed import Told, up_with_harm
from tests.faults.interrupted import DOCKER, EDGE, REPLICAS, Moment
from tests.faults.load import Load, load_on

CONNECTIONS, RATE = 4, 5
SHORT, LONG = 8, 40  # seconds: TCP alone bears the first, ssh gives the second up after twenty
IMPATIENT = 5

UPLOAD, BUILD = "mldeploy.ssh.upload", "mldeploy.ssh.far_build"
# In the order in which `up` comes by.
MOMENTS = (
    Moment("before the first word to it", call="mldeploy.deploy:up"),
    Moment("before the upload", call=f"{UPLOAD}:_append"),
    Moment("after the upload", call=f"{UPLOAD}:_append", when="after"),
    Moment("while the image is built there", call=f"{BUILD}:_follow"),
    Moment("having the lock", call=f"{DOCKER}.tidy"),
    Moment("with one replica created", call=f"{REPLICAS}:create", when="after"),
    Moment("waiting for /readyz", call=f"{REPLICAS}:wait_until_ready"),
    Moment("before a golden request", call=f"{REPLICAS}:ask"),
    Moment("before the switch", call=f"{EDGE}.write_set"),
    Moment("with the switch prepared", call=f"{EDGE}.point_at"),
    Moment("after the one rename", call=f"{EDGE}.point_at", when="after", over=True),
    Moment("draining the old replicas", call=f"{REPLICAS}:_end", over=True),
    Moment("writing the history", call=f"{DOCKER}.record", over=True),
    Moment("giving the lock back", call="mldeploy.engines.docker_lock:_remove", over=True),
)
BY_WORDS = {moment.words: moment for moment in MOMENTS}


@contextmanager
def users_notice_nothing(place: FarPlace) -> Iterator[Load]:
    with load_on(place, CONNECTIONS, RATE) as load:
        load.phase("harm")
        yield load
    failed = [phase.trouble for phase in load.phases if phase.failed]
    assert failed == [], failed


def new_release(place: FarPlace, words: str) -> None:
    place.release(f"{words} {secrets.token_hex(4)}")


def up_goes_on(place: FarPlace, moment: Moment, harm: Callable[[FarPlace], None]) -> str:
    """Harm that passes: `up` completes by itself."""
    new_release(place, moment.words)
    with users_notice_nothing(place):
        told = up_with_harm(place, moment, lambda: harm(place))
    place.restore()
    assert told.code == 0, told.answer
    place.no_ssh_left()
    place.whole(told.answer["release"])
    said = "; it said so" if "is lost" in told.notes else ""
    return f"`up` completed {told.seconds:.0f} s later{said}; no request failed, nothing is left"


def cut_shortly(place: FarPlace) -> None:
    place.cut_for(SHORT)


def cut_long(place: FarPlace) -> None:
    place.cut_for(LONG)


def drop(place: FarPlace) -> None:
    place.drop()


def up_gives_up(place: FarPlace, moment: Moment) -> str:
    """A line that stays cut: an error, and what served serves; with a line again `up` completes."""
    old = place.serves()
    new_release(place, moment.words)
    place.patience = IMPATIENT
    with users_notice_nothing(place) as load:
        told = up_with_harm(place, moment, place.cut)
        now = place.serves()
        assert told.code == 1, told.answer
        assert (now != old) == moment.over, f"{now} serves, before it was {old}"
        place.answers_right(now)
        place.no_ssh_left()
        load.phase("next")
        place.restore()
        new = place.up()["release"]
    assert new == now or not moment.over
    place.whole(new)
    serving = "the new one served already" if moment.over else "the old one served on"
    return (
        f"exit code 1 after {told.seconds:.0f} s ({told.error['code']}); {serving}; no request "
        "failed; with the line back the next `up` completed, and nothing is left"
    )


def bad_line(place: FarPlace, delay_ms: float, loss_percent: float, rate_kbit: float) -> str:
    new_release(place, f"{delay_ms} {loss_percent} {rate_kbit}")
    with users_notice_nothing(place) as load:
        place.slow(delay_ms=delay_ms, loss_percent=loss_percent, rate_kbit=rate_kbit)
        try:
            release = place.up()["release"]
        finally:
            place.restore()
    place.no_ssh_left()
    place.whole(release)
    return f"`up` took {load.phases[-1].seconds:.0f} s; no request failed, nothing is left"


def tells(told: Told) -> str:
    return f"exit code {told.code}" + (f" ({told.error['code']})" if told.code else "")


def _cases() -> list[Case]:
    passing = [
        (f"cut for {SHORT} s", cut_shortly, MOMENTS),
        ("dropped by the host", drop, MOMENTS[1:]),
        (
            f"cut for {LONG} s",
            cut_long,
            [
                BY_WORDS[words]
                for words in (
                    "after the upload",
                    "while the image is built there",
                    "with one replica created",
                    "waiting for /readyz",
                    "with the switch prepared",
                    "draining the old replicas",
                )
            ],
        ),
    ]
    cases = []
    for what, harm, moments in passing:
        for moment in moments:
            cases.append(
                Case(
                    f"the connection is {what}, {moment.words}",
                    f"the ssh connection is {what}, {moment.words}, under load",
                    "`up` goes on by itself; no request fails",
                    partial(up_goes_on, moment=moment, harm=harm),
                    in_ci=(what, moment.words) in IN_CI,
                )
            )
    for moment in MOMENTS[1:]:
        serves = "the new one serves" if moment.over else "the old one serves"
        cases.append(
            Case(
                f"the connection is cut for good, {moment.words}",
                f"the ssh connection is cut until `up` gives up, {moment.words}, under load; "
                "then `up`",
                f"a clear error; {serves}; the next `up` completes",
                partial(up_gives_up, moment=moment),
            )
        )
    for words, delay, loss, rate in (
        ("loses 30 % of all packets", 0, 30, 0),
        ("has 300 ms of delay each way", 300, 0, 0),
        ("lets 1 Mbit/s through", 0, 0, 1000),
    ):
        cases.append(
            Case(
                f"the line {words}",
                f"the line to ssh {words} during a whole `up`, under load",
                "`up` completes; no request fails",
                partial(bad_line, delay_ms=delay, loss_percent=loss, rate_kbit=rate),
            )
        )
    return cases


IN_CI = {("dropped by the host", "with the switch prepared")}
CASES = _cases()
