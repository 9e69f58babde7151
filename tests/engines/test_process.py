"""The process engine keeps the contract, and what is special about it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mldeploy import build, golden, project
from mldeploy.config import ProcessTarget
from mldeploy.engines.process import ProcessEngine
from mldeploy.errors import RefusedError
from mldeploy.release import Release
from mldeploy.ui import Ui
from tests.conftest import Workplace, copy_of, free_port, until
from tests.engines.contract import Bench, EngineContract

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def built(
    trained: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Workplace, list[Release]]:
    """A project with two releases built; every test works on its own target folder in it."""
    place = Workplace(copy_of(trained, tmp_path_factory.mktemp("engine") / "docs"), free_port())
    here = project.find(place.root)
    here.make_state()
    first = build.build(here, Ui())
    place.edit_service("second")
    return place, [first, build.build(here, Ui())]


@pytest.fixture
def bench(built: tuple[Workplace, list[Release]]) -> Iterator[Bench]:
    place, (first, second) = built
    here = project.find(place.root)
    port = free_port()
    settings = ProcessTarget(port=port)
    fresh = f"local-{port}"
    engine = ProcessEngine(here, fresh, settings)
    requests = golden.read(place.root / "tests/golden.json")
    yield Bench(engine, ProcessEngine(here, fresh, settings), first, second, requests)
    engine.tidy()
    engine.stop()
    assert until(lambda: place.pids() == [])


class TestProcessEngine(EngineContract):
    """The shared suite on real processes."""


def test_a_hung_server_is_unhealthy_and_not_dead(bench: Bench) -> None:
    bench.engine.switch(bench.engine.start(bench.first))
    (pid,) = [int(p) for p in _pids(bench)]
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert bench.engine.serving().state == "unhealthy"
        assert time.monotonic() - began < 3
    finally:
        os.kill(pid, signal.SIGCONT)


def test_requests_fail_only_in_the_pause_that_a_switch_tells(bench: Bench) -> None:
    """Asked again and again from another thread. A connection that still waited to be accepted
    when the old server gave up the port is reset: that is part of the pause, and nothing else is.
    """
    from http.client import HTTPException

    from mldeploy.http_json import post

    bench.engine.switch(bench.engine.start(bench.first))
    url = str(bench.engine.serving().url)
    request = bench.golden.requests[0]
    answered, refused, broken, done = [], [], [], threading.Event()

    def ask() -> None:
        while not done.is_set():
            try:
                answered.append(post(url + request.path, request.body, timeout=10).status)
            # The last is a reset that is met while the request is being written.
            except (ConnectionRefusedError, ConnectionResetError, BrokenPipeError):
                refused.append(time.monotonic())
                time.sleep(0.002)
            except (OSError, HTTPException) as error:
                broken.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        switched = bench.engine.switch(bench.engine.start(bench.second))
    finally:
        done.set()
        asking.join(timeout=30)

    assert set(answered) == {200}
    assert broken == []
    assert switched.pause is not None
    if refused:
        assert refused[-1] - refused[0] <= switched.pause.total_seconds() + 0.1


def test_a_candidate_ends_itself_when_whoever_started_it_is_gone(bench: Bench) -> None:
    candidate = bench.engine.start(bench.first)
    _, process = candidate.handle

    process.stdin.close()  # what the end of `mldeploy up` does, however it ends

    assert process.wait(timeout=20) == 0


def test_a_candidate_that_died_after_the_gate_does_not_end_what_serves(bench: Bench) -> None:
    bench.engine.switch(bench.engine.start(bench.first))
    candidate = bench.engine.start(bench.second)
    _, process = candidate.handle
    process.kill()
    process.wait(timeout=10)

    with pytest.raises(RefusedError) as caught:
        bench.engine.switch(candidate)

    assert caught.value.code == "server-died"
    assert bench.engine.serving().release == bench.first.name


def test_a_log_that_grows_is_cut_and_goes_on(bench: Bench) -> None:
    bench.engine.switch(bench.engine.start(bench.first))
    assert isinstance(bench.engine, ProcessEngine)
    (log,) = bench.engine.runs.glob("*/server.log")
    with log.open("ab") as file:
        file.truncate(21_000_000)  # sparse: it has the size, and no bytes on the disk

    until(lambda: log.stat().st_size < 1000, seconds=20)

    assert log.with_name("server.log.1").stat().st_size >= 21_000_000
    assert bench.engine.serving().state == "serving"


def _pids(bench: Bench) -> list[int]:
    import json

    assert isinstance(bench.engine, ProcessEngine)
    return [
        json.loads(path.read_text())["pid"] for path in bench.engine.runs.glob("*/serving.json")
    ]
