"""What users lose when releases change, replicas die, too many ask: measured on the real Caddy."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mldeploy.edge import Edge, proxy
from tests.conftest import until
from tests.engines.edge_bench import Answer, Bench

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SWITCHES = 12  # for each number of connections


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An edge whose replicas each test starts, stops and kills."""
    bench = Bench(tmp_path, Edge(request_timeout=5))
    try:
        yield bench
    finally:
        bench.end()


def start(bench: Bench, *names: str) -> None:
    bench.serve(*(bench.replica(name) for name in names))
    bench.start()
    until(bench.ready)


@pytest.mark.parametrize("connections", [16, 64])
def test_a_switch_of_release_loses_no_request(bench: Bench, connections: int) -> None:
    """Each new release starts, takes over, and the one before finishes what it has and stops."""
    start(bench, "r0-a", "r0-b")
    load = bench.load(connections)
    switched_at = {}
    for number in range(1, SWITCHES + 1):
        new = [f"r{number}-{letter}" for letter in "ab"]
        bench.serve(*(bench.replica(name) for name in new))
        for letter in "ab":
            old = f"r{number - 1}-{letter}"
            switched_at[old] = time.time()
            bench.replicas[old].terminate()
    assert {bench.ask().json["replica"] for _ in range(20)} == set(new)
    result = load.end()
    assert result["errors"] == {}
    assert set(result["statuses"]) == {"200"}
    assert result["sent"] == result["answered"] > 1000
    assert len(result["releases"]) == 2 * (SWITCHES + 1)
    # What was with the old replica was answered by it; what came later was not.
    late = [result["lasts"][name] - at for name, at in switched_at.items()]
    assert max(late) < 2, late
    assert {bench.replicas[name].wait(20) for name in switched_at} == {0}


def test_the_work_is_shared_evenly(bench: Bench) -> None:
    start(bench, "one", "two", "three")
    until(lambda: {bench.ask().json["replica"] for _ in range(16)} == {"one", "two", "three"})
    until(lambda: not any(bench.ask().status != 200 for _ in range(16)))
    load = bench.load(4, "/predict?alone=5")
    until(lambda: len(bench.logged()) > 600, 60)
    shares = load.end()["releases"]
    assert max(shares.values()) < 1.1 * min(shares.values())


def test_a_killed_replica_costs_no_request(bench: Bench) -> None:
    """Refused and broken connections both: small requests are sent once more, to the other one."""
    start(bench, "one", "two")
    load = bench.load(12, "/predict?ms=20")
    port = int(str(bench.replicas["one"].args[2]))  # type: ignore[index]
    for _ in range(4):
        seen = len(bench.logged())
        until(lambda seen=seen: len(bench.logged()) > seen + 100)  # type: ignore[misc]
        bench.replicas["one"].kill()
        bench.replicas["one"].wait(20)
        seen = len(bench.logged())
        until(lambda seen=seen: len(bench.logged()) > seen + 300)  # type: ignore[misc]
        bench.replica("one", port)
    until(lambda: "one" in {bench.ask().json["replica"] for _ in range(4)})
    result = load.end()
    assert result["errors"] == {}
    assert set(result["statuses"]) == {"200"}
    assert result["sent"] == result["answered"]


@pytest.mark.parametrize("body", [b"{}", b"x" * (proxy.REPLAYED - 1)])
def test_a_request_that_kills_replicas_kills_two_and_not_all(bench: Bench, body: bytes) -> None:
    start(bench, "one", "two", "three", "four")
    answer = bench.ask("/die", body=body)
    assert (answer.status, answer.code) == (502, "no-answer")
    until(lambda: _dead(bench) > 0, 5)
    assert {bench.ask().status for _ in range(20)} == {200}
    assert _dead(bench) <= 2


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_request_is_not_sent_to_a_second_replica_in_part(
    bench: Bench, chunked: bool
) -> None:
    start(bench, "one", "two")
    body = b"x" * (proxy.REPLAYED + 500_000)
    answer = bench.ask("/die-in-the-middle", body=iter([body]) if chunked else body)
    assert answer.code == "no-answer"
    until(lambda: _dead(bench) == 1, 5)
    assert {bench.ask().status for _ in range(20)} == {200}
    assert _dead(bench) == 1


