"""Signature Version 4, checked as AWS does: with another secret nothing is carried out."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tests.cloud.calls import Call
from tests.cloud.faults import MESSAGES
from tests.cloud.refusals import Refused

_SIGNED = re.compile(
    r"(?P<algorithm>AWS4-HMAC-SHA256) Credential=[^/]+/(?P<scope>[^,]+), ?"
    r"SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]+)"
)
_UNCHECKED = {"s3"}  # it signs paths in a way of its own


def check(call: Call, environ: Mapping[str, Any], body: bytes, secret: str) -> None:
    if call.service in _UNCHECKED:
        return
    found = _SIGNED.match(call.headers.get("authorization", ""))
    if found is None:
        raise Refused("MissingAuthenticationToken", "Missing Authentication Token", 403)
    names = found["headers"].split(";")
    canonical = "\n".join(
        [
            environ["REQUEST_METHOD"],
            quote(_path(environ), safe="/-_.~"),
            "&".join(sorted(environ.get("QUERY_STRING", "").split("&"))),
            *(f"{name}:{' '.join(call.headers.get(name, '').split())}" for name in names),
            "",
            found["headers"],
            call.headers.get("x-amz-content-sha256") or hashlib.sha256(body).hexdigest(),
        ]
    )
    to_sign = "\n".join(
        [
            found["algorithm"],
            call.headers.get("x-amz-date", ""),
            found["scope"],
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{secret}".encode()
    for part in found["scope"].split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    if hmac.new(key, to_sign.encode(), "sha256").hexdigest() != found["signature"]:
        code = "AuthFailure" if call.service == "ec2" else "SignatureDoesNotMatch"
        raise Refused(code, MESSAGES[code], 401 if call.service == "ec2" else 403)


def _path(environ: Mapping[str, Any]) -> str:
    """As it was sent: servers put that beside what they made of it, which WSGI alone demands."""
    raw: str = environ.get("RAW_URI") or quote(environ["PATH_INFO"], safe="/-_.~")
    return raw.partition("?")[0]
