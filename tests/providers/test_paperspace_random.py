"""Renting at Paperspace in any order, with anything that may go wrong, at any moment of it.

Hypothesis makes up what people do, on two laptops and on one without its state, and what happens to
them. After every step it is looked at from outside: never machines of two rentals, never one that
`orphans` does not list, after an `up` that worked just one, and `down` has not said that nothing is
left while something is. Two of one rental there may be where both laptops died in the same moment:
then until the next `up`, and `orphans` tells.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from mldeploy.errors import MldeployError
from mldeploy.providers.paperspace import names
from tests.paperspace import life
from tests.paperspace.faults import Pace
from tests.paperspace.standin import Paperspace, standin
from tests.providers.laptops import Crash
from tests.providers.paperspace_world import World, anew, world_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SEQUENCES, STEPS = 90, 9
LAPTOPS = st.sampled_from(["A", "B"])
CALLS = st.sampled_from(
    ["POST /machines"] * 4
    + ["DELETE /machines/*"] * 2
    + ["POST /startup-scripts", "PUT /startup-scripts/*", "DELETE /startup-scripts/*"]
    + ["GET /machines", "GET /machines/*", "GET /startup-scripts", "GET /machine-events*"]
    + ["GET /os-templates", "GET /machine-availability", "DELETE /public-ips/*", "PUT /machines/*"]
    + ["GET /auth/session", "*"]
)
CODES = st.sampled_from(
    [None, None, None, "INTERNAL_SERVER_ERROR", "TIMEOUT", "TOO_MANY_REQUESTS"]
    + ["FORBIDDEN", "UNAUTHORIZED"]
)
CLOUDS: list[Paperspace] = []  # hypothesis makes the machines itself, without arguments


class Renting(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.cloud = CLOUDS[0]
        self.entered = world_in(self.cloud, Path(self.folder.name))
        self.world: World = self.entered.__enter__()
        self.cloud.account.pace = Pace()
        anew(self.world)

    def teardown(self) -> None:
        """Whatever was done: in the end one `down` ends it all, from a laptop without state."""
        try:
            self.world.settled()
            ended = self.world.down("C")
            assert ended.left == ()
            self._nothing_is_there()
            assert self.cloud.bill().running == ()
        finally:
            self.entered.__exit__(None, None, None)
            self.folder.cleanup()

    # What people do

    @rule(laptop=LAPTOPS)
    def up(self, laptop: str) -> None:
        crashed, made = self._do(lambda: self.world.up(laptop))
        if crashed or isinstance(made, MldeployError):
            return
        alive = [one.id for one in self.world.alive()]
        assert len(alive) == 1
        assert made is None or made.id in alive

    @rule(laptop=LAPTOPS)
    def down(self, laptop: str) -> None:
        crashed, ended = self._do(lambda: self.world.down(laptop))
        if crashed or isinstance(ended, MldeployError):
            return
        if not ended.left:
            self._nothing_is_there()

    @rule(laptop=LAPTOPS, minutes=st.integers(1, 600))
    def extend(self, laptop: str, minutes: int) -> None:
        self._do(lambda: self.world.extend(timedelta(minutes=minutes), laptop))

    @rule(laptop=LAPTOPS)
    def the_other_one_rents_at_the_same_moment(self, laptop: str) -> None:
        other = {"A": "B", "B": "A"}[laptop]

        def meanwhile(number: int, call: str, about: str) -> None:
            if call == "paperspace:CreateMachine":
                self.world.on_intend = None
                self._told(lambda: self.world.up(other))

        self.world.count_anew()
        self.world.on_intend = meanwhile
        self._do(lambda: self.world.up(laptop))

    @rule(laptop=LAPTOPS)
    def lose_the_state(self, laptop: str) -> None:
        self.world.forgets(laptop)

    @rule(machine_type=st.sampled_from(["C5", "P4000"]))
    def another_type(self, machine_type: str) -> None:
        self.world.machine_type = machine_type

    @rule(address=st.sampled_from(["dynamic", "static"]))
    def another_address(self, address: str) -> None:
        self.world.address = address

    # What happens to them

    @rule(entry=st.integers(0, 5), kind=st.sampled_from([Crash, KeyboardInterrupt]))
    def a_crash_will_come_at_an_entry(self, entry: int, kind: type[BaseException]) -> None:
        self.world.crash_at(entry, kind)

    @rule(request=st.integers(1, 30), moment=st.sampled_from(["before", "after"]))
    def a_crash_will_come_at_a_request(self, request: int, moment: str) -> None:
        self.world.crash_at_request(request, moment)

    @rule()
    def a_crash_will_come_right_after_a_launch(self) -> None:
        before = len(self.cloud.account.machines)

        def crash(when: str, _: int) -> None:
            if when == "after" and len(self.cloud.account.machines) > before:
                raise KeyboardInterrupt

        self.world.on_request = crash

    @rule(
        call=CALLS,
        code=CODES,
        when=st.sampled_from(["before", "after"]),
        times=st.sampled_from([1, 1, 2, 5, 9]),
        skip=st.integers(0, 3),
    )
    def trouble(self, call: str, code: str | None, when: Any, times: int, skip: int) -> None:
        if code in ("FORBIDDEN", "UNAUTHORIZED", "TOO_MANY_REQUESTS"):
            when = "before"  # who says that has done nothing
        self.cloud.fail(call, code, when=when, times=times, skip=skip)

    @rule(machine_type=st.sampled_from(["C5", "C7"]), after_all=st.booleans())
    def no_capacity(self, machine_type: str, after_all: bool) -> None:
        if after_all:
            self.cloud.no_capacity_after_all(machine_type)
        else:
            self.cloud.no_capacity(machine_type)

    @rule()
    def the_next_one_never_starts(self) -> None:
        self.cloud.next_machine_fails()

    @rule()
    def the_trouble_is_over(self) -> None:
        self.cloud.account.faults.waiting.clear()
        self.cloud.capacity_again()

    @rule(looks=st.integers(0, 4))
    def lists_lag(self, looks: int) -> None:
        self.world.lagging(looks)

    @rule(ending=st.sampled_from([0, 30, 400]))
    def ends_take_a_while(self, ending: int) -> None:
        self.cloud.paced(ending=ending)

    @rule(minutes=st.sampled_from([1, 3, 30, 300]))
    def time_passes(self, minutes: int) -> None:
        self.world.advance(timedelta(minutes=minutes))

    @rule(stops=st.booleans())
    def the_machine_ends_itself(self, stops: bool) -> None:
        if not stops:
            self.world.machine_ends_itself()
            return
        for one in self.world.alive():
            life.switched_itself_off(self.cloud.account, one)

    # What must be so

    @invariant()
    def never_two_rentals_and_all_are_listed(self) -> None:
        read = [names.read_machine(one.name) for one in self.world.alive()]
        assert len({one[0].rental for one in read if one}) <= 1, read
        self.world.all_are_listed()

    def _nothing_is_there(self) -> None:
        assert self.world.alive() == []
        assert self.world.leftovers() == []

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


@pytest.fixture
def chosen_cloud() -> Iterator[None]:
    with standin(max_machines=20) as cloud:
        CLOUDS.append(cloud)
        yield
        CLOUDS.clear()


def test_in_no_case_two_rentals_and_no_machine_that_is_not_listed(chosen_cloud: None) -> None:
    run_state_machine_as_test(
        Renting,
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=[Phase.generate],
            derandomize=True,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
