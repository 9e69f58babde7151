"""Whatever is sent, it is the sender's fault: an answer of 400 or 415, never of 500."""

import json
import logging
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient

from fix_finder import refusals
from fix_finder.model.answers import Prediction

from ..conftest import Project

JSON = {"Content-Type": "application/json"}
FORM = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="rows"\r\n\r\n%s\r\n--x--\r\n'


@pytest.fixture
def body(project: Project) -> bytes:
    """A request that would be answered."""
    golden = json.loads(project.layout.golden.read_text(encoding="utf-8"))
    return json.dumps(golden["requests"][0]["body"]).encode()


@pytest.mark.parametrize("kind", [
    "", "text/plain", "application/xml", "application/vnd.bentoml+pickle", "multipart/form-data",
    FORM, "application/x-www-form-urlencoded", "application/json+x", ";",
])  # fmt: skip
def test_what_is_not_said_to_be_json_is_not_read(
    client: TestClient, body: bytes, kind: str
) -> None:
    for sent in (body, b"", b"rows=[[[", b"rows=%ff", PART % b"\xff", PART % (b"[" * 50_000)):
        answer = client.post("/predict", content=sent, headers={"Content-Type": kind})
        assert answer.status_code == 415
        assert "Content-Type: application/json" in answer.json()["error"]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_said_in_more_words(client: TestClient, body: bytes, kind: str) -> None:
    answer = client.post("/predict", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 200


@pytest.mark.parametrize("sent", [
    b"", b"null", b"[]", b"1", b'"rows"', b"{", b"\xff\xfe", b"\x00", b'{"rows": null}',
    b'{"rows": {}}', b'{"rows": [null]}', b'{"rows": [[]]}', b'{"rows": [{}]}', b'{"row": []}',
    b'{"rows": [{"a": NaN}]}', b'{"rows": ' + b"9" * 5000 + b"}", b"[" * 100_000,
    b'{"rows": ' * 10_000, b'{"rows": [' + b"1," * 100_000 + b"1]}", b'{"rows": ["\\ud800"]}',
    b"{'rows': []}",
])  # fmt: skip
def test_json_that_is_broken_or_holds_no_rows_is_refused(client: TestClient, sent: bytes) -> None:
    assert client.post("/predict", content=sent, headers=JSON).status_code == 400


@pytest.mark.parametrize("value", [
    None, True, -1, 0.5, 1e308, -1e308, 10**400, 2**63, "", "\0", "\u202e", "A" * 100_000, [], {},
    {"a": 1}, float("nan"), float("inf"),
])  # fmt: skip
def test_any_value_in_any_field_is_refused_or_answered(
    client: TestClient, body: bytes, value: Any
) -> None:
    [row] = json.loads(body)["rows"]
    for name in row:
        sent = json.dumps({"rows": [row | {name: value}]})
        answer = client.post("/predict", content=sent, headers=JSON)
        assert answer.status_code in (200, 400), answer.text


def test_a_refusal_is_one_line_of_the_log_without_what_was_sent(
    client: TestClient, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    [row] = json.loads(body)["rows"]
    client.post("/predict", json={"rows": [row | {"mood\n": "my secret"}, row, {}]})
    [line] = caplog.text.splitlines()
    assert "Refused: rows.0.mood\\n: Extra inputs are not permitted (and" in line
    assert "my secret" not in line


def shortened(error: Exception) -> logging.LogRecord:
    """What becomes of BentoML's record of the error."""
    fault = (type(error), error, None)
    record = logging.LogRecord("name", logging.ERROR, "path", 1, "Exception", (), fault)
    assert refusals.shorten(record)
    return record


def test_who_goes_away_before_all_is_said_is_a_line_too() -> None:
    record = shortened(ClientDisconnect())
    assert "went away" in record.getMessage()
    assert record.exc_info is None


def test_a_fault_of_our_own_keeps_its_traceback() -> None:
    with pytest.raises(ValidationError) as caught:
        Prediction.model_validate({})
    for error in (caught.value, KeyError("threshold")):
        record = shortened(error)
        assert record.getMessage() == "Exception"
        assert record.exc_info == (type(error), error, None)
