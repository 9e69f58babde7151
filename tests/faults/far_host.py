"""The host itself: it reboots, its engine is killed, its disk is full, at steps of `up`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.conftest import until
from tests.faults.case import Case
from tests.faults.far_line import (
    BY_WORDS,
    CONNECTIONS,
    RATE,
    new_release,
    tells,
    users_notice_nothing,
)
from tests.faults.far_place import FarPlace
from tests.faults.harmed import up_with_harm
from tests.faults.interrupted import Moment
from tests.faults.load import load_on

BACK_SECONDS = 120
PAUSE = 2.0  # of an engine that was killed, until it is started again


def back_by_itself(place: FarPlace, moment: Moment, harm: Callable[[FarPlace], None]) -> str:
    """The containers end with what they run on; what served comes back with it, without `up`."""
    old, key = place.serves(), place.key()
    new_release(place, moment.words)
    with load_on(place, CONNECTIONS, RATE) as load:
        load.phase("harm")
        told = up_with_harm(place, moment, lambda: harm(place))
        place.forget_client()
        place.host.wait_until_up()
        until(lambda: _answers(place, key), BACK_SECONDS)
        load.phase("back")
        now = place.serves()
        assert now == old or moment.over or told.code == 0, f"{now} serves, it was {old}"
        place.answers_right(now)
        place.no_ssh_left()
        load.good_answers(CONNECTIONS * RATE)
        load.phase("next")
        new = place.up()["release"]
    down = load.phases[1]
    assert load.phases[-1].failed == 0, load.phases[-1].trouble
    assert place.key() == key
    place.whole(new)
    end = "it completed" if told.code == 0 else f"{tells(told)}, then `up` works"
    return (
        f"nobody was answered for {down.silence:.1f} s; all came back by itself, with the same "
        f"key; `up`: {end}"
    )


def _answers(place: FarPlace, key: str) -> bool:
    try:
        return place.ask(key=key, wait=2)[0] == 200
    except OSError:
        return False


def reboot(place: FarPlace) -> None:
    place.reboot()


def power_loss(place: FarPlace) -> None:
    place.forget_client()
    place.host.reboot(orderly=False)


def kill_engine(place: FarPlace) -> None:
    place.forget_client()
    place.host.kill_engine(PAUSE)


def disk_full(place: FarPlace, moment: Moment) -> str:
    old = place.serves()
    new_release(place, moment.words)
    try:
        with users_notice_nothing(place):
            told = up_with_harm(place, moment, place.host.fill_disk)
            assert told.code == 1, told.answer
            assert place.serves() == old
    finally:
        place.host.empty_disk()
    assert told.error["code"] == "disk-full", told.error
    place.no_ssh_left()
    place.whole(place.up()["release"])
    return f"exit code 1, {told.error['what']!r}; no request failed; with room again `up` works"


AT = ("while the image is built there", "with one replica created", "waiting for /readyz")
SWITCH = ("with the switch prepared", "after the one rename", "draining the old replicas")
FULL_AT = ("before the upload", "while the image is built there", "having the lock")


def _cases() -> list[Case]:
    cases = []
    for what, harm, at in (
        ("the host reboots", reboot, (*AT, *SWITCH)),
        ("the host loses its power", power_loss, (AT[1], *SWITCH[1:])),
        ("the host's engine is killed", kill_engine, (*AT, *SWITCH)),
    ):
        cases += [
            Case(
                f"{what}, {words}",
                f"{what} during `up`, {words}, under load",
                "what served is back by itself; `up` completes, or the next one does",
                partial(back_by_itself, moment=BY_WORDS[words], harm=harm),
            )
            for words in at
        ]
    cases += [
        Case(
            f"the host's disk gets full, {words}",
            f"no byte is free any more on the host's disk, {words}, under load; then `up`",
            "a clear error, the old one serves untouched; with room again `up` works",
            partial(disk_full, moment=BY_WORDS[words]),
        )
        for words in FULL_AT
    ]
    return cases


CASES = _cases()
