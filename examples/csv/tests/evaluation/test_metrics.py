import numpy as np
import pandas as pd
import pytest
import sklearn.metrics

from package_size import config
from package_size.errors import ProjectError
from package_size.evaluation import metrics

from .forecasts import forecasts, truths

TRUTH = np.array([1.0, 2.0, 3.0, 6.0])
SAID = np.array([1.0, 3.0, 3.0, 4.0])


def test_values_worked_out_by_hand(params: config.Params) -> None:
    assert metrics.score(TRUTH, SAID, params.evaluation) == pytest.approx(
        {"r2": 1 - 5 / 14, "mae": 3 / 4, "rmse": np.sqrt(5 / 4), "bias": -1 / 4}
    )


def test_scikit_learn_says_the_same(params: config.Params) -> None:
    truth = truths(500, seed=1)
    said = forecasts(truth, skill=1, seed=1)
    found = metrics.score(truth, said, params.evaluation)
    assert found["r2"] == pytest.approx(sklearn.metrics.r2_score(truth, said))
    assert found["mae"] == pytest.approx(sklearn.metrics.mean_absolute_error(truth, said))
    assert found["rmse"] == pytest.approx(sklearn.metrics.root_mean_squared_error(truth, said))


def test_the_baseline_is_at_chance() -> None:
    assert metrics.main(TRUTH, metrics.baseline(TRUTH, rows=4)) == metrics.CHANCE


def test_true_values_that_are_all_the_same_have_no_main_metric() -> None:
    assert np.isnan(metrics.main(np.array([2.0, 2.0]), np.array([1.0, 3.0])))


def test_the_parts_average_to_the_whole() -> None:
    parts = [metrics.on_part(TRUTH[half], SAID[half], TRUTH) for half in ([0, 1], [2, 3])]
    assert np.mean(parts) == pytest.approx(metrics.main(TRUTH, SAID))


def test_a_side_with_one_value_is_refused() -> None:
    same = np.full(4, 7.5)
    with pytest.raises(ProjectError, match=r"rows held out are 7\.5"):
        metrics.check(TRUTH, same)
    with pytest.raises(ProjectError, match="rows to train on"):
        metrics.check(same, TRUTH)
    assert metrics.check(TRUTH, SAID) == ()


def test_truth_is_read_from_the_column() -> None:
    assert metrics.truth(pd.Series([1.5, 2.0])).tolist() == [1.5, 2.0]
