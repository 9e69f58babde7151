import numpy as np
import pytest

from fix_finder.model.answers import predictions


def test_from_the_threshold_on_it_is_a_yes() -> None:
    found = predictions(np.array([0.29, 0.3, 0.31]), {"threshold": 0.3})
    assert [each.answer for each in found] == [False, True, True]
    assert [each.probability for each in found] == [0.29, 0.3, 0.31]


def test_no_probability_is_beyond_one() -> None:
    with pytest.raises(ValueError, match="less than or equal to 1"):
        predictions(np.array([1.5]), {"threshold": 0.3})
