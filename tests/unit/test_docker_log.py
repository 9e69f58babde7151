"""Where a log that broke off is taken up."""

from __future__ import annotations

from mldeploy.engines.docker_log import Place, is_old

FIRST, SECOND, THIRD = (f"2026-11-23T12:00:0{n}.000000001Z" for n in (1, 2, 3))


def test_a_stream_goes_on_behind_the_lines_that_were_seen_also_among_equal_stamps() -> None:
    place = Place.after([(FIRST, "a"), (SECOND, "b"), (SECOND, "c")])
    again = [FIRST, SECOND, SECOND, SECOND, THIRD]

    assert [is_old(stamp, place) for stamp in again] == [True, True, True, False, False]


def test_the_engine_is_asked_for_whole_seconds_which_hold_the_last_line() -> None:
    assert Place.after([(SECOND, "b")]).second == 1795435202


def test_a_log_that_was_never_read_is_read_from_its_beginning() -> None:
    assert Place().second is None  # the library refuses 0
    assert not is_old(FIRST, Place())
