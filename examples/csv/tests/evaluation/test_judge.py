import pytest

from package_size import config
from package_size.evaluation.intervals import Interval
from package_size.evaluation.judge import judge
from package_size.evaluation.leaks import Finding
from package_size.evaluation.metrics import MAIN

GOOD = Interval(0.77, 0.8, 0.83)
LEAK = Finding("single column", False, "price_net alone nearly gives the answer")


@pytest.fixture
def strict(params: config.Params) -> config.Params:
    evaluation = params.evaluation.model_copy(update={"minimum": 0.7})
    return params.model_copy(update={"evaluation": evaluation})


def test_enough_and_better_than_the_baseline_passes(strict: config.Params) -> None:
    assert judge(GOOD, 0.5, (), strict).passed


def test_a_failed_evaluation_says_by_how_much(strict: config.Params) -> None:
    verdict = judge(Interval(0.57, 0.6, 0.63), 0.5, (), strict)
    assert not verdict.passed
    assert verdict.reasons[0] == f"{MAIN} 0.6000 (0.5700 to 0.6300) is below the minimum of 0.7"


def test_as_good_as_the_baseline_is_not_enough(strict: config.Params) -> None:
    verdict = judge(GOOD, 0.8, (), strict)
    assert not verdict.passed
    assert "does not beat" in verdict.reasons[1]


def test_better_than_the_baseline_by_chance_is_not_enough(strict: config.Params) -> None:
    verdict = judge(Interval(0.49, 0.8, 0.99), 0.5, (), strict)
    assert not verdict.passed
    assert "within noise" in verdict.reasons[1]


def test_an_interval_that_cannot_be_told_is_not_enough(strict: config.Params) -> None:
    assert not judge(Interval(float("nan"), 0.8, float("nan")), 0.5, (), strict).passed


def test_a_leak_fails_the_evaluation_and_is_named(strict: config.Params) -> None:
    verdict = judge(GOOD, 0.5, [LEAK], strict)
    assert not verdict.passed
    assert LEAK.sentence in verdict.reasons[-1]


def test_a_finding_that_was_looked_into_passes(strict: config.Params) -> None:
    honesty = strict.honesty.model_copy(update={"accepted": (LEAK.check,)})
    accepting = strict.model_copy(update={"honesty": honesty})
    assert judge(GOOD, 0.5, [LEAK], accepting).passed
