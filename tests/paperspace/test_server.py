"""Over a real socket: who may ask, what is not there, and what becomes of connections."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.paperspace.standin import Paperspace, standin


@pytest.fixture
def client(paperspace: Paperspace) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {os.environ['PAPERSPACE_API_KEY']}"}
    with httpx.Client(base_url=os.environ["PAPERSPACE_API_URL"], headers=headers) as client:
        yield client


def test_the_session_says_who_has_the_key(client: httpx.Client) -> None:
    told = client.get("/auth/session").json()
    assert told["team"]["maxMachines"] == 5
    assert told["user"]["email"] == "learner@example.invalid"


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer wrong"}, {"Authorization": ""}])
def test_a_wrong_key_has_no_session_and_may_nothing(
    client: httpx.Client, headers: dict[str, str]
) -> None:
    session = client.get("/auth/session", headers=headers)
    assert (session.status_code, session.json()) == (200, None)
    refused = client.get("/machines", headers=headers)
    said = "You must be logged in to access this method."
    assert (refused.status_code, refused.json()) == (
        401,
        {"message": said, "code": "UNAUTHORIZED"},
    )


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nothing"), ("POST", "/machines/a"), ("DELETE", "/machines")]
)
def test_a_wrong_method_is_as_unknown_as_a_wrong_path(
    client: httpx.Client, method: str, path: str
) -> None:
    refused = client.request(method, path)
    assert refused.status_code == 404
    assert refused.json() == {"message": "Not found", "code": "NOT_FOUND"}


def test_what_is_not_below_the_base_is_not_there(
    paperspace: Paperspace, client: httpx.Client
) -> None:
    assert client.get(paperspace.url.removesuffix("/v1") + "/machines").status_code == 404


def test_a_connection_is_used_again_and_outlives_a_cut(
    paperspace: Paperspace, client: httpx.Client
) -> None:
    paperspace.fail("GET /machines")
    assert client.get("/auth/session").status_code == 200
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/machines")
    assert client.get("/machines").status_code == 200


def test_a_slow_answer_is_waited_for_or_not(paperspace: Paperspace, client: httpx.Client) -> None:
    paperspace.delay("GET /machines", 0.3)
    with pytest.raises(httpx.ReadTimeout):
        client.get("/machines", timeout=0.05)
    assert client.get("/os-templates", timeout=5).status_code == 200  # others don't wait for it


def test_it_starts_and_ends_fast_enough_for_one_in_every_test() -> None:
    times = 10
    began = time.perf_counter()
    for _ in range(times):
        with standin():
            pass
    assert (time.perf_counter() - began) / times < 0.5  # a hundredth of it, alone on a machine


def test_a_port_of_somebody_elses_is_an_error_at_once(paperspace: Paperspace) -> None:
    port = int(paperspace.url.removesuffix("/v1").rpartition(":")[2])
    with pytest.raises(OSError, match="in use"), standin(port=port):
        pass


def test_it_ends_although_a_client_keeps_its_connection() -> None:
    with httpx.Client() as client:
        with standin() as paperspace:
            client.get(f"{paperspace.url}/auth/session")
            began = time.perf_counter()
        assert time.perf_counter() - began < 2


def test_the_fixture_keeps_everybodys_own_files_out(paperspace: Paperspace, tmp_path: Path) -> None:
    assert Path.home().is_relative_to(tmp_path)
    assert list(Path.home().iterdir()) == []
    named = {name for name in os.environ if name.startswith("PAPERSPACE_")}
    assert named == {"PAPERSPACE_API_KEY", "PAPERSPACE_API_URL"}
