from typing import Any

import pandas as pd
import pytest

from package_size.data.clean import RuleCount, clean
from package_size.data.collect import collect
from package_size.data.report import report
from package_size.data.rows import NUMBERS, TARGET
from package_size.data.rules import RULES
from package_size.errors import ProjectError

from ..conftest import Project, needs_a_number


@pytest.fixture(scope="module")
def raw(project: Project) -> pd.DataFrame:
    return collect(project.params.collect, project.layout).frame


def test_rows_in_are_rows_out_and_rows_explained(project: Project, raw: pd.DataFrame) -> None:
    cleaned = clean(raw, project.params.clean)
    assert len(raw) == len(cleaned.frame) + sum(count.dropped for count in cleaned.counts)


def test_every_rule_says_why() -> None:
    for rule in RULES:
        assert rule.__doc__, rule.__name__
        assert len(rule.__doc__.partition("\n")[0]) > 20, rule.__name__


def test_cleaning_twice_is_cleaning_once(project: Project, raw: pd.DataFrame) -> None:
    once = clean(raw, project.params.clean).frame
    pd.testing.assert_frame_equal(clean(once, project.params.clean).frame, once)


@needs_a_number
def test_a_rule_that_repairs_is_counted_by_rows(project: Project) -> None:
    def too_small(frame: pd.DataFrame, params: Any) -> pd.DataFrame:
        """Every value of the first three rows is one too small."""
        repaired = frame.copy()
        repaired.loc[:2, NUMBERS[0]] += 1
        return repaired

    frame = project.data.train.dropna(subset=[NUMBERS[0]]).reset_index(drop=True)
    [count] = clean(frame, project.params.clean, rules=[too_small]).counts
    why = "Every value of the first three rows is one too small."
    assert count == RuleCount("too small", why, dropped=0, changed=3)


def test_a_rule_that_repairs_must_not_lose_rows(project: Project) -> None:
    def forgetful(frame: pd.DataFrame, params: Any) -> pd.DataFrame:
        """Loses the first row without saying so."""
        return frame.iloc[1:]

    with pytest.raises(ValueError, match="forgetful"):
        clean(project.data.train, project.params.clean, rules=[forgetful])


@needs_a_number
def test_the_report_has_figures_before_and_after(project: Project, raw: pd.DataFrame) -> None:
    cleaned = clean(raw, project.params.clean)
    told = report(raw, cleaned)
    assert told["rows_in"] - told["rows_out"] == sum(rule["dropped"] for rule in told["rules"])
    assert set(told["columns"][NUMBERS[0]]) == {"before", "after"}
    assert {"min", "median", "max"} <= set(told["columns"][NUMBERS[0]]["after"])


def test_nothing_left_to_learn_is_said(project: Project) -> None:
    same = project.data.train[TARGET].iloc[0]
    with pytest.raises(ProjectError, match="Too little"):
        clean(project.data.train.head(20).assign(**{TARGET: same}), project.params.clean)
