"""One JSON request over HTTP with the standard library: a dependency for this would be idle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection
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


def post(url: str, body: Any, *, timeout: float) -> Answer:
    """POST ``body`` as JSON; ``timeout`` in seconds. Raises OSError or http.client.HTTPException.

    No proxy is asked: these requests go to the machine that the URL names.
    """
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request(
            "POST", parts.path, json.dumps(body), {"Content-Type": "application/json"}
        )
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read().decode("utf-8", "replace"))
    finally:
        connection.close()
