"""What a Docker Engine refuses, in our words."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from mldeploy.engines.docker_client import connect, refusal, told, without_password
from mldeploy.errors import FailedError, RefusedError

# docker-py 7.2 leaves its socket open when a connection fails.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("write /var/lib/docker/x: no space left on device", "disk-full"),
        ("Bind for 127.0.0.1:8080 failed: port is already allocated", "port-taken"),
        ("something new", "docker-refused"),
    ],
)
def test_what_the_engine_refuses_is_told_by_its_cause(said: str, code: str) -> None:
    from docker.errors import APIError

    error = refusal(APIError("500", explanation=said))

    assert error.code == code
    assert said in error.why
    assert error.do


def test_our_own_errors_pass_as_they_are() -> None:
    mine = RefusedError("locked", what="a", why="b", do="c")

    with pytest.raises(RefusedError) as caught, told():
        raise mine

    assert caught.value is mine


def test_an_engine_that_goes_away_is_no_mistake_of_ours() -> None:
    import requests

    with pytest.raises(FailedError) as caught, told():
        raise requests.exceptions.ConnectionError("gone")

    assert caught.value.code == "docker-gone"


def test_without_an_engine_it_is_said_what_works_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")

    with pytest.raises(FailedError) as caught:
        connect("mldeploy up local")

    assert caught.value.code == "no-docker"
    assert "mldeploy up local" in caught.value.do
    del caught
    gc.collect()  # what it left open is closed here, not in the middle of another test


def test_addresses_are_shown_without_passwords() -> None:
    assert without_password("tcp://me:sw0rd@far:2376") == "tcp://far:2376"
    assert without_password("unix:///var/run/docker.sock") == "unix:///var/run/docker.sock"
