import numpy as np
import pandas as pd
import pytest

from package_size import config
from package_size.config import Split
from package_size.evaluation import resample


def split(by: str) -> Split:
    return Split.model_validate({"by": by, "holdout_share": 0.25, "salt": "1"})


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Three rows from each of twenty boxes, a box a day."""
    monkeypatch.setattr(resample, "GROUP", "box")
    monkeypatch.setattr(resample, "TIME", "day")
    numbers = np.repeat(np.arange(20), 3)
    names = [f"box {number}" for number in numbers]
    return pd.DataFrame({"box": names, "day": [f"2030-01-{1 + each:02}" for each in numbers]})


def test_rows_of_one_group_are_drawn_together(boxes: pd.DataFrame, params: config.Params) -> None:
    for rows in resample.draws(resample.units(boxes, split("group")), params):
        assert len(rows) == len(boxes)
        drawn = boxes["box"].iloc[rows].value_counts()
        assert (drawn % 3 == 0).all()


def test_rows_of_one_moment_are_drawn_together(boxes: pd.DataFrame) -> None:
    units = resample.units(boxes, split("time"))
    assert (pd.Series(units).groupby(boxes["day"]).nunique() == 1).all()


def test_time_is_cut_into_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resample, "TIME", "time")
    times = pd.date_range("2030-01-01", periods=1000, freq="h").strftime("%Y-%m-%dT%H:%M:%S")
    units = resample.units(pd.DataFrame({"time": times[::-1]}), split("time"))
    assert len(np.unique(units)) == resample.STRETCHES
    assert (np.diff(units) <= 0).all()  # the frame runs backwards, and so do the stretches


def test_split_by_rows_each_row_is_drawn_for_itself(boxes: pd.DataFrame) -> None:
    assert len(np.unique(resample.units(boxes, split("rows")))) == len(boxes)
    assert resample.few_units(boxes, split("rows")) == ()


def test_too_few_groups_are_said_to_be_too_few(boxes: pd.DataFrame) -> None:
    few = boxes.head(9)  # three boxes
    assert len(np.unique(resample.units(few, split("group")))) == len(few)
    [warning] = resample.few_units(few, split("group"))
    assert "Only 3 groups (box)" in warning
    assert resample.few_units(boxes, split("group")) == ()


def test_the_same_seed_draws_the_same(params: config.Params) -> None:
    first, second = (list(resample.draws(np.arange(50), params)) for _ in range(2))
    assert len(first) == params.evaluation.resamples
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first[0], first[1])
