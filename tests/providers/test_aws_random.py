"""Renting on AWS in any order, with anything that may go wrong, at any moment of it.

Hypothesis makes up what people do, on two laptops and on one without its state, and what happens to
them. After every step it is looked at from outside: never two machines, never one that `orphans`
does not list, and `down` has not said that nothing is left while something is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from mldeploy.errors import MldeployError
from mldeploy.providers import ending
from mldeploy.providers.base import Ended
from tests.cloud.cloud import Cloud
from tests.providers.aws_world import OWNER, World, world_in
from tests.providers.laptops import Crash

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SEQUENCES, STEPS = 220, 10
LAPTOPS = st.sampled_from(["A", "B"])
ACTIONS = st.sampled_from(
    ["RunInstances"] * 4
    + ["TerminateInstances"] * 2
    + ["ImportKeyPair", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "CreateTags"]
    + ["DeleteSecurityGroup", "DeleteKeyPair", "DescribeInstances", "DescribeSecurityGroups"]
    + ["DescribeSubnets", "DescribeImages", "DescribeRegions", "DescribeVolumes", "ec2:*"]
)
CODES = st.sampled_from(
    [None, None, None, "InternalError", "RequestLimitExceeded", "Unavailable"]
    + ["UnauthorizedOperation", "ExpiredToken", "InsufficientInstanceCapacity"]
)
CLOUDS: list[Cloud] = []  # hypothesis makes the machines itself, without arguments


class Renting(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        cloud = CLOUDS[0]
        cloud.reset()
        self.folder = tempfile.TemporaryDirectory()
        self.entered = world_in(cloud, Path(self.folder.name), hurried=True)
        self.world: World = self.entered.__enter__()

    def teardown(self) -> None:
        """Whatever was done: in the end one `down` ends it all, from a laptop without state."""
        try:
            self.world.settled()
            ended = self.world.down("C")
            assert (ended.left, ended.unsure) == ((), ())
            self._nothing_is_there()
        finally:
            self.entered.__exit__(None, None, None)
            self.folder.cleanup()

    # What people do

    @rule(laptop=LAPTOPS)
    def up(self, laptop: str) -> None:
        crashed, made = self._do(lambda: self.world.up(laptop))
        if crashed or isinstance(made, MldeployError):
            return
        (alive,) = self.world.alive()
        assert made is None or made.id == alive
        with self.world.at(self.world.laptop(laptop)):
            self._past_trouble(lambda: self._is_found(alive))

    @rule(laptop=LAPTOPS)
    def down(self, laptop: str) -> None:
        crashed, ended = self._do(lambda: self.world.down(laptop))
        if crashed or isinstance(ended, MldeployError):
            return
        if not ended.left and not ended.unsure:
            self._nothing_is_there()
        self._costs_what_the_table_says(ended)

    @rule(laptop=LAPTOPS, minutes=st.integers(1, 600))
    def extend(self, laptop: str, minutes: int) -> None:
        self._do(lambda: self.world.extend(timedelta(minutes=minutes), laptop))

    @rule(laptop=LAPTOPS)
    def the_other_one_rents_at_the_same_moment(self, laptop: str) -> None:
        """After a journal entry of the first one, wherever that stands."""
        other = {"A": "B", "B": "A"}[laptop]

        def meanwhile(number: int, call: str, about: str) -> None:
            if call == "ec2:RunInstances":
                self.world.on_intend = None
                self._told(lambda: self.world.up(other))

        self.world.count_anew()
        self.world.on_intend = meanwhile
        self._do(lambda: self.world.up(laptop))

    @rule(laptop=LAPTOPS)
    def lose_the_state(self, laptop: str) -> None:
        self.world.forgets(laptop)

    @rule(machine_type=st.sampled_from(["t3.small", "t3.medium"]))
    def another_type(self, machine_type: str) -> None:
        self.world.machine_type = machine_type

    @rule(region=st.sampled_from(["us-east-1", "eu-central-1"]))
    def another_region(self, region: str) -> None:
        """It takes the person some minutes, in which lists come to know all."""
        self.world.region = region
        self.world.advance(timedelta(minutes=3))
        self.world.cloud.world.unseen.clear()

    # What happens to them

    @rule(entry=st.integers(0, 8), kind=st.sampled_from([Crash, KeyboardInterrupt]))
    def a_crash_will_come_at_an_entry(self, entry: int, kind: type[BaseException]) -> None:
        self.world.crash_at(entry, kind)

    @rule(request=st.integers(1, 60), moment=st.sampled_from(["before", "after"]))
    def a_crash_will_come_at_a_request(self, request: int, moment: str) -> None:
        self.world.crash_at_request(request, moment)

    @rule()
    def a_crash_will_come_right_after_a_launch(self) -> None:
        before = len(self.world.cloud.instances())

        def crash(when: str, _: int) -> None:
            if when == "after" and len(self.world.cloud.instances()) > before:
                raise KeyboardInterrupt

        self.world.on_request = crash

    @rule(
        action=ACTIONS,
        code=CODES,
        when=st.sampled_from(["before", "after"]),
        times=st.sampled_from([1, 1, 2, 3, 9, 30]),
        skip=st.integers(0, 3),
    )
    def trouble(self, action: str, code: str | None, when: Any, times: int, skip: int) -> None:
        if code in ("UnauthorizedOperation", "ExpiredToken", "InsufficientInstanceCapacity"):
            when = "before"  # who says that has done nothing
        self.world.cloud.fail(action, code, when=when, times=times, skip=skip)

    @rule(
        machine_type=st.sampled_from([None, "t3.small"]),
        zone=st.sampled_from([None, "us-east-1a", "eu-central-1a"]),
    )
    def no_capacity(self, machine_type: str | None, zone: str | None) -> None:
        self.world.cloud.no_capacity(machine_type, zone)

    @rule()
    def the_trouble_is_over(self) -> None:
        self.world.cloud.world.faults.waiting.clear()
        self.world.cloud.capacity_again()

    @rule(looks=st.integers(0, 6))
    def lists_lag(self, looks: int) -> None:
        self.world.lagging(looks)

    @rule(ending=st.sampled_from([0, 30, 400]))
    def ends_take_a_while(self, ending: int) -> None:
        self.world.cloud.paced(ending=ending)

    @rule(minutes=st.sampled_from([1, 3, 30, 100]))
    def time_passes(self, minutes: int) -> None:
        self.world.advance(timedelta(minutes=minutes))

    @rule()
    def the_machine_ends_itself(self) -> None:
        self.world.machine_ends_itself()

    # What must be so

    @invariant()
    def never_two_and_all_are_listed(self) -> None:
        self.world.check()

    def _nothing_is_there(self) -> None:
        assert self.world.alive() == []
        assert self.world.leftovers() == []

    def _is_found(self, name: str) -> None:
        found = self.world.desk().provider.get(OWNER)
        assert found is not None
        assert found.id == name

    def _costs_what_the_table_says(self, ended: Ended) -> None:
        for machine in ended.machines:
            bill = ending.bill(machine, ended.at)
            region = machine.place.rstrip("abcdef")
            passed = ended.at - machine.began
            assert bill.total == self.world.cost(machine.machine_type, region, passed)

    def _do(self, what: Callable[[], Any]) -> tuple[bool, Any]:
        """Was there a crash, and what came of it: a value, or an error for the person."""
        self.world.count_anew()
        try:
            return False, self._told(what)
        except (Crash, KeyboardInterrupt):
            return True, None
        finally:
            self.world.on_intend = self.world.on_request = None

    def _told(self, what: Callable[[], Any]) -> Any:
        try:
            return what()
        except MldeployError as error:
            return error

    def _past_trouble(self, what: Callable[[], None]) -> None:
        world = self.world.cloud.world
        kept = world.unseen, world.faults.waiting
        world.unseen, world.faults.waiting = {}, []
        try:
            what()
        finally:
            world.unseen, world.faults.waiting = kept


@pytest.fixture
def chosen_cloud(cloud: Cloud) -> Iterator[None]:
    CLOUDS.append(cloud)
    yield
    CLOUDS.clear()


def test_in_no_case_two_machines_and_none_that_is_not_listed(chosen_cloud: None) -> None:
    run_state_machine_as_test(
        Renting,
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
