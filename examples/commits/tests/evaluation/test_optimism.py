"""A split that flatters the score is named, with how much it gains: by time, and by groups."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fix_finder.config import Params
from fix_finder.data import split
from fix_finder.data.rows import NUMBERS, TARGET
from fix_finder.evaluation import honesty, metrics
from fix_finder.evaluation.leaks import Finding
from fix_finder.model import features
from fix_finder.model.fit import fit
from fix_finder.model.forecast import forecast

from ..conftest import Project, needs_a_number


@pytest.fixture
def turned(project: Project, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Rows of ten things. The larger the first number the larger the answer; but in the last
    quarter of the time it is the other way round, which a model of yesterday cannot know."""
    for module in (honesty, split):
        monkeypatch.setattr(module, "TIME", "moment")
        monkeypatch.setattr(module, "GROUP", "thing")
    rows = pd.concat([project.data.train, project.data.holdout], ignore_index=True)
    rows = rows.sample(1200, replace=True, random_state=1, ignore_index=True)
    place = np.random.default_rng(1).uniform(size=1200)
    upwards = np.where(np.arange(1200) < 900, place, 1 - place)
    changed: dict[str, Any] = {
        NUMBERS[0]: place,
        TARGET: upwards > 0.5,
        "moment": pd.date_range("2024-01-01", periods=1200, freq="h").strftime("%Y-%m-%dT%H"),
        "thing": [f"thing {number % 10}" for number in range(1200)],
    }
    return rows.assign(**changed)


def findings(frame: pd.DataFrame, by: str, params: Params) -> dict[str, Finding]:
    """What is found of a model that was judged by such a split, by the names of the checks."""
    chosen = params.split.model_copy(update={"by": by, "holdout_share": 0.25, "salt": "1"})
    params = params.model_copy(update={"split": chosen})
    train, holdout = split.split(frame, chosen)
    model = fit(features.build(train), metrics.truth(train[TARGET]), params.model)
    said = forecast(model, features.build(holdout))
    return {each.check: each for each in honesty.check(train, holdout, said, params)}


@needs_a_number
def test_a_split_that_mixes_past_and_future_and_groups_is_named(
    project: Project, turned: pd.DataFrame
) -> None:
    found = findings(turned, "rows", project.params)
    order, groups = found["time order"], found["groups across the split"]
    assert not order.passed
    assert "later than the first row held out" in order.sentence
    assert float(order.sentence.rpartition("an optimism of ")[2]) > 0.2
    assert not groups.passed
    assert "10 groups are on both sides" in groups.sentence


@needs_a_number
def test_with_a_split_by_time_groups_may_be_known_and_the_optimism_is_said(
    project: Project, turned: pd.DataFrame
) -> None:
    found = findings(turned, "time", project.params)
    assert found["groups across the split"].passed
    assert "time order" not in found
    assert float(found["optimism"].sentence.rpartition("an optimism of ")[2]) > 0.2


@needs_a_number
def test_where_time_changes_nothing_there_is_no_finding(
    project: Project, turned: pd.DataFrame
) -> None:
    same = turned.head(900).sample(frac=1, random_state=2, ignore_index=True)
    same["moment"] = turned["moment"].head(900)
    assert findings(same, "rows", project.params)["time order"].passed
