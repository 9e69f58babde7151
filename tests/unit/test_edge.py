"""The edge's configuration as values; what Caddy does with it is tested in tests/engines."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from mldeploy import edge
from mldeploy.edge import Edge, configuration, gate, proxy, slots_for
from mldeploy.edge.certificate import Tls
from mldeploy.keys import hashed, new_key

KEYS = tuple(new_key(datetime.now(UTC)) for _ in range(2))


def test_the_image_is_pinned_to_one_version() -> None:
    assert re.fullmatch(r"caddy:2\.11\.\d+-alpine", edge.IMAGE)


def test_equal_values_give_an_equal_configuration_that_is_json() -> None:
    one, other = (configuration(Edge(keys=tuple(map(hashed, KEYS)))) for _ in range(2))
    assert one == other == json.loads(json.dumps(one))
    assert configuration(Edge()) != one


def test_the_configuration_holds_hashes_and_no_key() -> None:
    text = json.dumps(configuration(Edge(keys=tuple(map(hashed, KEYS)))))
    for key in KEYS:
        assert hashed(key).bcrypt in text
        assert key.key not in text
        assert key.password not in text


def test_the_replicas_are_no_part_of_the_configuration() -> None:
    proxies = [h for h in _handlers(configuration(Edge())) if h["handler"] == "reverse_proxy"]
    assert len(proxies) == 1  # each would ask for the replicas' health on its own
    dials = [upstream["dial"] for upstream in proxies[0]["upstreams"]]
    assert dials == [f"{{file./edge/live/{number}}}" for number in range(1, 17)]


def test_without_keys_there_is_no_way_in() -> None:
    handlers = [h["handler"] for h in _handlers(configuration(Edge()))]
    assert "authentication" not in handlers
    assert 401 in [h.get("status_code") for h in _handlers(configuration(Edge()))]


@pytest.mark.parametrize("count", range(1, 17))
def test_every_replica_gets_equally_many_slots(count: int) -> None:
    replicas = [f"r-{number}:3000" for number in range(count)]
    slots = slots_for(replicas)
    assert len(slots) == edge.SLOTS
    assert {slots.count(one) for one in replicas} == {16 // count}
    assert set(slots) - set(replicas) <= {proxy.NOBODY}
    assert slots[0] == replicas[0]


def test_without_tls_nothing_asks_for_a_certificate() -> None:
    server = _server(Edge())
    assert server["listen"] == [":8080"]
    assert "tls_connection_policies" not in server
    assert not {"tls", "pki"} & set(configuration(Edge())["apps"])


@pytest.mark.parametrize("kind", ["domain", "address", "own"])
def test_with_tls_plain_http_is_for_readyz_alone(kind: Any) -> None:
    server = _server(Edge(tls=Tls("model.example.com", kind)))
    assert server["listen"] == [":8080", ":8443"]
    assert server["automatic_https"] == {"disable": True}
    first = server["routes"][0]
    assert first["match"][0] == {"protocol": "http", "not": [gate.READY]}
    assert first["handle"][0]["headers"]["Location"] == [
        "https://model.example.com{http.request.uri}"
    ]


def test_there_is_time_for_a_slow_upload_and_for_two_attempts_after_it() -> None:
    server = _server(Edge(max_body=30_000_000, request_timeout=600))
    reading, writing = (int(server[w].removesuffix("s")) for w in ("read_timeout", "write_timeout"))
    assert reading == 60 + 300
    assert writing - reading >= 2 * 600


def _server(values: Edge) -> dict[str, Any]:
    found: dict[str, Any] = configuration(values)["apps"]["http"]["servers"]["edge"]
    return found


def _handlers(part: Any) -> list[dict[str, Any]]:
    """Every handler in it, however deep."""
    if isinstance(part, list):
        return [found for each in part for found in _handlers(each)]
    if not isinstance(part, dict):
        return []
    below = [found for each in part.values() for found in _handlers(each)]
    return [part, *below] if "handler" in part else below
