from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from package_size.data.clean import RuleCount, clean
from package_size.data.collect import collect
from package_size.data.rows import CATEGORIES, NUMBERS, TARGET, Row

from ..conftest import Project

FIELDS = Row.model_json_schema()["properties"]


@pytest.fixture
def good(project: Project) -> pd.DataFrame:
    """Rows that no rule has anything against."""
    raw = collect(project.params.collect, project.layout).frame
    return clean(raw, project.params.clean).frame.head(200)


def counted(frame: pd.DataFrame, project: Project, rule: str) -> RuleCount:
    [count] = [each for each in clean(frame, project.params.clean).counts if each.rule == rule]
    return count


def test_good_rows_stay_as_they_are(good: pd.DataFrame, project: Project) -> None:
    cleaned = clean(good, project.params.clean)
    pd.testing.assert_frame_equal(cleaned.frame, good)
    assert not any(count.dropped or count.changed for count in cleaned.counts)


def test_a_row_without_an_answer_is_dropped(good: pd.DataFrame, project: Project) -> None:
    frame = good.astype({TARGET: "float64"})
    frame.loc[3, TARGET] = None
    assert counted(frame, project, "no answer").dropped == 1


def test_the_same_row_again_is_dropped(good: pd.DataFrame, project: Project) -> None:
    frame = pd.concat([good, good.head(7)], ignore_index=True)
    assert counted(frame, project, "copy").dropped == 7


def test_a_package_that_looks_like_an_earlier_one_is_dropped(
    good: pd.DataFrame, project: Project
) -> None:
    alike = good.head(7).assign(package="other", installed_log10=1.0)
    frame = pd.concat([good, alike], ignore_index=True)
    assert counted(frame, project, "copy").dropped == 0
    assert counted(frame, project, "looks the same").dropped == 7
    pd.testing.assert_frame_equal(clean(frame, project.params.clean).frame, good)


def test_a_value_beyond_its_limits_is_taken_for_missing(
    good: pd.DataFrame, project: Project
) -> None:
    optional = [name for name in NUMBERS if "anyOf" in FIELDS[name]]
    for name in optional:
        frame = good.copy()
        frame.loc[3, name] = FIELDS[name]["anyOf"][0]["maximum"] + 1
        assert counted(frame, project, "impossible value").changed == 1
        assert clean(frame, project.params.clean).frame[name].isna()[3]


@pytest.mark.parametrize("spelled", [str.upper, str.lower, lambda text: f" {text} "])
def test_a_value_has_one_spelling(
    good: pd.DataFrame, project: Project, spelled: Callable[[str], str]
) -> None:
    for name, values in CATEGORIES.items():
        frame = good.copy()
        frame[name] = [spelled(str(text)) if pd.notna(text) else text for text in frame[name]]
        cleaned: Any = clean(frame, project.params.clean).frame[name].dropna()
        assert set(cleaned) <= set(values)
