import numpy as np
import pytest

from package_size.model.answers import predictions

INTERVAL = {"edges": [10.0, 20.0], "below": [-1.0, -2.0, -4.0], "above": [1.5, 2.5, 4.5]}


@pytest.mark.parametrize(
    ("forecast", "low", "high"),
    [(5, 4, 6.5), (10, 9, 11.5), (10.5, 8.5, 13), (20, 18, 22.5), (100, 96, 104.5)],
)
def test_the_interval_is_that_of_forecasts_of_this_size(
    forecast: float, low: float, high: float
) -> None:
    [found] = predictions(np.array([forecast]), {"interval": INTERVAL})
    assert (found.answer, found.low, found.high) == (forecast, low, high)


def test_without_edges_there_is_one_interval_for_all() -> None:
    facts = {"interval": {"edges": [], "below": [-1.0], "above": [1.0]}}
    found = predictions(np.array([-100.0, 0.0, 100.0]), facts)
    assert [each.high - each.low for each in found] == [2, 2, 2]
