"""One JSON request over HTTP with the standard library: a dependency for this would be idle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]  # names in lower case
    text: str

    def json(self) -> Any:
        """The body as JSON; the text itself where it is none, so that it can be shown."""
        try:
            return json.loads(self.text)
        except ValueError:
            return self.text


def post(url: str, body: Any, *, timeout: float, headers: dict[str, str] | None = None) -> Answer:
    """POST ``body`` as JSON; ``timeout`` in seconds. Raises OSError or http.client.HTTPException.

    No proxy is asked: these requests go to the machine that the URL names.
    """
    parts = urlsplit(url)
    scheme = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = scheme(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request(
            "POST",
            parts.path,
            json.dumps(body),
            {"Content-Type": "application/json", **(headers or {})},
        )
        response = connection.getresponse()
        got = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, got, response.read().decode("utf-8", "replace"))
    finally:
        connection.close()
