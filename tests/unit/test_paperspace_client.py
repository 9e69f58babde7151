"""How Paperspace is asked: what is repeated, what is not, and what counts as an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from mldeploy.errors import ConfigError, MldeployError
from mldeploy.providers import clock
from mldeploy.providers.base import UnknownOutcomeError
from mldeploy.providers.paperspace import credentials, sayings
from mldeploy.providers.paperspace.client import PAUSES, Client
from mldeploy.providers.paperspace.credentials import Credentials
from mldeploy.providers.paperspace.errors import (
    Asked,
    BusyError,
    KeyRefusedError,
    LimitError,
    NoCapacityError,
    NotThereError,
)
from mldeploy.providers.paperspace.records import Availability, Script

KEY = "k3y-of-somebody"
ASKED = Asked("POST /machines", "C5", "ny2")
Answer = httpx.Response | Exception


class Told:
    """A server that gives one answer after the other, the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(clock, "sleep", slept.append)
    return slept


def client_of(told: Callable[[httpx.Request], httpx.Response]) -> Client:
    made = Client(Credentials(KEY, "https://paperspace.invalid/v1", "a test"))
    made.transport = httpx.MockTransport(told)
    return made


def says(code: str, message: str = "", status: int = 400, **more: Any) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "message": message} | more)


FREE = httpx.Response(200, json={"available": True})


def test_the_key_goes_in_a_header(pauses: list[float]) -> None:
    told = Told(FREE)
    assert client_of(told).get("/machine-availability", Availability, region="ny2").available
    (request,) = told.requests
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert str(request.url) == "https://paperspace.invalid/v1/machine-availability?region=ny2"


