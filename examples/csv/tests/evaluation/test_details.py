import numpy as np
import pytest

from package_size.evaluation.details import QUARTERS, details, facts, interval, within
from package_size.evaluation.trial import Trial

from ..conftest import Project


def made_up(rows: int, seed: int) -> Trial:
    """The higher the forecast, the further off it may be."""
    random = np.random.default_rng(seed)
    said = random.uniform(1, 9, rows)
    return Trial(said + said * random.normal(size=rows), said)


def test_the_interval_holds_eight_of_ten_new_truths(project: Project) -> None:
    learned = {"interval": interval(made_up(2000, seed=1))}
    new = made_up(20_000, seed=2)
    inside = within(new.truth, new.said, learned)
    assert inside.mean() == pytest.approx(0.8, abs=0.03)
    for low in (1, 3, 5, 7):  # in each part, and not only on average
        part = (low <= new.said) & (new.said < low + 2)
        assert inside[part].mean() == pytest.approx(0.8, abs=0.06)


def test_few_errors_make_one_interval_for_all() -> None:
    found = interval(made_up(100, seed=1))
    assert found["edges"] == []
    assert len(found["below"]) == len(found["above"]) == 1


def test_one_and_the_same_forecast_makes_one_interval() -> None:
    found = interval(Trial(np.random.default_rng(1).normal(size=5000), np.zeros(5000)))
    assert found["edges"] == []
    assert found["above"] == [pytest.approx(1.28, abs=0.1)]  # of a normal distribution


def test_the_table_shows_bias_by_size_of_the_forecast(project: Project) -> None:
    said = np.arange(400.0)
    truth = np.where(said < 300, said, said + 10)
    learned = {"interval": {"edges": [], "below": [-5.0], "above": [5.0]}}
    found = details(project.data.train, truth, said, learned, project.params)
    assert "holds 75.0% of the truths" in found.text[0]
    lines = {line[0]: line[1:] for line in found.table[1:]}
    assert lines[QUARTERS[0]] == ("100", "0 to 99", "+0", "0", "100.0%")
    assert lines[QUARTERS[3]] == ("100", "300 to 399", "+10", "10", "0.0%")


def test_it_comes_from_the_training_side_alone(project: Project) -> None:
    """And is the same every time."""
    first, second = (facts(project.data.train, project.params) for _ in range(2))
    assert first == second
    assert all(below < above for below, above in zip(*_ends(first), strict=True))


def _ends(facts: dict[str, dict[str, list[float]]]) -> tuple[list[float], list[float]]:
    return facts["interval"]["below"], facts["interval"]["above"]