def test_a_hung_replica_is_taken_out_and_comes_back(bench: Bench) -> None:
    start(bench, "one", "two")
    bench.replicas["one"].send_signal(signal.SIGSTOP)
    with ThreadPoolExecutor(16) as pool:
        stuck = [pool.submit(bench.ask) for _ in range(16)]
        # Three checks of three seconds, which begin one second apart.
        until(lambda: _quick(bench) and _quick(bench) and _quick(bench), 15)
        statuses = sorted(each.result().status for each in stuck)
    assert set(statuses) == {200, 504}
    assert {bench.ask().json["replica"] for _ in range(8)} == {"two"}
    bench.replicas["one"].send_signal(signal.SIGCONT)
    until(lambda: bench.ask().json["replica"] == "one")


def test_without_a_replica_the_answer_is_503_and_says_when_to_try_again(bench: Bench) -> None:
    start(bench, "one")
    port = int(str(bench.replicas["one"].args[2]))  # type: ignore[index]
    bench.replicas["one"].kill()
    bench.replicas["one"].wait(20)
    for path, method in (("/predict", "POST"), ("/readyz", "GET")):
        answer, seconds = _timed(bench, path, method)
        assert (answer.status, answer.code) == (503, "not-now")
        assert answer.headers["retry-after"] == "1"
        assert seconds < 2
    bench.replica("one", port)
    until(lambda: bench.ask().status == 200, 5)


def test_before_the_first_switch_the_answer_is_503(bench: Bench) -> None:
    bench.serve("127.0.0.1:1")
    bench.start()
    assert bench.ask().code == "not-now"


def test_a_replica_that_says_it_is_not_ready_gets_nothing(bench: Bench) -> None:
    start(bench, "one", "two")
    while bench.ask("/ready?is=no").json["replica"] != "one":
        bench.ask("/ready?is=yes")
    until(lambda: {bench.ask().json["replica"] for _ in range(8)} == {"two"}, 10)


def test_too_many_at_once_are_told_so_quickly(bench: Bench) -> None:
    start(bench, "one")
    most = proxy.SLOTS * proxy.AT_ONCE
    with ThreadPoolExecutor(most + 40) as pool:
        asked = [pool.submit(_timed, bench, "/predict?ms=3500") for _ in range(most + 40)]
        answers = [each.result() for each in asked]
    refused = [seconds for answer, seconds in answers if answer.status == 503]
    assert {answer.status for answer, _ in answers} == {200, 503}
    assert sum(answer.status == 200 for answer, _ in answers) >= most
    assert 0 < len(refused) <= 40
    assert bench.ask().status == 200


def test_keys_change_by_a_reload_that_answers_what_is_under_way(bench: Bench) -> None:
    """What else a reload costs is in docs/edge.md: idle connections that are used just then."""
    from dataclasses import replace
    from datetime import UTC, datetime

    from mldeploy.edge import configuration
    from mldeploy.keys import hashed, new_key

    start(bench, "one")
    new = new_key(datetime.now(UTC))
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(bench.ask, "/predict?ms=2000")
        until(lambda: bench.ask("/predict").json["working"] > 1)
        bench.write(configuration(replace(bench.edge, keys=(hashed(new),))))
        bench.reload()
        assert bench.ask(key=new.key).status == 200
        assert bench.ask().code == "no-key"
        assert under_way.result().status == 200


def _dead(bench: Bench) -> int:
    return sum(process.poll() is not None for process in bench.replicas.values())


def _quick(bench: Bench) -> bool:
    return _timed(bench, "/predict")[1] < 0.5


def _timed(bench: Bench, path: str, method: str = "POST") -> tuple[Answer, float]:
    begun = time.monotonic()
    return bench.ask(path, method), time.monotonic() - begun
