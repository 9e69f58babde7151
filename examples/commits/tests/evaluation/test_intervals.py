"""An interval that says 95 % must hold the truth about 95 times of 100: here it is tried."""

import numpy as np
import pandas as pd
import pytest

from fix_finder import config
from fix_finder.evaluation import intervals, metrics
from fix_finder.evaluation.judge import judge
from fix_finder.evaluation.metrics import MAIN
from fix_finder.evaluation.resample import Rows, Units

from .forecasts import forecasts, truths

WORLDS = 150


@pytest.fixture(scope="module")
def quick(params: config.Params) -> config.Params:
    """Split by rows, so that the tables here need no column at all; any score is enough."""
    evaluation = params.evaluation.model_copy(update={"resamples": 100, "minimum": -1.0})
    split = params.split.model_copy(update={"by": "rows"})
    return params.model_copy(update={"evaluation": evaluation, "split": split})


def table(rows: int) -> pd.DataFrame:
    return pd.DataFrame(index=range(rows))


def held(groups: Units, alike: float, params: config.Params) -> float:
    """How often the interval of a mean holds the true mean, 0, in many made-up worlds.

    `alike` is the share of the variance that the rows of a group have in common.
    """
    random = np.random.default_rng(1)
    hits = 0
    for _ in range(WORLDS):
        common = random.normal(size=int(groups.max()) + 1)[groups]
        values = np.sqrt(alike) * common + np.sqrt(1 - alike) * random.normal(size=len(groups))

        def mean(rows: Rows, values: np.ndarray = values) -> float:
            return float(values[rows].mean())

        units = groups if alike else np.arange(len(groups))
        found = intervals.interval(mean, units, params)
        hits += found.low <= 0 <= found.high
    return hits / WORLDS


def test_it_holds_the_truth_as_often_as_it_says(quick: config.Params) -> None:
    assert 0.88 < held(np.arange(60), 0, quick) <= 0.99


def test_it_holds_the_truth_also_where_rows_of_a_group_are_alike(quick: config.Params) -> None:
    assert 0.85 < held(np.repeat(np.arange(40), 5), 0.9, quick) <= 0.99


def test_drawn_row_by_row_rows_that_are_alike_would_look_surer(quick: config.Params) -> None:
    groups = np.repeat(np.arange(40), 5)
    values = np.random.default_rng(1).normal(size=40)[groups]
    together = intervals.interval(lambda rows: float(values[rows].mean()), groups, quick)
    one_by_one = intervals.interval(
        lambda rows: float(values[rows].mean()), np.arange(len(groups)), quick
    )
    assert together.high - together.low > 1.5 * (one_by_one.high - one_by_one.low)


def test_there_is_one_for_each_metric(quick: config.Params) -> None:
    truth = truths(300, seed=1)
    said = forecasts(truth, skill=1, seed=1)
    found = intervals.of(table(300), truth, said, quick)
    assert {name: each.value for name, each in found.items()} == metrics.score(
        truth, said, quick.evaluation
    )
    assert all(each.low < each.value < each.high for each in found.values())


def test_a_forecast_is_not_different_from_itself(quick: config.Params) -> None:
    truth = truths(300, seed=1)
    said = forecasts(truth, skill=1, seed=1)
    assert intervals.difference(table(300), truth, said, said, quick) == intervals.Interval(0, 0, 0)


def test_a_better_forecast_is_better_beyond_noise(quick: config.Params) -> None:
    truth = truths(400, seed=1)
    good, bad = (forecasts(truth, skill, seed=1) for skill in (2.5, 0.5))
    assert intervals.difference(table(400), truth, good, bad, quick).low > 0
    assert intervals.difference(table(400), truth, bad, good, quick).high < 0


def test_two_forecasts_that_are_as_good_differ_within_noise(quick: config.Params) -> None:
    surely = 0
    for seed in range(20):
        truth = truths(200, seed)
        one, other = (forecasts(truth, 1, seed=1000 * seed + each) for each in (1, 2))
        found = intervals.difference(table(200), truth, one, other, quick)
        surely += found.low > 0 or found.high < 0
    assert surely <= 4  # about one of 20 is expected


def test_forecasts_that_know_nothing_are_not_passed(quick: config.Params) -> None:
    passed = 0
    for seed in range(40):
        truth = truths(200, seed)
        said = forecasts(truth, skill=0, seed=seed)
        dumb = metrics.main(truth, metrics.baseline(truth, len(truth)))
        passed += judge(intervals.of(table(200), truth, said, quick)[MAIN], dumb, (), quick).passed
    assert passed <= 5  # about one of 40 is expected: the lower end is missed 2.5 times of 100


def test_a_forecast_that_knows_something_is_passed(quick: config.Params) -> None:
    truth = truths(200, seed=1)
    found = intervals.of(table(200), truth, forecasts(truth, skill=2, seed=1), quick)
    dumb = metrics.main(truth, metrics.baseline(truth, len(truth)))
    assert judge(found[MAIN], dumb, (), quick).passed


def test_draws_that_cannot_be_measured_are_left_out_and_counted(quick: config.Params) -> None:
    def measure(rows: Rows) -> float:
        return float("nan") if 0 not in rows else float(rows.mean())

    found = intervals.interval(measure, np.arange(50), quick)
    assert 20 < found.left_out < 60  # a row is in a draw 63 times of 100
    assert found.low < found.value < found.high
    [told] = intervals.remarks({MAIN: found}, table(50), quick)
    assert told.startswith(f"{found.left_out} of 100 draws")


def test_what_cannot_be_measured_has_no_interval(quick: config.Params) -> None:
    found = intervals.interval(lambda rows: float("nan"), np.arange(50), quick)
    assert np.isnan([found.low, found.value, found.high]).all()
