"""What anybody would expect of the model, whatever its score is.

It learned from made-up rows (tests/made_up.py), so it is known what it should have found. Add what
you know of your own table: what must make the answer larger, and what must not change it.
"""

from typing import Any

import pytest

from package_size.data.rows import CATEGORIES, EXTREME, NUMBERS, Row
from package_size.data.schema import rows_of
from package_size.model import persist
from package_size.model.predict import Predictor

from .. import made_up
from ..conftest import Project, needs_a_number


@pytest.fixture(scope="module")
def predictor(project: Project) -> Predictor:
    return Predictor(*persist.load_from(project.layout.champion))


@pytest.fixture(scope="module")
def rows(project: Project) -> list[Row]:
    return rows_of(project.data.holdout.head(100))


def said(predictor: Predictor, row: Row, **change: Any) -> float:
    """The answer as a number: the larger, the nearer to yes, to the last class, to a high value."""
    [one] = predictor.answer([row.model_copy(update=change)]).predictions
    return one.answer


@needs_a_number
def test_more_of_the_first_number_gives_a_larger_answer(
    predictor: Predictor, rows: list[Row]
) -> None:
    low, high = made_up.usual(NUMBERS[0])
    least = sum(said(predictor, row, **{NUMBERS[0]: low}) for row in rows)
    assert least < sum(said(predictor, row, **{NUMBERS[0]: high}) for row in rows)


def test_a_value_never_seen_is_like_any_other_never_seen(
    predictor: Predictor, rows: list[Row]
) -> None:
    for name in CATEGORIES:
        one, other = (said(predictor, rows[0], **{name: text}) for text in ("never", "seen"))
        assert one == other


def test_rows_are_answered_each_for_itself(predictor: Predictor, rows: list[Row]) -> None:
    asked = [rows[0], EXTREME, rows[1]]
    together = predictor.answer(asked).predictions
    alone = [predictor.answer([row]).predictions[0] for row in asked]
    assert together == alone
