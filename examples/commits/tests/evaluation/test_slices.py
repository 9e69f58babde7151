import numpy as np
import pandas as pd
import pytest

from fix_finder import config
from fix_finder.evaluation import metrics, slices

from .forecasts import forecasts, truths

ROWS = 600


@pytest.fixture
def by_rows(params: config.Params) -> config.Params:
    return params.model_copy(update={"split": params.split.model_copy(update={"by": "rows"})})


@pytest.fixture
def frame(monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.setattr(slices, "SLICES", ("colour", "weight", "town", "wet"))
    random = np.random.default_rng(1)
    weight = random.normal(size=ROWS)
    weight[:60] = np.nan
    return pd.DataFrame(
        {
            "colour": random.choice(["blue", "green", "red"], ROWS),
            "weight": weight,
            "town": [f"town {number}" for number in random.integers(0, 30, ROWS)],
            "wet": random.random(ROWS) < 0.5,
        }
    )


def test_each_row_is_in_one_part_of_each_column(
    frame: pd.DataFrame, by_rows: config.Params
) -> None:
    truth = truths(ROWS, seed=1)
    parts = slices.of(frame, truth, forecasts(truth, 1, seed=1), by_rows)
    rows = pd.DataFrame(parts).groupby("column")["rows"].sum()
    assert rows.to_dict() == {"colour": ROWS, "weight": ROWS, "town": ROWS, "wet": ROWS}


def test_numbers_are_cut_into_quarters_and_missing_ones_stand_apart(
    frame: pd.DataFrame, by_rows: config.Params
) -> None:
    truth = truths(ROWS, seed=1)
    parts = slices.of(frame, truth, forecasts(truth, 1, seed=1), by_rows)
    rows = {part.value: part.rows for part in parts if part.column == "weight"}
    assert rows.pop("(missing)") == 60
    assert list(rows.values()) == [135, 135, 135, 135]


def test_rare_values_are_put_together(frame: pd.DataFrame, by_rows: config.Params) -> None:
    truth = truths(ROWS, seed=1)
    parts = slices.of(frame, truth, forecasts(truth, 1, seed=1), by_rows)
    towns = [part.value for part in parts if part.column == "town"]
    assert len(towns) == slices.MOST_VALUES + 1
    assert towns[-1] == "all others"


def test_few_rows_are_too_few_to_tell(frame: pd.DataFrame, by_rows: config.Params) -> None:
    truth = truths(ROWS, seed=1)
    parts = slices.of(frame, truth, forecasts(truth, 1, seed=1), by_rows)
    assert all((part.score is None) == (part.rows < slices.LEAST_ROWS) for part in parts)
    header, *lines = slices.table(parts)
    assert {len(line) for line in lines} == {len(header)}
    assert "too few to tell" in {line[-1] for line in lines if line[0] == "town"}


def test_the_worst_part_is_named(frame: pd.DataFrame, by_rows: config.Params) -> None:
    truth = truths(ROWS, seed=1)
    green = (frame["colour"] == "green").to_numpy()
    said = forecasts(truth, 3, seed=1)
    said[green] = forecasts(truth[green], 0, seed=2)
    sentence = slices.worst(slices.of(frame, truth, said, by_rows), metrics.main(truth, said))
    assert "worst where colour is green" in sentence
    assert f"on {green.sum()} rows" in sentence


def test_where_no_part_is_worse_it_says_so(by_rows: config.Params) -> None:
    assert slices.worst((), 0.8).startswith("In no part of the rows")
    assert slices.table(()) == ()
