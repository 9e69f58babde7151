"""One JSON request over HTTP with the standard library: a dependency for this would be idle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from mldeploy.certificates import trust


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


def post(
    url: str,
    body: Any,
    *,
    timeout: float,
    headers: dict[str, str] | None = None,
    authority: str | None = None,
    also: str | None = None,
) -> Answer:
    """POST ``body`` as JSON; ``timeout`` in seconds. Raises OSError or http.client.HTTPException.

    Over https the server's certificate is verified before anything is sent, with ``authority`` and
    ``also`` as for :func:`mldeploy.certificates.trust`; ssl.SSLError says that it was not.
    No proxy is asked: these requests go to the machine that the URL names.
    """
    parts = urlsplit(url)
    connection: HTTPConnection
    if parts.scheme == "https":
        context = trust(authority, also)
        connection = HTTPSConnection(
            parts.hostname or "", parts.port, timeout=timeout, context=context
        )
    else:
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
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
