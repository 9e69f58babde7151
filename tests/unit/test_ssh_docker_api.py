"""A request that was sent again: what the engine's second answer says of the first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from mldeploy.errors import FailedError
from mldeploy.ssh import docker_api
from mldeploy.ssh.docker_api import heard_before
from tests.unit import ssh_to_here

HERE = "http+docker://localhost/v1.41"


def request(method: str, path: str, body: Any = None) -> requests.PreparedRequest:
    return requests.Request(method, "http://localhost/v1.41" + path, json=body).prepare()


def answer(code: int, text: str = "") -> requests.Response:
    made = requests.Response()
    made.status_code = code
    made._content = text.encode()
    return made


def nobody(*_: Any, **__: Any) -> requests.Response:
    raise AssertionError("nothing more is asked")


@pytest.mark.parametrize(
    ("method", "path", "code", "said", "becomes"),
    [
        ("GET", "/containers/x/json", 404, "", 404),
        ("DELETE", "/containers/x", 404, "", 204),
        ("DELETE", "/volumes/x", 404, "", 204),
        ("DELETE", "/volumes/x", 409, "volume is in use", 409),
        ("POST", "/containers/x/kill", 409, "is not running", 204),
        ("POST", "/containers/x/stop", 304, "", 304),
        ("POST", "/networks/x/connect", 403, "endpoint already exists in network", 200),
        ("POST", "/networks/x/connect", 403, "is not allowed", 403),
        ("POST", "/containers/x/rename", 404, "No such container", 204),
        ("POST", "/containers/x/rename", 409, "name is already in use by container y", 409),
        ("POST", "/volumes/create", 201, "{}", 201),
        ("POST", "/containers/x/start", 500, "no such image", 500),
    ],
)
def test_what_was_heard_the_first_time_is_no_error_the_second(
    method: str, path: str, code: int, said: str, becomes: int
) -> None:
    found = heard_before(request(method, path), answer(code, said), nobody)

    assert found.status_code == becomes


@pytest.mark.parametrize(
    ("path", "body", "asked"),
    [
        ("/containers/create?name=one", {}, "/v1.41/containers/one/json"),
        ("/networks/create", {"Name": "one"}, "/v1.41/networks/one"),
    ],
)
def test_what_was_made_the_first_time_is_found_by_its_name(
    path: str, body: dict[str, str], asked: str
) -> None:
    def send(ask: requests.PreparedRequest, **_: Any) -> requests.Response:
        assert (ask.method, ask.path_url, ask.body) == ("GET", asked, None)
        return answer(200, json.dumps({"Id": "abc"}))

    found = heard_before(request("POST", path, body), answer(409, "Conflict"), send)

    assert found.status_code == 201
    assert found.json()["Id"] == "abc"


def test_a_name_that_somebody_else_has_meanwhile_given_back_stays_a_conflict() -> None:
    ask = request("POST", "/containers/create?name=one", {})

    found = heard_before(ask, answer(409), lambda *_, **__: answer(404))

    assert found.status_code == 409


@pytest.mark.parametrize(
    ("method", "path", "only_once"),
    [
        ("POST", "/exec/abc/start", True),
        ("POST", "/build", True),
        ("POST", "/images/load", True),
        ("POST", "/containers/abc/start", False),
        ("GET", "/exec/abc/json", False),
    ],
)
def test_what_runs_something_is_never_sent_twice(method: str, path: str, only_once: bool) -> None:
    assert docker_api._only_once(request(method, path)) == only_once


@pytest.mark.parametrize(("program", "forbidden"), [("exit 0", True), ("exit 1", False)])
def test_an_engine_that_answers_only_over_there_is_kept_away_by_the_sshd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, forbidden: bool
) -> None:
    connection = ssh_to_here.connect(tmp_path, monkeypatch)
    ssh_to_here.add_program(tmp_path, "docker", f"#!/bin/sh\n{program}\n")
    try:
        docker_api._tell_if_forbidden(connection)
        told = ""
    except FailedError as error:
        told = f"{error.code} {error.why}"
    finally:
        connection.close()

    assert ("ssh-forbids-forwarding" in told) == forbidden
    assert ("AllowStreamLocalForwarding" in told) == forbidden
