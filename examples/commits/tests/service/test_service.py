import json
import subprocess
import sys
import textwrap
from typing import Any

import pytest
from starlette.testclient import TestClient

from fix_finder.data.rows import CATEGORIES, NUMBERS, Row
from fix_finder.data.schema import rows_of
from fix_finder.model import features, persist
from fix_finder.model.answers import predictions

from ..conftest import Project, needs_a_number


@pytest.fixture
def row(project: Project) -> dict[str, Any]:
    golden = json.loads(project.layout.golden.read_text(encoding="utf-8"))
    found: dict[str, Any] = golden["requests"][0]["body"]["rows"][0]
    return found


def test_golden_requests_get_their_answers(client: TestClient, project: Project) -> None:
    for request in json.loads(project.layout.golden.read_text(encoding="utf-8"))["requests"]:
        answer = client.post(request["path"], json=request["body"])
        assert answer.status_code == 200
        given, expected = answer.json()["predictions"], request["expect"]["predictions"]
        for one, other in zip(given, expected, strict=True):
            assert flat(one) == pytest.approx(flat(other), abs=request["tolerance"])


def flat(prediction: dict[str, Any]) -> dict[str, Any]:
    """Also the probabilities of the classes, if there are any, side by side with the rest."""
    return {**prediction, **prediction.get("probabilities", {}), "probabilities": None}


def test_the_same_rows_get_the_same_answers_over_http(client: TestClient, project: Project) -> None:
    """Through `features` from the table, and through HTTP: training and service do not differ."""
    frame = project.data.holdout.head(200)
    forecaster, about = persist.load_from(project.layout.champion)
    expected = predictions(forecaster(features.build(frame)), about["answers"])
    rows = [row.model_dump() for row in rows_of(frame)]
    given = client.post("/predict", json={"rows": rows}).json()["predictions"]
    for one, other in zip(given, expected, strict=True):
        assert flat(one) == pytest.approx(flat(other.model_dump()), abs=1e-6)


def test_many_rows_get_as_many_answers(client: TestClient, row: dict[str, Any]) -> None:
    answer = client.post("/predict", json={"rows": [row] * 1000})
    assert answer.status_code == 200
    assert len(answer.json()["predictions"]) == 1000


@pytest.mark.parametrize("count", [0, 1001])
def test_no_rows_and_too_many_are_refused(
    client: TestClient, row: dict[str, Any], count: int
) -> None:
    assert client.post("/predict", json={"rows": [row] * count}).status_code == 400


def test_a_missing_field_is_named(client: TestClient, row: dict[str, Any]) -> None:
    required = [name for name, field in Row.model_fields.items() if field.is_required()]
    for name in required[:3]:
        answer = client.post("/predict", json={"rows": [without(row, name)]})
        assert answer.status_code == 400
        assert name in answer.text


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def test_an_extra_field_is_named(client: TestClient, row: dict[str, Any]) -> None:
    answer = client.post("/predict", json={"rows": [row | {"colour_of_the_sky": "blue"}]})
    assert answer.status_code == 400
    assert "colour_of_the_sky" in answer.text


@needs_a_number
@pytest.mark.parametrize("value", ["many", [1], {"a": 1}])
def test_a_number_that_is_none_is_refused_and_its_field_named(
    client: TestClient, row: dict[str, Any], value: object
) -> None:
    answer = client.post("/predict", json={"rows": [row | {NUMBERS[0]: value}]})
    assert answer.status_code == 400
    assert NUMBERS[0] in answer.text


@needs_a_number
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_a_number_is_refused(
    client: TestClient, row: dict[str, Any], value: str
) -> None:
    """JSON has no NaN, but Python's own writer makes it all the same."""
    body = json.dumps({"rows": [row | {NUMBERS[0]: "HERE"}]}).replace('"HERE"', value)
    headers = {"Content-Type": "application/json"}
    assert client.post("/predict", content=body, headers=headers).status_code == 400


def test_a_category_never_seen_is_refused_or_answered_but_no_crash(
    client: TestClient, row: dict[str, Any]
) -> None:
    for name in CATEGORIES:
        answer = client.post("/predict", json={"rows": [row | {name: "never seen"}]})
        listed = "enum" in json.dumps(Row.model_json_schema()["properties"][name])
        assert answer.status_code == (400 if listed else 200)


def test_it_says_that_it_is_alive_and_ready(client: TestClient) -> None:
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_its_documentation_names_every_field(client: TestClient, row: dict[str, Any]) -> None:
    documentation = json.dumps(client.get("/docs.json").json())
    assert "/predict" in documentation
    assert all(name in documentation for name in row)


def test_it_needs_neither_training_code_nor_its_libraries() -> None:
    """In a Python where importing them fails, as in an image that does not have them."""
    code = textwrap.dedent(
        """
        import sys

        class Refuse:
            names = {"mlflow", "pandas", "pandera", "matplotlib", "sqlalchemy", "typer"}
            names |= {"pydantic_settings", "joblib", "scipy", "skl2onnx", "sklearn", "skops"}
            names |= {"onnx", "torch"}

            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in self.names:
                    raise ModuleNotFoundError(name, name=name)

        sys.meta_path.insert(0, Refuse())
        import fix_finder.service

        ours = {name for name in sys.modules if name.startswith("fix_finder.")}
        own = {"data", "data.rows", "errors", "files", "model", "model.answers", "model.features"}
        own |= {"model.forecast", "model.persist", "model.predict", "monitoring", "monitoring.log"}
        own |= {"model.onnx", "page", "paths", "refusals", "service"}
        sys.exit(", ".join(ours - {f"fix_finder.{name}" for name in own}) or 0)
        """
    )
    subprocess.run([sys.executable, "-c", code], check=True)
