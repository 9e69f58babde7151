"""What anybody who knows repositories would expect of the model, whatever its score is.

It learned from the made-up history. Of your own repositories not all of this may be true: a test
that fails then has found something out.
"""

from statistics import mean
from typing import Any

import numpy as np
import pytest

from fix_finder.data.rows import EXTREME, Row
from fix_finder.data.schema import rows_of
from fix_finder.model import features, persist
from fix_finder.model.predict import Predictor

from ..conftest import Project

SMALL_CHANGE = Row(
    mostly="code",
    files=2,
    code_files=1,
    test_files=1,
    docs_files=0,
    config_files=0,
    new_files=0,
    renamed_files=0,
    binary_files=0,
    directories=2,
    added=9,
    deleted=3,
    hour=10,
    weekday="tuesday",
    days_since_commit=0.3,
    days_since_change=2.0,
    changes_before=9.0,
    fixes_before=4.0,
    recent_fixes=5,
    author_commits=200,
)
NEW_MODULE = {
    "new_files": 2,
    "added": 180,
    "deleted": 0,
    "days_since_change": None,
    "changes_before": None,
    "fixes_before": None,
}


@pytest.fixture(scope="module")
def predictor(project: Project) -> Predictor:
    return Predictor(*persist.load_from(project.layout.champion))


@pytest.fixture(scope="module")
def rows(project: Project) -> list[Row]:
    """Commits of all kinds: what is expected holds for them on average."""
    return rows_of(project.data.holdout)


def probability(predictor: Predictor, rows: list[Row], **change: Any) -> list[float]:
    changed = [row.model_copy(update=change) for row in rows]
    return [one.probability for one in predictor.answer(changed).predictions]


def test_a_file_that_was_mended_often_is_mended_again(
    predictor: Predictor, rows: list[Row]
) -> None:
    known = [row for row in rows if row.fixes_before is not None]
    never, often = (mean(probability(predictor, known, fixes_before=n)) for n in (0.0, 6.0))
    assert never < often


def test_documentation_is_seldom_a_fix(predictor: Predictor, rows: list[Row]) -> None:
    docs = [row for row in rows if row.mostly == "docs"]
    code = [row for row in rows if row.mostly == "code"]
    assert mean(probability(predictor, docs)) < mean(probability(predictor, code))


def test_a_new_module_is_hardly_a_fix(predictor: Predictor) -> None:
    [small] = probability(predictor, [SMALL_CHANGE])
    [new] = probability(predictor, [SMALL_CHANGE], **NEW_MODULE)
    assert new < small


def test_which_commit_and_repository_it_is_changes_nothing(project: Project) -> None:
    """So that the model can be asked about repositories that it has never seen."""
    frame = project.data.holdout.head(100)
    other = frame.assign(repository="another", commit="", number=1, time="2030-01-01")
    np.testing.assert_array_equal(features.build(other), features.build(frame))


def test_rows_are_answered_each_for_itself(predictor: Predictor) -> None:
    together = probability(predictor, [SMALL_CHANGE, EXTREME, SMALL_CHANGE])
    alone = [probability(predictor, [row])[0] for row in (SMALL_CHANGE, EXTREME, SMALL_CHANGE)]
    assert together == pytest.approx(alone, abs=1e-6)