@pytest.mark.parametrize(
    "trouble",
    [
        says("TOO_MANY_REQUESTS", status=429),
        says("INTERNAL_SERVER_ERROR", status=500),
        says("TIMEOUT", status=408),
        httpx.Response(502, text="<html>Bad gateway</html>"),
        httpx.ConnectError("no route"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("gone"),
    ],
)
def test_a_question_is_asked_again(trouble: Answer, pauses: list[float]) -> None:
    told = Told(trouble, FREE)
    assert client_of(told).get("/machine-availability", Availability).available
    assert pauses == [PAUSES[0]]


def test_a_question_is_not_asked_for_ever(pauses: list[float]) -> None:
    told = Told(httpx.ReadTimeout("slow"))
    with pytest.raises(UnknownOutcomeError):
        client_of(told).get("/machine-availability", Availability)
    assert pauses == list(PAUSES)


def test_as_long_as_the_server_asks_for_is_waited_and_no_longer_than_bearable(
    pauses: list[float],
) -> None:
    busy = [
        httpx.Response(
            429, headers={"Retry-After": wait}, json={"code": "TOO_MANY_REQUESTS", "message": ""}
        )
        for wait in ("7", "3600")
    ]
    client_of(Told(*busy, FREE)).get("/machine-availability", Availability)
    assert pauses == [7.0, 30.0]


@pytest.mark.parametrize(
    "trouble",
    [
        says("INTERNAL_SERVER_ERROR", status=500),
        httpx.Response(504, text=""),
        httpx.ReadTimeout("slow"),
        httpx.WriteError("gone"),
        httpx.RemoteProtocolError("gone"),
    ],
)
def test_what_makes_something_is_asked_for_once(trouble: Answer, pauses: list[float]) -> None:
    told = Told(trouble, FREE)
    with pytest.raises(UnknownOutcomeError):
        client_of(told).make("/machines", Availability, {}, ASKED)
    assert len(told.requests) == 1
    assert pauses == []


@pytest.mark.parametrize(
    "trouble", [says("TOO_MANY_REQUESTS", status=429), httpx.ConnectError("no route")]
)
def test_what_was_never_begun_may_be_asked_for_again(trouble: Answer, pauses: list[float]) -> None:
    told = Told(trouble, FREE)
    assert client_of(told).make("/machines", Availability, {}, ASKED).available
    assert len(told.requests) == 2


def test_an_error_may_come_with_a_good_status(pauses: list[float]) -> None:
    with pytest.raises(NotThereError):
        client_of(Told(says("NOT_FOUND", "Not found", status=200))).delete("/machines/ps1")


def test_issues_are_part_of_what_is_said(pauses: list[float]) -> None:
    answer = says("BAD_REQUEST", "Invalid input", issues=[{"message": "region is unknown"}])
    with pytest.raises(ConfigError) as refused:
        client_of(Told(answer)).make("/machines", Availability, {}, ASKED)
    assert "region is unknown" in refused.value.why


def test_a_status_without_a_code_is_an_error_too(pauses: list[float]) -> None:
    with pytest.raises(NotThereError):
        client_of(Told(httpx.Response(404, json={}))).delete("/machines/ps1")
    with pytest.raises(KeyRefusedError):
        client_of(Told(httpx.Response(401, text="no"))).delete("/machines/ps1")


def test_an_answer_that_is_none_is_told(pauses: list[float]) -> None:
    with pytest.raises(UnknownOutcomeError, match="was not Paperspace"):
        client_of(Told(httpx.Response(200, json={"sorry": 1}))).get("/x", Availability)


def page(*ids: str, more: bool, after: str | None = None) -> httpx.Response:
    items = [{"id": one, "name": one, "dtCreated": "2026-11-23T12:00:00Z"} for one in ids]
    body = {"hasMore": more, "items": items}
    return httpx.Response(200, json=body | ({"nextPage": after} if after else {}))


def test_a_list_is_read_to_its_end(pauses: list[float]) -> None:
    told = Told(page("a", "b", more=True, after="b"), page("c", more=False, after="c"))
    found = client_of(told).pages("/startup-scripts", Script)
    assert [one.id for one in found] == ["a", "b", "c"]
    assert [request.url.params.get("after") for request in told.requests] == [None, "b"]


def test_a_list_that_goes_in_circles_ends(pauses: list[float]) -> None:
    told = Told(page("a", more=True, after="a"))
    assert len(client_of(told).pages("/startup-scripts", Script)) == 2


def test_a_start_sends_an_object(pauses: list[float]) -> None:
    told = Told(httpx.Response(200, json={}))
    client_of(told).patch("/machines/ps1/start")
    (request,) = told.requests
    assert request.content == b"{}"
    assert request.headers["Content-Type"] == "application/json"


# What it says


@pytest.mark.parametrize("code", sorted(sayings.CODES))
def test_every_code_is_told_in_three_parts(code: str) -> None:
    error = sayings.explain(code, "Something was wrong", ASKED)
    assert error.what
    assert error.why
    assert error.do
    assert "{" not in error.what + error.why + error.do
    assert error.code.startswith("paperspace-")


@pytest.mark.parametrize(
    ("code", "said", "kind", "slug"),
    [
        ("BAD_REQUEST", "C5 is out of capacity", NoCapacityError, "no-capacity"),
        ("CONFLICT", "No A4000 available in region", NoCapacityError, "no-capacity"),
        ("PRECONDITION_FAILED", "This machine is currently starting.", BusyError, "busy"),
        ("CONFLICT", "This machine is currently being deleted.", BusyError, "busy"),
        ("PRECONDITION_FAILED", "This public IP is assigned to a machine.", BusyError, "busy"),
        ("FORBIDDEN", "You have reached the maximum number of machines", LimitError, "limit"),
        ("FORBIDDEN", "This machine type requires approval", LimitError, "needs-approval"),
        ("FORBIDDEN", "Add a payment method first", MldeployError, "account"),
        ("BAD_REQUEST", "Unknown template", ConfigError, "template"),
        ("BAD_REQUEST", "Invalid diskSize", ConfigError, "disk"),
        ("BAD_REQUEST", "Input validation failed", ConfigError, "bad-request"),
        ("CONFLICT", "Try again", BusyError, "conflict"),
        ("NO_SUCH_CODE", "Well", UnknownOutcomeError, "internal-server-error"),
    ],
)
def test_words_tell_what_a_code_means(
    code: str, said: str, kind: type[MldeployError], slug: str
) -> None:
    error = sayings.explain(code, said, ASKED)
    assert isinstance(error, kind)
    assert error.code == f"paperspace-{slug}"
    assert said.rstrip(".") in error.why


# Where the key is


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PAPERSPACE_API_KEY", "PAPERSPACE_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".paperspace").mkdir()
    return tmp_path / ".paperspace"


def test_there_may_be_no_key(home: Path) -> None:
    assert credentials.find() is None
    with pytest.raises(ConfigError, match="no API key"):
        credentials.must_be()


def test_the_environment_comes_first_then_the_cli_then_the_old_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "config.json").write_text(json.dumps({"apiKey": "old"}))
    assert credentials.must_be().key == "old"
    (home / "credentials.toml").write_text('[keys]\nteam = "cli"\n')
    assert credentials.must_be().key == "cli"
    monkeypatch.setenv("PAPERSPACE_API_KEY", "env")
    monkeypatch.setenv("PAPERSPACE_API_URL", "http://127.0.0.1:1/v1/")
    found = credentials.must_be()
    assert (found.key, found.url) == ("env", "http://127.0.0.1:1/v1")


@pytest.mark.parametrize("name", ["credentials.toml", "config.json"])
def test_a_file_that_cannot_be_read_does_not_tell_the_key(home: Path, name: str) -> None:
    (home / name).write_text('{"apiKey": s3cret')
    with pytest.raises(ConfigError) as refused:
        credentials.find()
    assert "s3cret" not in str(refused.value.as_dict())


def test_the_key_is_in_nothing_that_is_shown(home: Path) -> None:
    assert KEY not in repr(Credentials(KEY, "https://x", "a test"))
