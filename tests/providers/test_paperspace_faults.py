"""Every single thing that may go wrong at every single moment of renting and ending at Paperspace.

In no case two machines, in no case one that `orphans` does not list: `World.check` looks after
every step, from outside. Where there is no idempotency key, a moment with two can't be ruled out:
who made the second one must end it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from mldeploy.errors import FailedError, MldeployError, RefusedError
from mldeploy.providers.base import Ended, UnknownOutcomeError
from mldeploy.providers.paperspace import names
from tests.paperspace.standin import Paperspace, standin
from tests.providers.laptops import Crash
from tests.providers.paperspace_world import OWNER, World, anew, world_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

OTHER = "B"  # another laptop, or the same one without its state
MAKING = ["POST /startup-scripts", "POST /machines", "PUT /startup-scripts/*"]
READING = ["GET /machines", "GET /startup-scripts", "GET /os-templates", "GET /auth/session",
           "GET /machine-availability", "GET /machine-events/*"]  # fmt: skip
ENDING = ["DELETE /machines/*", "PUT /startup-scripts/*", "GET /machines/*"]
CREATE = "paperspace:CreateMachine"


@pytest.fixture
def cloud() -> Iterator[Paperspace]:
    with standin(max_machines=20) as found:
        yield found


@pytest.fixture
def world(cloud: Paperspace, tmp_path: Path) -> Iterator[World]:
    with world_in(cloud, tmp_path) as world:
        yield world


def end_well(world: World, laptop: str = "A") -> Ended:
    """Take it down when nothing is wrong any more: nothing is alive, nothing is left or paid."""
    world.settled()
    ended = world.down(laptop)
    assert (ended.left, ended.unsure) == ((), ())
    assert world.cloud.ours == []
    assert world.leftovers() == []
    assert world.cloud.bill().running == ()
    return ended


def rents_one(world: World, laptop: str = "A") -> str:
    """`up` until it says that there is a machine, and there is just one."""
    made = world.up(laptop)
    world.check()
    (alive,) = world.alive()
    assert made is None or made.id == alive.id
    found = world.get(laptop)
    assert found is not None
    assert found.id == alive.id
    assert found.host_key
    return alive.id


def says_the_truth(world: World, ended: Ended) -> None:
    """`down` may leave something, but says so."""
    if not ended.left:
        assert world.alive() == []
        assert world.leftovers() == []


def error_of(what: Callable[[], object]) -> MldeployError | None:
    try:
        what()
    except MldeployError as error:
        return error
    return None


# Nothing goes wrong


def test_one_is_rented_found_and_ended(world: World) -> None:
    rents_one(world)
    world.advance(timedelta(hours=2))
    assert world.up() is None
    assert rents_one(world, OTHER)
    ended = end_well(world, OTHER)
    assert len(ended.machines) == 1


# Crash at each entry of the journal


@pytest.mark.parametrize("looks", [0, 3])
@pytest.mark.parametrize("who", ["A", OTHER])
@pytest.mark.parametrize("next_is", ["up", "down"])
def test_crash_at_each_entry(world: World, next_is: str, who: str, looks: int) -> None:
    entry, crashed = 0, True
    while crashed:
        anew(world, looks)
        world.crash_at(entry)
        crashed = world.crashing(world.up)
        world.check()
        if next_is == "up":
            rents_one(world, who)
        else:
            says_the_truth(world, world.down(who))
        end_well(world, who)
        entry += 1
    assert entry > 3


@pytest.mark.parametrize("address", ["dynamic", "static"])
@pytest.mark.parametrize("who", ["A", OTHER])
def test_crash_at_each_entry_of_the_end(world: World, who: str, address: str) -> None:
    world.address = address
    entry, crashed = 0, True
    while crashed:
        anew(world)
        rents_one(world)
        world.crash_at(entry)
        crashed = world.crashing(world.down)
        world.check()
        end_well(world, who)
        entry += 1
    assert entry > 2


# Ctrl+C around each request


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("next_is", ["up", "down"])
def test_interrupted_at_each_request_of_up(world: World, moment: str, next_is: str) -> None:
    request, crashed = 0, True
    while crashed:
        request += 1
        who = ["A", OTHER][request % 2]
        anew(world, request % 3)
        world.crash_at_request(request, moment)
        crashed = world.crashing(world.up)
        world.check()
        if next_is == "up":
            rents_one(world, who)
        else:
            says_the_truth(world, world.down(who))
        end_well(world, who)
    assert request > 10


@pytest.mark.parametrize("address", ["dynamic", "static"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_interrupted_at_each_request_of_down(world: World, moment: str, address: str) -> None:
    world.address = address
    request, crashed = 0, True
    while crashed:
        request += 1
        anew(world)
        rents_one(world)
        world.crash_at_request(request, moment)
        crashed = world.crashing(world.down)
        world.check()
        end_well(world, ["A", OTHER][request % 2])
    assert request > 10


# Lost replies, and errors of theirs


@pytest.mark.parametrize("code", [None, "INTERNAL_SERVER_ERROR", "TOO_MANY_REQUESTS"])
@pytest.mark.parametrize("call", [*MAKING, *READING])
@pytest.mark.parametrize("times", [1, 30])
def test_no_answer_to_a_call_of_up(world: World, call: str, code: str | None, times: int) -> None:
    for looks, when in ((0, "before"), (3, "after")):
        if (code, when) == ("TOO_MANY_REQUESTS", "after"):
            continue  # who says that has done nothing
        anew(world, looks)
        world.cloud.fail(call, code, times=times, when=when)  # type: ignore[arg-type]
        error_of(world.up)
        world.settled()
        world.check()
        rents_one(world, [OTHER, "A"][looks % 2])
        end_well(world)


@pytest.mark.parametrize("code", [None, "INTERNAL_SERVER_ERROR"])
@pytest.mark.parametrize("call", ENDING)
@pytest.mark.parametrize("times", [1, 30])
def test_no_answer_to_a_call_of_down(world: World, call: str, code: str | None, times: int) -> None:
    for when in ("before", "after"):
        anew(world)
        rents_one(world)
        world.cloud.fail(call, code, times=times, when=when)
        with suppress(MldeployError):
            says_the_truth(world, world.down())
        world.settled()
        world.check()
        end_well(world, OTHER)


def test_a_lost_reply_is_no_second_request(world: World) -> None:
    world.cloud.fail("POST /machines", when="after")
    made = world.up()
    assert made is not None
    assert len(world.cloud.calls_of("POST /machines")) == 1
    end_well(world)


def test_a_reply_that_stays_lost_is_told_as_that(world: World) -> None:
    world.cloud.fail("POST /machines", "INTERNAL_SERVER_ERROR")
    with pytest.raises(UnknownOutcomeError):
        world.up()
    assert len(world.cloud.calls_of("POST /machines")) == 1
    rents_one(world)
    end_well(world)


# Two laptops


@pytest.mark.parametrize("looks", [0, 2])
@pytest.mark.parametrize("call", ["paperspace:CreateStartupScript", CREATE])
def test_two_laptops_at_the_same_moment(world: World, call: str, looks: int) -> None:
    """The other one's whole `up` happens before one call of the first."""
    anew(world, looks)

    def meanwhile(number: int, intended: str, about: str) -> None:
        if intended == call:
            world.on_intend = None
            assert world.up(OTHER) is not None

    world.on_intend = meanwhile
    made = world.up("A")
    world.check()
    assert made is not None
    assert [one.id for one in world.alive()] == [made.id]
    assert len(world.cloud.scripts) == 1
    end_well(world, OTHER)


