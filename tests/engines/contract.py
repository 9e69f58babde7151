"""The conformance suite of engines: what base.py promises, asked of a real one.

An engine's own test module subclasses :class:`EngineContract` and gives the ``bench`` fixture:
an engine with nothing running, and two releases that it can run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from mldeploy.engines.base import Engine
from mldeploy.errors import RefusedError
from mldeploy.golden import Golden, differences
from mldeploy.history import Event
from mldeploy.release import Release
from tests.conftest import until


@dataclass(frozen=True)
class Bench:
    """``same`` gives another engine object for the same target, as a second shell would."""

    engine: Engine
    same: Engine
    first: Release
    second: Release
    golden: Golden


class EngineContract:
    """Every test begins with nothing running and leaves the engine to the fixture to clear."""

    def test_nothing_runs_at_first(self, bench: Bench) -> None:
        assert bench.engine.serving().state == "down"
        assert bench.engine.serving().release is None
        assert bench.engine.history() == []
        assert bench.engine.stop() == []

    def test_a_candidate_is_ready_and_gets_no_users_request(self, bench: Bench) -> None:
        candidate = bench.engine.start(bench.first)

        for request in bench.golden.requests:
            answers = bench.engine.ask(candidate, request)
            assert answers
            for got in answers:
                assert differences(request.expect, got, request.tolerance) == []
        assert bench.engine.serving().state == "down"
        bench.engine.discard(candidate)

    def test_a_switch_makes_it_serve_and_ends_the_old(self, bench: Bench) -> None:
        first = bench.engine.switch(bench.engine.start(bench.first))
        assert bench.engine.serving().release == bench.first.name
        assert first.pause is None

        bench.engine.switch(bench.engine.start(bench.second))

        now = bench.engine.serving()
        assert (now.state, now.release) == ("serving", bench.second.name)
        assert now.replicas == len(bench.engine.replicas()) >= 1
        ended = [part.what for part in bench.engine.stop() if not part.what.startswith("image ")]
        assert not any(bench.first.name in what for what in ended)

    def test_discarding_leaves_what_serves_and_may_be_done_twice(self, bench: Bench) -> None:
        bench.engine.switch(bench.engine.start(bench.first))
        candidate = bench.engine.start(bench.second)

        bench.engine.discard(candidate)
        bench.engine.discard(candidate)

        assert bench.engine.serving().release == bench.first.name
        assert bench.engine.tidy() == []

    def test_stopping_leaves_nothing_and_may_be_done_twice(self, bench: Bench) -> None:
        bench.engine.switch(bench.engine.start(bench.first))

        receipt = bench.engine.stop()

        assert receipt
        assert [part for part in receipt if part.left] == []
        assert bench.engine.serving().state == "down"
        assert bench.engine.stop() == []

    def test_tidying_ends_a_candidate_that_was_left_and_not_what_serves(self, bench: Bench) -> None:
        bench.engine.switch(bench.engine.start(bench.first))
        bench.engine.start(bench.second)

        assert bench.same.tidy()

        assert bench.same.serving().release == bench.first.name
        assert bench.same.tidy() == []

    def test_truth_lives_where_it_runs(self, bench: Bench) -> None:
        bench.engine.switch(bench.engine.start(bench.first))

        assert bench.same.serving() == bench.engine.serving()
        assert bench.same.stop()
        assert bench.engine.serving().state == "down"

    def test_one_at_a_time(self, bench: Bench) -> None:
        with (
            bench.engine.lock("up"),
            pytest.raises(RefusedError) as caught,
            bench.same.lock("down"),
        ):
            pass
        assert caught.value.code == "locked"
        assert "`up`" in caught.value.why

        with bench.same.lock("down"):  # it was given back
            pass

    def test_a_lock_that_is_held_is_named_before_a_build_too(self, bench: Bench) -> None:
        bench.same.refuse_if_locked()
        with bench.engine.lock("scale"), pytest.raises(RefusedError) as caught:
            bench.same.refuse_if_locked()
        assert "`scale`" in caught.value.why

    def test_what_is_there_is_told_by_the_thing_itself(self, bench: Bench) -> None:
        bench.engine.switch(bench.engine.start(bench.first))

        each = bench.same.replicas()

        assert {one.state for one in each} == {"ready"}
        assert {one.release for one in each} == {bench.first.name}
        assert all(one.memory and one.memory > 10_000_000 for one in each)
        assert bench.first.name in {made.name for made in bench.same.releases()}
        assert bench.same.golden(bench.first.name) == bench.golden
        assert bench.same.as_wanted(bench.same.serving(), bench.first)
        assert not bench.same.as_wanted(bench.same.serving(), bench.second)

    def test_history_is_kept_in_order_and_seen_by_all(self, bench: Bench) -> None:
        now = datetime.now(UTC).isoformat()
        events = [Event(now, "me", "up", "a"), Event(now, "me", "refused", "b", "why")]
        for event in events:
            bench.engine.record(event)

        assert bench.same.history() == events

    def test_the_log_is_that_of_what_serves(self, bench: Bench) -> None:
        bench.engine.switch(bench.engine.start(bench.first))

        lines = until(lambda: list(bench.same.log(lines=5, since=None, follow=False)))

        assert lines
        assert all(isinstance(line, str) for line in lines)
