"""What is served is the trained model: the same answers, or not as ONNX."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelPropagation

from fix_finder import PROJECT
from fix_finder.data.rows import EXTREME, TARGET
from fix_finder.evaluation import metrics
from fix_finder.model import features, onnx, persist
from fix_finder.model.convert import convert
from fix_finder.model.fit import fit
from fix_finder.model.forecast import forecast
from fix_finder.paths import Layout
from fix_finder.registry import agreement, promote, tracking

from ..conftest import Project

LINEAR = make_pipeline(StandardScaler(), LogisticRegression())
FOREST = RandomForestClassifier(20, random_state=1)
UNKNOWN = LabelPropagation()  # skl2onnx has no translation of it


@pytest.fixture(scope="module")
def trained(project: Project) -> Any:
    """The champion as scikit-learn trained it: fitting is repeatable."""
    train = project.data.train
    return fit(features.build(train), metrics.truth(train[TARGET]), project.params.model)


@pytest.fixture(scope="module")
def table() -> tuple[NDArray[np.float64], NDArray[Any]]:
    """A small table of numbers, and answers that follow from it."""
    matrix = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32).astype(np.float64)
    score = matrix[:, 0] + matrix[:, 1] ** 2
    return matrix, score > 1


def test_the_champion_is_served_as_onnx_and_agrees_on_the_whole_holdout(
    project: Project, trained: Any
) -> None:
    forecaster, about = persist.load_from(project.layout.champion)
    assert about["model_file"] == persist.ONNX
    matrix = features.build(project.data.holdout)
    found = onnx.largest_difference(forecast(trained, matrix), forecaster(matrix))
    assert found <= onnx.TOLERANCE
    assert about["onnx_max_difference"] == pytest.approx(found)


def test_the_difference_is_noted_in_the_run_at_registration_and_at_promotion(
    project: Project,
) -> None:
    client = tracking.client(project.layout)
    about = persist.describe(project.layout.champion)
    assert about is not None
    noted = [each.value for each in client.get_metric_history(about["run_id"], agreement.METRIC)]
    assert len(noted) >= 2
    assert set(noted) == {about["onnx_max_difference"]}


@pytest.mark.parametrize(
    "odd", [np.nan, 0.0, 1.0, -1.0, 1e-30, features.LARGEST, -features.LARGEST]
)
def test_they_agree_where_a_column_is_odd(project: Project, trained: Any, odd: float) -> None:
    forecaster, _ = persist.load_from(project.layout.champion)
    matrix = np.repeat(features.build(project.data.holdout.head(20)), len(features.NAMES), axis=0)
    matrix[np.arange(len(matrix)), np.arange(len(matrix)) % len(features.NAMES)] = odd
    expected = forecast(trained, matrix)
    assert onnx.largest_difference(expected, forecaster(matrix)) <= onnx.TOLERANCE


def test_they_agree_on_the_extreme_row(project: Project, trained: Any) -> None:
    forecaster, _ = persist.load_from(project.layout.champion)
    columns = {name: [value] for name, value in EXTREME.model_dump().items()}
    matrix = np.repeat(features.build(columns), 2, axis=0)
    np.testing.assert_allclose(forecaster(matrix), forecast(trained, matrix), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model", [LINEAR, FOREST], ids=["linear", "forest"])
def test_other_models_are_converted_too(model: Any, table: tuple[Any, Any]) -> None:
    matrix, truth = table
    model.fit(matrix, truth)
    attempt = onnx.attempt(model, matrix, forecast(model, matrix))
    assert attempt.content is not None
    assert attempt.difference is not None
    assert 0 < attempt.difference <= onnx.TOLERANCE


def test_a_probability_is_never_more_than_one(table: tuple[Any, Any]) -> None:
    """As a sum over the 20 trees of this forest, in float32, it comes out as 1.0000001."""
    matrix, truth = table
    said = onnx.load(convert(FOREST.fit(matrix, truth), 4))(matrix)
    assert 0 <= said.min() <= said.max() == 1


def test_a_model_that_says_something_else_as_onnx_is_not_served_so(table: tuple[Any, Any]) -> None:
    """Forests of scikit-learn know what to do without a value; skl2onnx 1.20 forgets it."""
    matrix, truth = table[0].copy(), table[1]
    matrix[::3, 0] = np.nan
    FOREST.fit(matrix, truth)
    attempt = onnx.attempt(FOREST, matrix, forecast(FOREST, matrix))
    assert attempt.content is None
    assert attempt.difference is not None
    assert attempt.difference > onnx.TOLERANCE
    assert "differ" in attempt.why_not


def test_a_model_without_a_translation_is_not_served_as_onnx(table: tuple[Any, Any]) -> None:
    matrix, truth = table
    UNKNOWN.fit(matrix, truth)
    attempt = onnx.attempt(UNKNOWN, matrix, forecast(UNKNOWN, matrix))
    assert (attempt.content, attempt.difference) == (None, None)
    assert "LabelPropagation is not converted" in attempt.why_not


def test_an_answer_that_is_not_a_number_is_a_difference() -> None:
    nothing = np.full(3, np.nan)
    assert not onnx.largest_difference(np.ones_like(nothing), nothing) <= onnx.TOLERANCE


def test_the_same_model_is_the_same_file(project: Project, trained: Any) -> None:
    matrix = features.build(project.data.holdout)
    said = forecast(trained, matrix)
    assert onnx.attempt(trained, matrix, said) == onnx.attempt(trained, matrix, said)


def test_a_file_that_no_longer_agrees_is_not_promoted(
    project: Project, copied: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking.client(copied).delete_registered_model_alias(PROJECT, tracking.ALIAS)
    monkeypatch.setattr(onnx, "TOLERANCE", -1.0)  # nothing is as near as that
    decision = promote.promote("1", project.data.holdout, project.params, copied)
    assert not decision.promoted
    assert "differs from its model" in decision.why
