import numpy as np
import pytest

from fix_finder.evaluation import calibration


def test_what_comes_true_as_often_as_said_has_no_error() -> None:
    sure = np.repeat([0.25, 0.75], 4)
    right = np.array([True, False, False, False, True, True, True, False])
    assert calibration.error(right, sure) == pytest.approx(0)


def test_an_error_worked_out_by_hand() -> None:
    sure = np.repeat([0.2, 0.9], [2, 8])
    right = np.array([True, True, *[True] * 4, *[False] * 4])
    # Two rows are off by 0.8, eight by 0.4.
    assert calibration.error(right, sure) == pytest.approx((2 * 0.8 + 8 * 0.4) / 10)


def test_rows_with_the_same_probability_stay_together() -> None:
    sure = np.array([0.3] * 95 + [0.8] * 5)
    found = calibration.bins(sure > 0.5, sure)
    assert found.tolist() == [
        [pytest.approx(0.3), 0, 95],
        [pytest.approx(0.8), 1, 5],
    ]


def test_forecasts_are_cut_into_tenths() -> None:
    sure = np.random.default_rng(1).random(1000)
    found = calibration.bins(sure > 0.5, sure)
    assert len(found) == calibration.BINS
    assert found[:, 2].tolist() == [100] * 10


def test_honest_probabilities_are_nearly_right() -> None:
    random = np.random.default_rng(1)
    sure = random.random(20_000)
    right = random.random(20_000) < sure
    assert calibration.error(right, sure) < 0.02
    assert calibration.error(right, sure**3) > 0.1
