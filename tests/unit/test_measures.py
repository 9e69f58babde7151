"""Requests, errors and quantiles from what replicas export; prometheus-client is the yardstick."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from mldeploy.measures import NOT_USERS, Measures, measure, quantile
from tests.conftest import Workplace

LABELS = ["endpoint", "service_name", "service_version", "http_response_code", "runner_name"]
BUCKETS = (0.005, 0.01, 0.1, 1.0)

# Cut from what BentoML 1.4.39 answered under our entry point, which gives it no service name.
REAL = """\
# HELP bentoml_service_request_in_progress Total number of runner RPC in progress now
# TYPE bentoml_service_request_in_progress gauge
bentoml_service_request_in_progress{endpoint="/readyz",runner_name="None",service_name="",service_version="not available"} 1.0
bentoml_service_request_in_progress{endpoint="/predict",runner_name="None",service_name="",service_version="not available"} 2.0
# HELP bentoml_service_request_duration_seconds runner RPC duration in seconds
# TYPE bentoml_service_request_duration_seconds histogram
bentoml_service_request_duration_seconds_sum{endpoint="/predict",http_response_code="200",runner_name="None",service_name="",service_version="not available"} 0.02
bentoml_service_request_duration_seconds_bucket{endpoint="/predict",http_response_code="200",le="0.005",runner_name="None",service_name="",service_version="not available"} 3.0
bentoml_service_request_duration_seconds_bucket{endpoint="/predict",http_response_code="200",le="0.01",runner_name="None",service_name="",service_version="not available"} 4.0
bentoml_service_request_duration_seconds_bucket{endpoint="/predict",http_response_code="200",le="+Inf",runner_name="None",service_name="",service_version="not available"} 4.0
bentoml_service_request_duration_seconds_bucket{endpoint="/readyz",http_response_code="200",le="0.005",runner_name="None",service_name="",service_version="not available"} 0.0
bentoml_service_request_duration_seconds_bucket{endpoint="/readyz",http_response_code="200",le="+Inf",runner_name="None",service_name="",service_version="not available"} 900.0
bentoml_service_request_duration_seconds_count{endpoint="/predict",http_response_code="200",runner_name="None",service_name="",service_version="not available"} 4.0
# HELP bentoml_service_last_request_timestamp_seconds Timestamp of the last received request
# TYPE bentoml_service_last_request_timestamp_seconds gauge
bentoml_service_last_request_timestamp_seconds{pid="1188",runner_name="None",service_name="",service_version="not available"} 1.7954013694202483e+09
# HELP bentoml_service_request_total Total number of runner RPC
# TYPE bentoml_service_request_total counter
bentoml_service_request_total{endpoint="/readyz",http_response_code="200",runner_name="None",service_name="",service_version="not available"} 900.0
bentoml_service_request_total{endpoint="/predict",http_response_code="200",runner_name="None",service_name="",service_version="not available"} 4.0
bentoml_service_request_total{endpoint="/predict",http_response_code="400",runner_name="None",service_name="",service_version="not available"} 3.0
bentoml_service_request_total{endpoint="/predict",http_response_code="503",runner_name="None",service_name="",service_version="not available"} 1.0
"""  # noqa: E501

Observation = tuple[str, int, float]


def exported(observations: list[Observation], buckets: tuple[float, ...] = BUCKETS) -> str:
    """What a replica that answered these (path, status, seconds) exports."""
    registry = CollectorRegistry()
    total = Counter("bentoml_service_request_total", "Total", LABELS, registry=registry)
    duration = Histogram(
        "bentoml_service_request_duration_seconds", "d", LABELS, registry=registry, buckets=buckets
    )
    waiting = Gauge(
        "bentoml_service_request_in_progress",
        "Now",
        [name for name in LABELS if name != "http_response_code"],
        registry=registry,
    )
    for path, status, seconds in observations:
        named = (path, "", "not available", str(status), "None")
        total.labels(*named).inc()
        duration.labels(*named).observe(seconds)
        waiting.labels(path, "", "not available", "None").set(1)
    return generate_latest(registry).decode()


paths = st.one_of(
    st.sampled_from(["/predict", "/", "/docs.json", *sorted(NOT_USERS)]),
    st.text(max_size=20).map(lambda text: "/" + text),
    st.sampled_from(['/a"b', "/a\\", "/{}", '/x",le="1', "/ 1", "/a\nb"]),
)
observation = st.tuples(
    paths, st.sampled_from([200, 204, 302, 400, 404, 413, 500, 503]), st.floats(0, 5)
)


def test_what_bentoml_exports_is_understood() -> None:
    found = measure([REAL])

    assert (found.requests, found.errors, found.refused, found.in_flight) == (8, 1, 3, 2)
    assert found.p50 == pytest.approx(0.005 * 2 / 3)
    assert found.p99 == pytest.approx(0.005 + 0.005 * 0.96)


def test_replicas_are_added_up() -> None:
    found = measure([REAL, REAL, REAL])

    assert (found.requests, found.errors, found.refused, found.in_flight) == (24, 3, 9, 6)
    assert found.p99 == pytest.approx(measure([REAL]).p99)


def test_without_requests_there_is_no_quantile() -> None:
    assert measure([]) == measure([exported([])]) == Measures()
    assert measure([exported([("/readyz", 200, 0.1)] * 50)]) == Measures()


def test_a_page_that_is_no_metrics_counts_nothing() -> None:
    assert measure(["<html>404 {not found} \\</html>", "", "\0"]) == Measures()


@given(st.integers(0, len(REAL)))
def test_an_answer_that_ends_in_the_middle_leaves_the_other_replica_its_numbers(cut: int) -> None:
    found = measure([REAL, REAL[:cut]])

    assert 8 <= found.requests <= 16
    assert found.p99 is not None


@pytest.mark.parametrize("value", ["NaN", "+Inf", "many", "-5"])
def test_a_number_that_counts_nothing_is_passed_over(value: str) -> None:
    broken = REAL.replace('_in_progress{endpoint="/predict"', '_in_progress{endpoint="/x"')
    broken = broken.replace('service_version="not available"} 2.0', f'a="b"}} {value}')

    assert measure([broken]).in_flight == 0


def test_metrics_of_the_service_itself_are_not_taken_for_requests() -> None:
    own = 'shop_request_total{endpoint="/cart",http_response_code="500"} 7.0\n'

    assert measure([REAL + own]) == measure([REAL])


def test_a_service_that_names_its_metrics_otherwise_is_understood() -> None:
    assert measure([REAL.replace("bentoml_service", "my_model")]) == measure([REAL])


@pytest.mark.parametrize(
    ("slots", "q", "expected"),
    [
        ({0.1: 10.0, 0.2: 10.0, float("inf"): 0.0}, 0.5, 0.1),
        ({0.1: 10.0, 0.2: 10.0, float("inf"): 0.0}, 0.75, 0.15),
        ({0.1: 0.0, 0.2: 4.0, float("inf"): 0.0}, 0.5, 0.15),
        ({0.1: 1.0, 0.2: 0.0, float("inf"): 99.0}, 0.99, 0.2),
        ({0.1: 0.0, float("inf"): 0.0}, 0.99, None),
        ({float("inf"): 9.0}, 0.99, None),
        ({}, 0.5, None),
    ],
)
def test_quantiles(slots: dict[float, float], q: float, expected: float | None) -> None:
    found = quantile(slots, q)

    assert found is None if expected is None else found == pytest.approx(expected)


@settings(deadline=None)
@given(st.lists(st.lists(observation, max_size=20), max_size=4))
def test_both_parsers_count_the_same(replicas: list[list[Observation]]) -> None:
    texts = [exported(each) for each in replicas]

    found = measure(texts)

    counted = [
        (sample.labels["http_response_code"], sample.value)
        for text in texts
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.endswith("_request_total") and sample.labels["endpoint"] not in NOT_USERS
    ]
    assert found.requests == sum(value for _, value in counted)
    assert found.errors == sum(value for status, value in counted if status[0] == "5")
    assert found.refused == sum(value for status, value in counted if status[0] == "4")


@settings(deadline=None)
@given(st.lists(observation, min_size=1, max_size=60), st.data())
def test_a_quantile_lies_in_the_slot_of_the_true_one_however_replicas_share_the_load(
    observations: list[Observation], data: st.DataObject
) -> None:
    parts: list[list[Observation]] = [[], [], []]
    for each in observations:
        parts[data.draw(st.integers(0, 2))].append(each)

    found = measure([exported(part) for part in parts])

    alone = measure([exported(observations)])
    assert found == alone or found.p99 == pytest.approx(alone.p99)
    took = sorted(seconds for path, _, seconds in observations if path not in NOT_USERS)
    if not took:
        assert found.p99 is None
        return
    assert found.p99 is not None
    true = took[min(len(took) - 1, int(-(-0.99 * len(took) // 1)) - 1)]
    bounds = [0.0, *BUCKETS]
    upper = next((bound for bound in bounds[1:] if true <= bound), BUCKETS[-1])
    lower = 1.0 if true > BUCKETS[-1] else bounds[bounds.index(upper) - 1]
    assert lower <= found.p99 <= upper


def test_replicas_of_two_releases_may_have_other_buckets() -> None:
    old = exported([("/predict", 200, 0.003)] * 90, buckets=(0.005, 1.0))
    new = exported([("/predict", 200, 0.3)] * 10, buckets=(0.25, 0.5))

    found = measure([old, new])

    assert found.requests == 100
    assert found.p50 is not None
    assert found.p50 < 0.005
    assert found.p99 is not None
    assert 0.25 < found.p99 <= 0.5


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(300)
def test_a_real_service_is_measured(workplace: Workplace) -> None:
    url = workplace.up()["url"]
    before = measure([_get(f"{url}/metrics")])
    assert workplace.mldeploy("predict").code == 0
    with pytest.raises(urllib.error.HTTPError, match="404"):
        _get(f"{url}/no-such-path")
    _get(f"{url}/readyz")

    after = measure([_get(f"{url}/metrics")])

    assert before.requests >= 1, "the golden requests of the gate"
    assert (after.requests - before.requests, after.refused - before.refused) == (2, 1)
    assert (after.errors, after.in_flight) == (0, 0)
    assert after.p99 is not None
    assert 0 < after.p99 < 5


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return str(answer.read().decode())
