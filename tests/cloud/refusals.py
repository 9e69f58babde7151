"""A refusal, and how each protocol of AWS writes it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from tests.cloud import cbor
from tests.cloud.calls import Call


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):  # noqa: N818, it is what happened, and no mistake of this code
    """``status`` is the one of HTTP; 500 and 503 are what clients try again by themselves."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message or f"Refused with {code}.", status


class Unreachable(Exception):  # noqa: N818
    """There is nobody at this address, as at that of a service in a region without it."""


# Names that differ between EC2's own and the newer protocols'.
_IN_JSON = {
    "UnauthorizedOperation": "AccessDeniedException",
    "AuthFailure": "UnrecognizedClientException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "RequestLimitExceeded": "ThrottlingException",
    "ExpiredToken": "ExpiredTokenException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "InternalError": "InternalServerException",
}
_IN_QUERY = {"UnauthorizedOperation": "AccessDenied", "AuthFailure": "InvalidClientTokenId"}


def written(call: Call, refused: Refused) -> Answer:
    """The answer that boto3 turns into a ClientError with this code."""
    request = str(uuid.uuid4())
    message = escape(refused.message)
    if call.protocol == "ec2":
        xml = (
            f"<Response><Errors><Error><Code>{refused.code}</Code><Message>{message}</Message>"
            f"</Error></Errors><RequestID>{request}</RequestID></Response>"
        )
        return Answer(refused.status, _xml(xml), {"Content-Type": "text/xml;charset=UTF-8"})
    if call.protocol == "query":
        code = _IN_QUERY.get(refused.code, refused.code)
        side = "Receiver" if refused.status >= 500 else "Sender"
        xml = (
            f"<ErrorResponse><Error><Type>{side}</Type><Code>{code}</Code>"
            f"<Message>{message}</Message></Error><RequestId>{request}</RequestId></ErrorResponse>"
        )
        return Answer(refused.status, _xml(xml), {"Content-Type": "text/xml"})
    code = _IN_JSON.get(refused.code, refused.code)
    status = 400 if call.protocol != "rest" and refused.status < 500 else refused.status
    said = {"__type": code, "message": refused.message, "Message": refused.message}
    headers = {"x-amzn-RequestId": request, "x-amzn-ErrorType": code}
    if call.protocol == "cbor":
        headers |= {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        return Answer(status, cbor.write(said), headers)
    headers["Content-Type"] = "application/x-amz-json-1.1"
    return Answer(status, json.dumps(said).encode(), headers)


def _xml(inner: str) -> bytes:
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + inner.encode()