def test_a_second_machine_whose_laptop_died_is_ended_by_the_next_up(world: World) -> None:
    def meanwhile(number: int, intended: str, about: str) -> None:
        if intended == CREATE:
            world.on_intend = None
            world.up(OTHER)

            def crash(when: str, _: int) -> None:
                if when == "after" and len(world.alive()) == 2:
                    raise KeyboardInterrupt

            world.on_request = crash

    world.on_intend = meanwhile
    assert world.crashing(lambda: world.up("A"))
    first, second = sorted(world.alive(), key=lambda one: one.created)
    assert "there are 2 machines" in world.orphans().groups[0].trouble
    world.up(OTHER)
    assert [one.id for one in world.alive()] == [first.id]
    assert not second.exists or second.state == "stopping"
    end_well(world)


# No capacity, limits, the account


def test_the_next_type_where_there_is_none(world: World) -> None:
    world.cloud.no_capacity("C5")
    made = world.up()
    assert made is not None
    assert made.machine_type == "C7"
    end_well(world)


def test_said_to_be_available_and_refused(world: World) -> None:
    world.cloud.no_capacity_after_all("C5")
    made = world.up()
    assert made is not None
    assert made.machine_type == "C7"
    end_well(world)


def test_a_machine_that_never_starts_is_given_back_and_the_next_type_tried(world: World) -> None:
    world.cloud.next_machine_fails("No capacity")
    made = world.up()
    assert made is not None
    assert made.machine_type == "C7"
    world.check()
    end_well(world)


def test_where_nothing_is_free_nothing_stays(world: World) -> None:
    for each in ("C5", "C7"):
        world.cloud.no_capacity_after_all(each)
    with pytest.raises(FailedError, match="no C5 or C7 free"):
        world.up()
    assert world.cloud.ours == []
    assert world.cloud.scripts == []


