import pandas as pd
import pytest

from package_size.config import Split
from package_size.data import split
from package_size.data.rows import GROUP, TIME, Row
from package_size.errors import ProjectError

from ..conftest import Project


@pytest.fixture(scope="module")
def frame(project: Project) -> pd.DataFrame:
    return pd.concat([project.data.train, project.data.holdout], ignore_index=True)


def sides(frame: pd.DataFrame, by: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    params = Split.model_validate({"by": by, "holdout_share": 0.25, "salt": "1"})
    return split.split(frame, params)


@pytest.mark.parametrize("by", ["group", "time", "rows"])
def test_no_row_is_lost(frame: pd.DataFrame, by: str) -> None:
    if {"group": GROUP, "time": TIME, "rows": ""}[by] is None:
        with pytest.raises(ProjectError, match="cannot be split"):
            sides(frame, by)
        return
    if GROUP is not None:  # of a source with few groups one side might be empty
        frame = frame.assign(**{GROUP: [f"group {number // 9}" for number in range(len(frame))]})
    train, holdout = sides(frame, by)
    assert len(train) + len(holdout) == len(frame)
    assert 0.1 < len(holdout) / len(frame) < 0.4


def test_copies_of_a_row_stay_on_one_side(frame: pd.DataFrame) -> None:
    some = frame.sample(200, random_state=1)  # of both sides of the project's own split
    train, holdout = sides(pd.concat([some] * 2, ignore_index=True), "rows")
    columns = list(Row.model_fields)
    one, other = (
        set(side[columns].astype(str).fillna("").agg("|".join, axis=1)) for side in (train, holdout)
    )
    assert not one & other


def test_a_group_is_on_one_side_only(frame: pd.DataFrame) -> None:
    groups = pd.Series([f"group {number // 3}" for number in range(len(frame))], index=frame.index)
    params = Split(by="group", holdout_share=0.25, salt="1")
    held_out = groups.map(lambda name: split.is_held_out(name, params))
    assert (held_out.groupby(groups).nunique() == 1).all()
    assert 0.1 < held_out.mean() < 0.4


def test_the_latest_rows_are_held_out_when_it_goes_by_time(frame: pd.DataFrame) -> None:
    if TIME is None:
        pytest.skip("no column of these rows says when")
    train, holdout = sides(frame, "time")
    assert train[TIME].max() < holdout[TIME].min()
