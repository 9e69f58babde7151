"""Every single thing that may go wrong at every single moment of renting and ending on AWS.

In no case two machines, in no case one that `orphans` does not list: `World.check` looks after
every step, from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mldeploy.errors import FailedError, MldeployError, RefusedError
from mldeploy.prices import from_tag, table
from mldeploy.providers import ending
from mldeploy.providers.base import Ended, Rented, UnknownOutcomeError
from mldeploy.providers.shelf import month_of
from tests.cloud.cloud import Cloud
from tests.providers.aws_world import OWNER, World, world_in
from tests.providers.laptops import Crash

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MAKING = ["ImportKeyPair", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "RunInstances"]
ENDING = ["TerminateInstances", "DeleteSecurityGroup", "DeleteKeyPair"]
READING = ["DescribeInstances", "DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs",
           "DescribeInstanceTypeOfferings", "DescribeImages", "DescribeRegions", "DescribeVolumes",
           "DescribeKeyPairs", "DescribeAddresses", "DescribeNetworkInterfaces", "GetParameter",
           "GetCallerIdentity"]  # fmt: skip
ENTRIES = 6  # of the journal, for renting in the first place that is tried
OTHER = "B"  # another laptop, or the same one without its state


@pytest.fixture
def world(cloud: Cloud, tmp_path: Path) -> Iterator[World]:
    with world_in(cloud, tmp_path, hurried=True) as world:
        yield world


def end_well(world: World, laptop: str = "A") -> Ended:
    """Take it down when nothing is wrong any more: nothing is alive, nothing is left."""
    world.settled()
    ended = world.down(laptop)
    assert (ended.left, ended.unsure) == ((), ())
    assert world.alive() == []
    assert world.leftovers() == []
    return ended


def rents_one(world: World, laptop: str = "A") -> str:
    """`up` until it says that there is a machine, and there is just one."""
    made = world.up(laptop)
    world.check()
    (alive,) = world.alive()
    if made is not None:
        assert made.id == alive
    with world.at(world.laptop(laptop)):
        world.cloud.world.unseen.clear()
        found = world.desk().provider.get(OWNER)
    assert found is not None
    assert found.id == alive
    return alive


def says_the_truth(world: World, ended: Ended) -> None:
    """`down` may leave something, but says so."""
    if not ended.left and not ended.unsure:
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
    assert len(world.intended) == ENTRIES
    world.advance(timedelta(hours=2))
    assert world.up() is None
    ended = end_well(world)
    (bill,) = [ending.bill(one, ended.at) for one in ended.machines]
    assert bill.total == world.cost("t3.small", "us-east-1", ended.at - bill.began)
    assert timedelta(hours=2) < ended.at - bill.began < timedelta(hours=2, minutes=2)
    assert world.shelf().costs_in(month_of(bill.began)) == bill.total


# (a) Crash at each entry of the journal


@pytest.mark.parametrize("looks", [0, 1, 4])
@pytest.mark.parametrize("who", ["A", OTHER])
@pytest.mark.parametrize("kind", [Crash, KeyboardInterrupt])
def test_crash_at_each_entry_then_up(
    world: World, kind: type[BaseException], who: str, looks: int
) -> None:
    for entry in range(ENTRIES):
        _anew(world, looks)
        world.crash_at(entry, kind)
        assert world.crashing(world.up)
        world.check()
        rents_one(world, who)
        end_well(world, who)


@pytest.mark.parametrize("looks", [0, 1, 4])
@pytest.mark.parametrize("who", ["A", OTHER])
def test_crash_at_each_entry_then_down(world: World, who: str, looks: int) -> None:
    for entry in range(ENTRIES):
        _anew(world, looks)
        world.crash_at(entry)
        assert world.crashing(world.up)
        says_the_truth(world, world.down(who))
        end_well(world, who)


@pytest.mark.parametrize("who", ["A", OTHER])
def test_crash_at_each_entry_of_the_end_then_down(world: World, who: str) -> None:
    entry = 0
    while True:
        _anew(world, 1)
        rents_one(world)
        world.crash_at(entry)
        crashed = world.crashing(world.down)
        world.check()
        end_well(world, who)
        if not crashed:
            break
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
        _anew(world, 1 + request % 4)
        world.crash_at_request(request, moment)
        crashed = world.crashing(world.up)
        world.check()
        if next_is == "up":
            rents_one(world, who)
        else:
            says_the_truth(world, world.down(who))
        end_well(world, who)
    assert request > 20


@pytest.mark.parametrize("moment", ["before", "after"])
def test_interrupted_at_each_request_of_down(world: World, moment: str) -> None:
    request, crashed = 0, True
    while crashed:
        request += 1
        _anew(world, 1)
        rents_one(world)
        world.crash_at_request(request, moment)
        crashed = world.crashing(world.down)
        world.check()
        end_well(world)
    assert request > 20


# (c) Lost replies


@pytest.mark.parametrize(("times", "looks"), [(1, 0), (3, 3), (30, 1)])
@pytest.mark.parametrize("action", MAKING)
@pytest.mark.parametrize("code", [None, "InternalError"])
def test_lost_reply_while_renting(
    world: World, action: str, times: int, looks: int, code: str | None
) -> None:
    world.lagging(looks)
    world.cloud.fail(action, code, when="after", times=times)
    error = error_of(world.up)
    world.check()
    if error is None:
        assert len(world.alive()) == 1
    elif world.alive():
        assert isinstance(error, UnknownOutcomeError)
    world.cloud.world.faults.waiting.clear()
    rents_one(world)
    end_well(world)


@pytest.mark.parametrize("times", [1, 3, 30])
@pytest.mark.parametrize("action", ENDING)
def test_lost_reply_while_ending(world: World, action: str, times: int) -> None:
    world.lagging(1)
    rents_one(world)
    world.cloud.fail(action, when="after", times=times)
    says_the_truth(world, world.down())
    end_well(world)


# (d) Capacity


def test_no_capacity_in_the_first_zone(world: World) -> None:
    world.cloud.no_capacity("t3.small", "us-east-1a")
    rents_one(world)
    assert any("us-east-1b" in about for _, about in world.intended)
    end_well(world)


def test_no_capacity_for_the_first_type(world: World) -> None:
    world.cloud.no_capacity("t3.small")
    name = rents_one(world)
    price = world.marks(name)["mldeploy:price"]
    ended = end_well(world)
    (machine,) = ended.machines
    assert machine.machine_type == "t3a.small"
    assert from_tag(price) == machine.price
    assert machine.price.total < table("aws").price("us-east-1", "t3.small", 20).total


def test_no_capacity_anywhere(world: World) -> None:
    world.cloud.no_capacity()
    with pytest.raises(FailedError, match="free in us-east-1"):
        world.up()
    assert world.alive() == []
    assert world.leftovers() == []
    world.settled()
    rents_one(world)
    end_well(world)


def test_zones_without_the_type(world: World) -> None:
    world.cloud.not_offered("t3.small", "us-east-1a")
    world.cloud.fail("RunInstances", "Unsupported", times=1)
    rents_one(world)
    end_well(world)


def test_quota(world: World) -> None:
    world.cloud.quota(0)
    with pytest.raises(RefusedError):
        world.up()
    assert world.alive() == []
    assert world.leftovers() == []


@pytest.mark.parametrize("looks", [1, 4])
@pytest.mark.parametrize("who", ["A", OTHER])
def test_capacity_is_back_after_a_crash(world: World, who: str, looks: int) -> None:
    """The first order went to another zone; its repetition could have its way in the first."""
    world.lagging(looks)
    world.cloud.no_capacity("t3.small", "us-east-1a")

    def crash(when: str, number: int) -> None:
        if when == "after" and world.cloud.instances():
            raise KeyboardInterrupt

    world.on_request = crash
    assert world.crashing(world.up)
    world.cloud.capacity_again()
    rents_one(world, who)
    end_well(world)


# (e) Throttling and trouble of AWS's own, of each action


@pytest.mark.parametrize(
    ("code", "times"), [("InternalError", 1), ("RequestLimitExceeded", 3), ("InternalError", 9)]
)
@pytest.mark.parametrize("action", [*MAKING, *READING])
def test_trouble_while_renting(world: World, action: str, code: str, times: int) -> None:
    world.lagging(1)
    world.cloud.fail(action, code, times=times)
    error_of(world.up)
    world.check()
    world.cloud.world.faults.waiting.clear()
    rents_one(world)
    end_well(world)


@pytest.mark.parametrize(
    ("code", "times"), [("InternalError", 1), ("RequestLimitExceeded", 3), ("InternalError", 9)]
)
@pytest.mark.parametrize("action", [*ENDING, *READING])
def test_trouble_while_ending(world: World, action: str, code: str, times: int) -> None:
    rents_one(world)
    world.cloud.fail(action, code, times=times)
    try:
        says_the_truth(world, world.down())
    except MldeployError:
        world.check()
    end_well(world)


@pytest.mark.parametrize("code", ["RequestLimitExceeded", None])
def test_a_region_that_gives_no_answer_is_not_taken_for_an_empty_one(
    world: World, code: str | None
) -> None:
    rents_one(world)
    world.region = "eu-central-1"
    world.cloud.fail("DescribeInstances", code, times=100, region="us-east-1")
    assert world.down().unsure == ("us-east-1",)
    with pytest.raises(FailedError):
        world.up()
    world.check()
    end_well(world)


@pytest.mark.parametrize("code", ["RequestLimitExceeded", None])
def test_a_region_that_gives_no_answer_keeps_no_machine_elsewhere_alive(
    world: World, code: str | None
) -> None:
    rents_one(world)
    world.settled()
    world.cloud.fail("DescribeInstances", code, times=100, region="eu-central-1")
    ended = world.down()

    assert world.alive() == []
    assert ended.unsure == ("eu-central-1",)


# (f) Eventual consistency


@pytest.mark.parametrize("looks", [0, 1, 2, 5, 10])
def test_new_things_are_known_late(world: World, looks: int) -> None:
    world.lagging(looks)
    rents_one(world)
    says_the_truth(world, world.down())
    end_well(world)


@pytest.mark.parametrize("code", ["InvalidGroup.NotFound", "InvalidKeyPair.NotFound"])
def test_the_launch_does_not_know_yet_what_was_made_for_it(world: World, code: str) -> None:
    world.cloud.fail("RunInstances", code, times=3)
    rents_one(world)
    end_well(world)


@pytest.mark.parametrize("looks", [1, 3, 8, 15])
@pytest.mark.parametrize("minutes", [0, 10])
def test_down_right_after_a_crash_between_launch_and_reply(
    world: World, looks: int, minutes: int
) -> None:
    """``minutes``: the order was begun long ago, and its last call was just now."""
    world.lagging(looks)
    if minutes:
        world.crash_at(ENTRIES - 1)
        assert world.crashing(world.up)
        world.advance(timedelta(minutes=minutes))

    def crash(when: str, number: int) -> None:
        if when == "after" and world.cloud.instances():
            raise KeyboardInterrupt

    world.on_request = crash
    assert world.crashing(world.up)
    says_the_truth(world, world.down())
    end_well(world)


# (g) Two laptops at the same moment


@pytest.mark.parametrize("looks", [0, 1, 4])
@pytest.mark.parametrize("entry", range(ENTRIES))
def test_another_laptop_rents_meanwhile(world: World, entry: int, looks: int) -> None:
    world.lagging(looks)
    theirs: list[Rented | None] = []

    def meanwhile(number: int, call: str, about: str) -> None:
        if number == entry:
            world.on_intend = None
            theirs.append(world.up(OTHER))

    world.on_intend = meanwhile
    ours = world.up()
    world.check()
    (alive,) = world.alive()
    assert theirs[0] is not None
    assert theirs[0].id == alive
    assert ours is None or ours.id == alive
    world.cloud.world.unseen.clear()
    assert world.up(OTHER) is None
    end_well(world)


@pytest.mark.parametrize("looks", [0, 1, 4])
def test_another_laptop_rents_right_after_the_launch(world: World, looks: int) -> None:
    world.lagging(looks)
    theirs: list[Rented | None] = []

    def meanwhile(when: str, number: int) -> None:
        if when == "after" and world.cloud.instances():
            world.on_request = None
            theirs.append(world.up(OTHER))

    world.on_request = meanwhile
    ours = world.up()
    world.check()
    assert ours is not None
    assert theirs[0] is None or theirs[0].id == ours.id
    end_well(world)


def test_another_laptop_rents_while_one_is_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mldeploy.providers import renting

    theirs: list[Rented | None] = []
    ask = renting._ask

    def asked(desk: Any, account: Any) -> None:
        if not theirs:
            theirs.append(None)
            theirs[0] = world.up(OTHER)
        ask(desk, account)

    monkeypatch.setattr(renting, "_ask", asked)
    assert world.up() is None
    world.check()
    end_well(world)


@pytest.mark.xfail(strict=True, reason="generations of two laptops that know different things")
def test_laptops_that_count_generations_differently_rent_at_the_same_moment(world: World) -> None:
    """One gave up an order before its launch, and so is at the second; the other at the first."""
    world.crash_at(0)
    assert world.crashing(world.up)
    world.machine_type = "t3.medium"
    world.advance(timedelta(minutes=5))

    def meanwhile(number: int, call: str, about: str) -> None:
        if call == "ec2:RunInstances":
            world.on_intend = None
            world.up(OTHER)
            world.lagging(0)

    world.lagging(5)
    world.on_intend = meanwhile
    world.up()
    world.check()


# (h) Other settings


@pytest.mark.parametrize("change", ["machine_type", "region"])
@pytest.mark.parametrize(("minutes", "looks"), [(0, 0), (0, 6), (1, 6), (5, 1)])
def test_settings_change_after_a_crash(world: World, change: str, minutes: int, looks: int) -> None:
    for entry in range(ENTRIES + 1):
        _anew(world, looks)
        world.region, world.machine_type = "us-east-1", "t3.small"
        world.crash_at(entry)
        if entry == ENTRIES:
            world.on_request = _crash_at_launch(world)
        assert world.crashing(world.up)
        if change == "region":
            world.region = "eu-central-1"
        else:
            world.machine_type = "t3.medium"
        world.advance(timedelta(minutes=minutes))
        if minutes > 2:
            world.cloud.world.unseen.clear()
        error_of(world.up)
        world.check()
        says_the_truth(world, world.down())
        end_well(world)


def _crash_at_launch(world: World) -> Callable[[str, int], None]:
    def crash(when: str, number: int) -> None:
        if when == "after" and world.cloud.instances():
            raise KeyboardInterrupt

    return crash


def test_a_machine_in_another_region_is_not_joined_by_a_second_one(world: World) -> None:
    rents_one(world)
    world.region = "eu-central-1"
    for laptop in ("A", OTHER):
        with pytest.raises(RefusedError, match="us-east-1"):
            world.up(laptop)
        world.check()
    end_well(world, OTHER)


# (i) Machines that ended by themselves, and generations


@pytest.mark.parametrize("hours", [0, 2])
@pytest.mark.parametrize("who", ["A", OTHER])
def test_up_after_the_machine_ended_itself(world: World, who: str, hours: int) -> None:
    """After an hour EC2 does not remember it any more."""
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


def test_a_token_of_before_is_not_a_machine_of_today(world: World) -> None:
    """A laptop without state gives orders whose tokens were used, by machines that are gone."""
    for _ in range(3):
        rents_one(world)
        end_well(world)
        world.advance(timedelta(hours=3))
        world.forgets("A")


# (j) What does not go


@pytest.mark.parametrize("code", ["UnauthorizedOperation", "OperationNotPermitted"])
def test_an_end_that_is_refused_is_told(world: World, code: str) -> None:
    name = rents_one(world)
    world.cloud.fail("TerminateInstances", code, times=1)
    ended = world.down()
    assert name in {thing.id for thing in ended.left}
    assert world.alive() == [name]
    world.check()
    end_well(world)


def test_a_slow_end_is_waited_for(world: World) -> None:
    rents_one(world)
    world.cloud.paced(ending=240)
    end_well(world)


def test_an_end_that_takes_too_long_is_told(world: World) -> None:
    name = rents_one(world)
    world.cloud.paced(ending=3000)
    ended = world.down()
    assert name in {thing.id for thing in ended.left}
    world.advance(timedelta(hours=1))
    end_well(world)


@pytest.mark.parametrize("times", [5, 1000])
def test_a_group_that_stays_in_use(world: World, times: int) -> None:
    rents_one(world)
    world.cloud.fail("DeleteSecurityGroup", "DependencyViolation", times=times)
    ended = world.down()
    assert world.alive() == []
    assert [thing.kind for thing in ended.left] == (["group"] if times > 100 else [])
    end_well(world)


def test_a_disk_that_outlives_its_machine(world: World) -> None:
    name = rents_one(world)
    device = "/dev/sda1"
    keep = [{"DeviceName": device, "Ebs": {"DeleteOnTermination": False}}]
    world.cloud.client("ec2").modify_instance_attribute(InstanceId=name, BlockDeviceMappings=keep)
    end_well(world)


# (k) Not allowed in the middle


@pytest.mark.parametrize("action", [*MAKING, "DescribeImages", "DescribeSubnets", "GetParameter"])
def test_denied_in_the_middle(world: World, action: str) -> None:
    world.cloud.fail(action, "UnauthorizedOperation")
    with pytest.raises(FailedError, match="allowed"):
        world.up()
    assert world.alive() == []
    assert world.leftovers() == []
    rents_one(world)
    end_well(world)


@pytest.mark.parametrize("repeats", [0, 1, 2, 3, 4])
def test_a_session_that_ends_after_a_lost_reply(world: World, repeats: int) -> None:
    """Nobody may look any more whether a machine came of it: that is not known, and is said.

    ``repeats``: how many requests are lost before; three of them are boto3's own.
    """
    world.lagging(3)
    world.cloud.fail("RunInstances", when="after", times=repeats + 1)
    lost: list[int] = []

    def the_session_ends(when: str, number: int) -> None:
        if when == "before" and world.cloud.instances():
            lost.append(number)
            if len(lost) == repeats + 1:
                world.cloud.fail("ec2:*", "ExpiredToken", times=1000)

    world.on_request = the_session_ends
    with pytest.raises(UnknownOutcomeError):
        world.up()
    world.on_request = None
    world.cloud.world.faults.waiting.clear()
    world.check()
    rents_one(world)
    end_well(world)


def _anew(world: World, looks: int) -> None:
    """An empty account, and laptops that know nothing."""
    world.cloud.reset()
    for laptop in ("A", OTHER, "O"):
        world.forgets(laptop)
    world.on_intend = world.on_request = None
    world.lagging(looks)
    world.count_anew()
