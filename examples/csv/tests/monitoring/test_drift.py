"""Frames in which it is known whether anything has changed, and what."""

import numpy as np
import pandas as pd
import pytest

from package_size.config import Monitoring
from package_size.monitoring.drift import Report, bins, compare, psi

PARAMS = Monitoring(
    log=True, latest_rows=2000, minimum_rows=200, psi=0.25, p_value=0.01, missing=0.1, unseen=0.02
)
CATEGORIES = {"colour": ("blue", "green", "red")}


def rows(seed: int, count: int = 500) -> pd.DataFrame:
    """What real columns are like: bell-shaped, skewed, mostly zero, yes or no, with holes."""
    rng = np.random.default_rng(seed)
    height = rng.normal(170, 10, count)
    return pd.DataFrame(
        {
            "height": np.where(rng.random(count) < 0.1, np.nan, height),
            "price": rng.exponential(100, count),
            "rain": np.where(rng.random(count) < 0.7, 0, rng.exponential(5, count)),
            "member": (rng.random(count) < 0.2).astype(float),
            "colour": rng.choice(["blue", "green", "red"], count, p=[0.6, 0.3, 0.1]),
        }
    )


BEFORE = rows(seed=0, count=2000)


def report(now: pd.DataFrame) -> Report:
    return compare(BEFORE, now, CATEGORIES, PARAMS)


def drifted(now: pd.DataFrame) -> dict[str, str]:
    """The columns that drifted, with their sentences."""
    return {each.column: each.sentence for each in report(now).findings if each.drifted}


@pytest.mark.parametrize("seed", range(1, 41))
def test_no_false_alarm(seed: int) -> None:
    assert drifted(rows(seed, count=200)) == {}
    assert not report(rows(seed)).drifted


@pytest.mark.parametrize("seed", range(1, 11))
def test_what_was_changed_is_found_and_nothing_else(seed: int) -> None:
    now = rows(seed)
    assert drifted(now.assign(height=now["height"] + 8)).keys() == {"height"}
    assert drifted(now.assign(price=now["price"] * 2)).keys() == {"price"}
    assert drifted(now.assign(rain=now["rain"] + 1)).keys() == {"rain"}
    assert drifted(now.assign(member=1 - now["member"])).keys() == {"member"}
    assert drifted(now.assign(colour=rows(seed + 1)["colour"].replace("blue", "red"))).keys() == {
        "colour"
    }


def test_the_sentence_says_what_has_become_of_it() -> None:
    now = rows(1).assign(height=lambda frame: frame["height"] + 20, colour="red")
    said = drifted(now)
    assert "on average 189.6, it was 169.7" in said["height"]
    assert "'red' is 100% of the rows, it was 1" in said["colour"]


def test_missing_values_are_named_also_when_all_are_missing() -> None:
    none = drifted(rows(1).assign(price=np.nan))
    assert none == {"price": "missing in 100% of the rows, it was 0%"}
    fewer = rows(1).assign(height=lambda frame: frame["height"].fillna(170))
    assert drifted(fewer) == {}  # 10 % fewer is at the limit, and not over it


def test_a_value_that_was_never_seen_is_named() -> None:
    now = rows(1)
    now.loc[:19, "colour"] = "ultraviolet"
    assert "4.0% of the rows have a value" in drifted(now)["colour"]


def test_a_small_difference_is_no_drift_however_certain_it_is() -> None:
    many = rows(1, count=100_000)
    found = report(many.assign(height=many["height"] + 1)).findings
    [height] = [each for each in found if each.column == "height"]
    assert height.p_value < 1e-4
    assert not height.drifted


def test_of_few_rows_nothing_is_said() -> None:
    few = report(rows(1, count=199).assign(price=0.0))
    assert not few.enough
    assert not few.drifted


def test_a_column_that_never_changes_is_no_trouble() -> None:
    always = compare(BEFORE.assign(price=1.0), rows(1).assign(price=1.0), CATEGORIES, PARAMS)
    assert not always.drifted


def test_the_index_of_two_known_histograms() -> None:
    half, skewed = np.array([50_000.0, 50_000.0]), np.array([90_000.0, 10_000.0])
    assert psi(half, half) == 0
    assert psi(half, skewed) == pytest.approx(0.4 * np.log(9), abs=1e-3)
    assert psi(half, skewed) == pytest.approx(psi(skewed, half))
    assert np.isfinite(psi(np.array([10.0, 0.0]), np.array([0.0, 10.0])))


def test_bins_hold_about_as_many_rows_each_or_one_value_each() -> None:
    values = np.random.default_rng(1).exponential(1, 10_000)
    counts = np.bincount(bins(values).searchsorted(values))
    assert counts.min() > 950
    assert counts.max() < 1050
    assert bins(np.array([0.0, 1.0, 1.0, 3.0])).tolist() == [0.5, 2.0]
