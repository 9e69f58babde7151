"""How requests reach the replicas: which one, how many at once, and what when one dies."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

SLOTS = 16
NOBODY = "127.0.0.1:1"  # refuses at once: in the edge's container nobody listens there
AT_ONCE = 32  # requests at once in a slot: 512 in all
REPLAYED = 1_000_000  # bytes: of smaller bodies all is held, to be sent to another replica
PAUSE = 50  # milliseconds between two attempts; a multiple of 10, under 100


def route(slots: str, timeout: int) -> Json:
    """`timeout`: the seconds that a replica may take until it begins to answer."""
    seconds = f"{timeout}s"
    proxy = {
        "handler": "reverse_proxy",
        "upstreams": [
            {"dial": f"{{file.{slots}/{number}}}", "max_requests": AT_ONCE}
            for number in range(1, SLOTS + 1)
        ],
        "transport": {
            "protocol": "http",
            "network_proxy": {"from": "none"},
            "compression": False,
            "dial_timeout": "1s",
            "response_header_timeout": seconds,
            # Shorter than the replicas' own 5 s, or a request would meet a closing connection.
            "keep_alive": {"idle_timeout": "3s", "max_idle_conns_per_host": 256},
        },
        # Patient: a replica with hundreds of requests before it answers late. One that refuses or
        # is gone is passed over anyway. No passive checks: Caddy would count a client's broken
        # upload against the replica.
        "health_checks": {
            "active": {"uri": "/readyz", "interval": "1s", "timeout": "3s", "fails": 3}
        },
        "load_balancing": _balancing(seconds),
        "request_buffers": REPLAYED,
        # Which attempt this is, as near as Caddy lets us know it: see _balancing.
        "headers": {"request": {"set": {"X-Mldeploy-Waited": ["{http.request.duration_ms}"]}}},
    }
    answer = {"handler": "headers", "response": {"deferred": True, "delete": ["Server", "Via"]}}
    where = {
        "handler": "log_append",
        "key": "replica",
        "value": "{http.reverse_proxy.upstream.host}",
    }
    return {"handle": [answer, where, proxy]}


def _balancing(seconds: str) -> Json:
    """A replica that refuses is passed over; a request whose replica died is sent once more.

    Not more than once, for the request may be what it died of. Caddy counts attempts only in all,
    so the second attempt is known by the time at which it begins: a PAUSE or more after the request
    came. And only whole: Caddy knows the length of a body, and writes it into the header, when it
    holds all of it.
    """
    first = {"X-Mldeploy-Waited": {"pattern": rf"^(?:[1-{PAUSE // 10 - 1}]?[0-9])(?:\.|$)"}}
    whole = {"Content-Length": {"pattern": f"^[0-9]{{1,{len(str(REPLAYED)) - 1}}}$"}}
    without_body = {"method": ["GET", "HEAD"], "not": [{"header": {"Content-Length": ["*"]}}]}
    return {
        # Measured with replicas that work on one request at a time: 2 clients on 2 replicas get
        # 27 % more answered than with least_conn, which counts the slots and not the replicas.
        "selection_policy": {"policy": "round_robin"},
        "retries": SLOTS,
        "try_interval": f"{PAUSE}ms",
        "try_duration": seconds,  # an answer that came too late is not asked for again
        "retry_match": [
            {"header_regexp": first | whole},
            {"header_regexp": first} | without_body,
        ],
    }
