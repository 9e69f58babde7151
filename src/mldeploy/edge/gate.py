"""Who and what is let in: a key, unless it is /readyz; a body that is not too large."""

from __future__ import annotations

import base64
from typing import Any

from mldeploy.edge.certificate import Tls
from mldeploy.keys import HashedKey

Json = dict[str, Any]

READY = {"method": ["GET", "HEAD"], "path": ["/readyz"]}


def routes(keys: tuple[HashedKey, ...], max_body: int) -> list[Json]:
    """What stands before the proxy. A refusal is an error that the server's error routes answer."""
    return [
        {"match": [READY], "handle": _exactly_ready()},
        {
            "match": [{"not": [READY]}],
            "handle": [{"handler": "subroute", "routes": [*_key(keys), *_size(max_body)]}],
        },
        # A replica has no use for keys, so it can't lose them.
        {"handle": [{"handler": "headers", "request": {"delete": ["Authorization"]}}]},
    ]


def only_tls(tls: Tls) -> list[Json]:
    """On the plain port a request is sent to https before anybody looks for a key in it.

    Of a group of routes the first that matches is taken: another name than the certificate's has
    no service behind it.
    """
    there = {"Location": [f"{tls.origin}{{http.request.uri}}"]}
    redirect = {"handler": "static_response", "status_code": 308, "headers": there}
    refuse = {"handler": "error", "status_code": 421, "error": "another name"}
    return [
        {"match": [{"protocol": "http", "not": [READY]}], "handle": [redirect], "terminal": True},
        {"group": "name", "match": [{"host": [tls.host]}]},
        {"group": "name", "match": [{"protocol": "https"}], "handle": [refuse]},
    ]


def _exactly_ready() -> list[Json]:
    """The open path is asked as we would ask it, so that nothing else can be meant by it."""
    return [
        {"handler": "vars", "log_skip": True},  # it is asked every few seconds
        {"handler": "request_body", "max_size": 1},
        {"handler": "rewrite", "method": "GET", "uri": "/readyz?"},
    ]


def _key(keys: tuple[HashedKey, ...]) -> list[Json]:
    scheme = {"search_regexp": "(?i)^(bearer|basic) +", "replace": "Basic "}
    as_basic = {"handler": "headers", "request": {"replace": {"Authorization": [scheme]}}}
    refuse = {"handler": "error", "status_code": 401, "error": "no key"}
    if not keys:
        return [{"handle": [refuse]}]
    # For an id that it does not know, Caddy compares with a hash of cost 14 to hide that: half a
    # second of a processor for anyone who asks, with no key. Ids are no secret here, so those
    # requests stop before. Two Authorization headers are joined by a comma, which does not match.
    ids = "|".join(base64.b64encode(f"{key.id}:".encode()).decode() for key in keys)
    known = {"pattern": f"^Basic (?:{ids})[A-Za-z0-9+/=]{{1,64}}$"}
    accounts = [{"username": key.id, "password": key.bcrypt} for key in keys]
    basic = {"accounts": accounts, "hash": {"algorithm": "bcrypt"}, "hash_cache": {}}
    check = {"handler": "authentication", "providers": {"http_basic": basic}}
    authorization = "{http.request.header.Authorization}"
    return [
        {"handle": [as_basic]},
        {"match": [{"not": [{"vars_regexp": {authorization: known}}]}], "handle": [refuse]},
        {"handle": [check]},
    ]


def _size(max_body: int) -> list[Json]:
    said = "{http.request.header.Content-Length}"
    too_large = {"expression": f"size({said}) > 0 && int({said}) > {max_body}"}
    return [
        # What says its length is refused before a byte is read, what does not when it is too long.
        {"match": [too_large], "handle": [{"handler": "error", "status_code": 413}]},
        {"handle": [{"handler": "request_body", "max_size": max_body}]},
    ]
