"""Leaks that are planted on purpose are found and named; without them nothing is."""

import numpy as np
import pandas as pd
import pytest

from package_size.data.rows import NUMBERS, TARGET
from package_size.evaluation import honesty, leaks, metrics
from package_size.evaluation.leaks import Finding, Sides
from package_size.model import features
from package_size.model.fit import fit
from package_size.model.forecast import forecast

from ..conftest import Project


@pytest.fixture(scope="module")
def said(project: Project) -> metrics.Forecast:
    """What a model says of the hold-out."""
    sides = sides_of(project.data.train, project.data.holdout)
    model = fit(sides.matrix, sides.truth, project.params.model)
    return forecast(model, sides.holdout)


def sides_of(train: pd.DataFrame, holdout: pd.DataFrame) -> Sides:
    return Sides(
        features.build(train),
        metrics.truth(train[TARGET]),
        features.build(holdout),
        metrics.truth(holdout[TARGET]),
    )


def planted(sides: Sides, columns: dict[int, tuple[np.ndarray, np.ndarray]]) -> Sides:
    """The same sides, with other values in these columns of the matrix: (training, hold-out)."""
    matrix, holdout = sides.matrix.copy(), sides.holdout.copy()
    for place, (known, asked) in columns.items():
        matrix[:, place], holdout[:, place] = known, asked
    return Sides(matrix, sides.truth, holdout, sides.holdout_truth)


def named(findings: tuple[Finding, ...], check: str) -> Finding:
    [found] = [each for each in findings if each.check == check]
    return found


def test_the_projects_own_rows_pass(project: Project, said: metrics.Forecast) -> None:
    findings = honesty.check(project.data.train, project.data.holdout, said, project.params)
    assert all(finding.passed for finding in findings), [f.sentence for f in findings]
    assert len(findings) >= 4


def test_a_column_that_is_the_answer_is_named(project: Project) -> None:
    sides = sides_of(project.data.train, project.data.holdout)
    known, asked = metrics.numbers(sides.truth), metrics.numbers(sides.holdout_truth)
    if known.ndim > 1:  # of several classes: which one it is, as a number
        known, asked = known.argmax(axis=1), asked.argmax(axis=1)
    found = leaks.single_column(planted(sides, {0: (known, asked)}), project.params.honesty)
    assert not found.passed
    assert features.NAMES[0].partition("=")[0] in found.sentence


@pytest.mark.skipif(len(NUMBERS) < 2, reason="these rows have no two numbers")
def test_two_columns_whose_sum_is_the_answer_are_named(project: Project) -> None:
    sides = sides_of(project.data.train, project.data.holdout)
    known, asked = metrics.numbers(sides.truth), metrics.numbers(sides.holdout_truth)
    draw = np.random.default_rng(1)
    part, other = (draw.normal(0, 3 * known.std(), len(each)) for each in (known, asked))
    one, two = (features.NAMES.index(name) for name in NUMBERS[:2])
    columns = {one: (part, other), two: (known - part, asked - other)}
    found = leaks.few_columns(planted(sides, columns), project.params.honesty)
    assert not found.passed
    assert NUMBERS[0] in found.sentence
    assert NUMBERS[1] in found.sentence
    assert leaks.single_column(planted(sides, columns), project.params.honesty).passed


def test_rows_that_stand_on_both_sides_are_counted(
    project: Project, said: metrics.Forecast
) -> None:
    both = pd.concat([project.data.train, project.data.holdout], ignore_index=True)
    found = honesty.copies(both, project.data.holdout, said, project.params.honesty)
    assert "100.0%" in found.sentence
    assert not found.passed


def test_a_feature_that_is_made_from_the_answer_shows_with_shuffled_answers(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaking(columns: pd.DataFrame) -> np.ndarray:
        answer = metrics.numbers(metrics.truth(columns[TARGET]))
        return np.column_stack([honest(columns), answer])

    honest = features.build
    monkeypatch.setattr(features, "build", leaking)
    frame = pd.concat([project.data.train, project.data.holdout], ignore_index=True)
    assert not honesty.shuffled(frame, project.params).passed


def test_the_optimism_of_a_random_split_is_printed(
    project: Project, said: metrics.Forecast
) -> None:
    if project.params.split.by == "rows":
        pytest.skip("this project is split by rows already")
    findings = honesty.check(project.data.train, project.data.holdout, said, project.params)
    assert "an optimism of" in named(findings, "optimism").sentence


def test_checks_that_are_switched_off_are_no_pass(project: Project, said: metrics.Forecast) -> None:
    off = project.params.honesty.model_copy(update={"checks": False})
    params = project.params.model_copy(update={"honesty": off})
    [found] = honesty.check(project.data.train, project.data.holdout, said, params)
    assert not found.passed
