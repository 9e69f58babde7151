"""What follows from a target's events: where to roll back to, and what may go."""

from __future__ import annotations

from mldeploy.history import Action, Event, deployed, kept, merged, previous


def events(*pairs: tuple[Action, str]) -> list[Event]:
    return [Event("2026-01-01T00:00:00+00:00", "me", action, name) for action, name in pairs]


def test_deployed_releases_come_latest_first_and_once() -> None:
    past = events(("up", "a"), ("up", "b"), ("refused", "x"), ("rollback", "a"), ("down", "a"))

    assert deployed(past) == ["a", "b"]


def test_rollback_goes_to_the_latest_other_release_that_is_still_there() -> None:
    past = events(("up", "a"), ("up", "b"), ("up", "c"))

    assert previous(past, "c", {"a", "b", "c"}) == "b"
    assert previous(past, "c", {"a", "c"}) == "a"
    assert previous(past, "c", {"c"}) is None


def test_a_second_rollback_comes_back() -> None:
    past = events(("up", "a"), ("up", "b"), ("rollback", "a"))

    assert previous(past, "a", {"a", "b"}) == "b"


def test_a_refused_release_is_never_rolled_back_to() -> None:
    past = events(("up", "a"), ("refused", "b"))

    assert previous(past, "a", {"a", "b"}) is None


def test_the_last_five_that_took_traffic_are_kept() -> None:
    past = events(*[("up", name) for name in "abcdefg"], ("refused", "x"), ("rollback", "c"))

    assert kept(past) == ["c", "g", "f", "e", "d"]


def test_two_histories_are_merged_in_the_order_of_each_whatever_the_clocks_said() -> None:
    first, ahead, second = (
        Event(f"{year}-01-01T00:00:00+00:00", "me", "up", name)
        for year, name in ((2026, "a"), (2027, "b"), (2026, "c"))
    )
    refused = Event("2026-01-01T00:00:00+00:00", "me", "refused", "x")

    assert merged([first, refused, second], [first, ahead, second]) == [
        first,
        refused,
        ahead,
        second,
    ]
    assert merged([], [first, ahead, second]) == [first, ahead, second]
    assert merged([first, ahead], [second]) == [first, ahead, second]
