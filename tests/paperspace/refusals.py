"""How the API says no: a message and a tRPC code, with that code's HTTP status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

STATUS = {
    "BAD_REQUEST": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_SUPPORTED": 405,
    "TIMEOUT": 408,
    "CONFLICT": 409,
    "PRECONDITION_FAILED": 412,
    "PAYLOAD_TOO_LARGE": 413,
    "TOO_MANY_REQUESTS": 429,
    "CLIENT_CLOSED_REQUEST": 499,
    "INTERNAL_SERVER_ERROR": 500,
}
# Where the real words are not known, these are ours.
MESSAGES = {
    "UNAUTHORIZED": "You must be logged in to access this method.",
    "NOT_FOUND": "Not found",
    "TOO_MANY_REQUESTS": "Too many requests",
    "TIMEOUT": "The request timed out",
    "INTERNAL_SERVER_ERROR": "Internal server error",
}


@dataclass(frozen=True)
class Reply:
    """``raw`` is what is sent instead of ``told`` as JSON: the page of a proxy, say."""

    status: int
    told: Any
    raw: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        return (json.dumps(self.told) if self.raw is None else self.raw).encode()

    @property
    def content_type(self) -> str:
        return "application/json" if self.raw is None else "text/html"


class Refused(Exception):  # noqa: N818, as the API's own word for it
    """``status`` is the code's, unless it is told: an error may come with a 200."""

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        details: dict[str, Any] | None = None,
        issues: list[dict[str, Any]] | None = None,
        status: int | None = None,
    ) -> None:
        self.code, self.message = code, message or MESSAGES.get(code, code)
        self.details, self.issues = details, issues
        self.status = status or STATUS[code]
        super().__init__(f"{code}: {self.message}")

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = {"message": self.message, "code": self.code}
        if self.details is not None:
            found["details"] = self.details
        if self.issues is not None:
            found["issues"] = self.issues
        return found