def test_the_limit_of_the_team_is_told(world: World) -> None:
    world.cloud.account.max_machines = 0
    with pytest.raises(RefusedError, match="as many machines"):
        world.up()
    assert world.cloud.scripts == []


@pytest.mark.parametrize("call", MAKING[:2])
def test_forbidden_in_the_middle(world: World, call: str) -> None:
    world.cloud.fail(call, "FORBIDDEN", message="You do not have permission")
    with pytest.raises(FailedError, match="may not do that"):
        world.up()
    assert world.cloud.ours == []
    assert world.cloud.scripts == []
    rents_one(world)
    end_well(world)


def test_a_machine_of_somebody_else_stays(world: World) -> None:
    theirs = world.cloud.somebody_elses()
    script = world.cloud.somebody_elses_script()
    rents_one(world)
    world.down()
    assert theirs.exists
    assert script.exists
    assert world.cloud.trouble == []


# Ends, and what comes after


@pytest.mark.parametrize("who", ["A", OTHER])
@pytest.mark.parametrize("hours", [0, 30])
def test_up_after_the_machine_ended_itself(world: World, who: str, hours: int) -> None:
    first = rents_one(world)
    for _ in range(3):
        world.advance(timedelta(hours=4))
        world.machine_ends_itself()
        world.check()
        world.advance(timedelta(hours=hours))
        again = rents_one(world, who)
        assert again != first
        first = again
    end_well(world, who)


def test_a_machine_that_stopped_at_its_end_is_told_and_taken_down(world: World) -> None:
    """Its key was withdrawn, so that it could not delete itself; it switched itself off."""
    rents_one(world)
    world.advance(timedelta(hours=4, minutes=1))
    (machine,) = world.alive()
    from tests.paperspace import life

    life.switched_itself_off(world.cloud.account, machine)
    found = world.get()
    assert found is not None
    assert found.state == "stopped"
    assert "lifetime is over" in found.why
    (group,) = world.orphans().groups
    assert "lives" in group.trouble
    assert f"{group.price * 730:.2f}" == "5.00"  # its disk
    with pytest.raises(FailedError, match="stopped"):
        world.up()
    end_well(world)


def test_a_static_address_left_behind_is_listed_and_given_back(world: World) -> None:
    world.address = "static"
    rents_one(world)
    with world.at("A"):  # it has its address now, and the next command writes it down
        world.up()
    world.machine_ends_itself()
    world.advance(timedelta(minutes=5))
    world.get()
    (address,) = world.cloud.addresses
    (group,) = world.orphans().groups
    assert address.id in [thing.id for thing in group.things]
    assert "left behind" in group.trouble
    end_well(world)
    assert world.cloud.addresses == []


def test_notes_of_what_ended_are_gone_after_a_day(world: World) -> None:
    rents_one(world)
    end_well(world)
    (note,) = world.cloud.scripts
    world.advance(timedelta(hours=25))
    world.down()
    assert not note.exists


def test_after_the_first_login_the_startup_script_has_no_secrets(world: World) -> None:
    rents_one(world)
    world.up()
    (script,) = world.cloud.scripts
    assert world.cloud.key not in script.text
    assert "PRIVATE KEY" not in script.text
    world.cloud.forget_calls()
    world.up(OTHER)
    assert world.cloud.calls_of("PUT *") == []
    end_well(world)


def test_a_longer_life_is_in_the_name_and_moves_the_second_belt(world: World) -> None:
    rents_one(world)
    world.extend(timedelta(hours=20))
    (machine,) = world.alive()
    read = names.read_machine(machine.name)
    assert read is not None
    assert read[0].owner == OWNER
    assert read[1] is not None
    assert machine.settings["autoShutdownTimeout"] == 25
    world.advance(timedelta(hours=24))
    assert world.alive()[0].state == "ready"
    end_well(world)


@pytest.mark.parametrize("call", ["DELETE /machines/*", "DELETE /public-ips/*"])
def test_what_does_not_go_is_told(world: World, call: str) -> None:
    world.address = "static"
    rents_one(world)
    world.up()
    world.cloud.fail(call, "FORBIDDEN", message="Not yours", times=5)
    ended = world.down()
    assert ended.left
    assert any("Not yours" in thing.state for thing in ended.left)
    world.check()
    end_well(world, OTHER)


def test_a_slow_end_is_waited_for(world: World) -> None:
    rents_one(world)
    world.cloud.paced(ending=240)
    end_well(world)


@pytest.mark.parametrize("kind", [Crash, KeyboardInterrupt])
def test_another_region_does_not_make_a_second_machine(
    world: World, kind: type[BaseException]
) -> None:
    rents_one(world)
    world.region = "ca1"
    for laptop in ("A", OTHER):
        with pytest.raises(RefusedError, match="ny2"):
            world.up(laptop)
        world.check()
    end_well(world, OTHER)
