"""What the edge says where it answers itself: JSON in three parts, as mldeploy's own errors."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]

STATUS = "{http.error.status_code}"
HTML = {"header": {"Accept": ["*text/html*"]}}


def routes(max_body: int, timeout: int) -> list[Json]:
    """Caddy's error routes; the last one takes what the others do not know."""
    return [
        {"handle": [_cause(), {"handler": "headers", "response": _HEADERS}]},
        # Only who asks for a page gets the dialog of the browser; over the page's own field for a
        # key it would be in the way, and a program reads the body.
        {"match": [_status(401) | HTML], "handle": [_challenge('Basic realm="mldeploy"')]},
        {
            "match": [_status(401) | {"not": [HTML]}],
            "handle": [_challenge('Bearer realm="mldeploy"')],
        },
        _answer(
            _status(401),
            401,
            code="no-key",
            what="This service answers only with a valid key.",
            why="No key came with the request, or one that is not valid or not valid any more.",
            do="Send the header `Authorization: Bearer KEY`; `mldeploy keys show` shows the key.",
        ),
        _answer(
            _status(413),
            413,
            code="too-large",
            what="The request is too large.",
            why=f"Its body has more than {max_body} bytes.",
            do="Send fewer rows at once, or raise `max_body` in mldeploy.toml.",
        ),
        # Garbled chunks are found only while the body is on its way to a replica.
        _answer(
            {"expression": f'{STATUS} == 502 && {{http.error.message}}.contains("chunk")'},
            400,
            code="not-accepted",
            what="The body of the request is garbled.",
            why="It is not chunked as its header says.",
            do="Send it again, or with a Content-Length.",
        ),
        # A replica that could not be reached has seen nothing: another try is safe.
        _answer(
            {"expression": f'{STATUS} == 503 || {{http.error.message}}.contains("dial ")'},
            503,
            code="not-now",
            what="No replica can take the request just now.",
            why="All are busy, starting, or not well.",
            do="Send it again in a moment.",
        ),
        _answer(
            {"expression": f'{STATUS} == 504 && {{http.error.message}}.contains("i/o timeout")'},
            408,
            code="too-slow",
            what="The request did not arrive in time.",
            why="Its body came too slowly, or stopped.",
            do="Send fewer rows at once, or from a better connection.",
        ),
        _answer(
            _status(504),
            504,
            code="too-slow",
            what=f"No answer within {timeout} seconds.",
            why="The model took longer than `request_timeout` in mldeploy.toml allows.",
            do="Send fewer rows at once, or raise `request_timeout`.",
        ),
        _answer(
            {"expression": f"{STATUS} >= 500"},
            502,
            code="no-answer",
            what="The request was not answered.",
            why="The replica that worked on it stopped.",
            do="Send it again if that does no harm; `mldeploy logs` says why the replica stopped.",
        ),
        _answer(
            {},
            STATUS,
            code="not-accepted",
            what="The request was not accepted.",
            why="It is not one that the edge understands.",
            do="Look at /docs.json for what the service takes.",
        ),
    ]


_HEADERS = {
    "set": {"Content-Type": ["application/json"], "Cache-Control": ["no-store"]},
    "delete": ["Server", "Via"],
}


def _cause() -> Json:
    """What really happened is for the log, with the addresses in it, not for the client."""
    return {"handler": "log_append", "key": "error", "value": "{http.error.message}"}


def _status(code: int) -> Json:
    return {"expression": f"{STATUS} == {code}"}


def _challenge(value: str) -> Json:
    return {"handler": "headers", "response": {"set": {"WWW-Authenticate": [value]}}}


def _answer(match: Json, status: int | str, **parts: str) -> Json:
    headers = {"Retry-After": ["1"]} if status == 503 else {}
    body = json.dumps({"error": parts})
    respond = {
        "handler": "static_response",
        "status_code": str(status),
        "headers": headers,
        "body": body,
    }
    return {"match": [match] if match else [], "handle": [respond], "terminal": True}
