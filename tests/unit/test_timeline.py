"""The timeline: spans side by side."""

from __future__ import annotations

from mldeploy import timeline
from mldeploy.timeline import Span

BUILD = Span("release is built", 102.0, 110.0)
BOOT = Span("the machine boots", 101.0, 121.0)


def test_bars_lie_where_their_spans_do() -> None:
    first, second = timeline.chart([BUILD, BOOT])

    assert first.startswith("the machine boots")
    assert first.count("█") == 40
    assert second.count("█") == 16
    assert second.index("█") == first.index("█") + 2
    assert second.endswith("1.0 to   9.0 s")


def test_what_was_too_short_to_see_is_left_out() -> None:
    assert timeline.chart([Span("a glance", 1.0, 1.1)]) == []
    assert len(timeline.chart([BUILD, Span("a glance", 103.0, 103.1)])) == 1


def test_moments_become_spans_named_for_their_end() -> None:
    spans = timeline.between([(1.0, "rented"), (3.0, "starts"), (9.0, "boots")])

    assert spans == [Span("starts", 1.0, 3.0), Span("boots", 3.0, 9.0)]


def test_how_long_two_went_on_at_once() -> None:
    assert timeline.overlap([BUILD], [BOOT]) == 8.0
    assert timeline.overlap([BUILD], [Span("later", 111.0, 112.0)]) == 0.0


def test_json_counts_from_the_first() -> None:
    assert timeline.as_dicts([BUILD, BOOT])[0] == {
        "step": "the machine boots",
        "began": 0.0,
        "ended": 20.0,
    }
