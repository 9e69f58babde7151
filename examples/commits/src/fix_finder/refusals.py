"""Requests that the service refuses: before BentoML reads them, and in one line of the log."""

import json
import logging
from typing import Any

from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

JSON = "application/json"
MOST = 200  # letters of a line: names of fields that do not exist come from whoever asks

# BentoML 1.4 writes down there what it refuses.
logger = logging.getLogger("bentoml._internal.server.http_app")


def only_json(service: Any) -> Any:
    """For a BentoML service: what is no JSON is not read, and what is refused is told shortly.

    BentoML 1.4 also reads forms: it answers 500 to a broken one, and a page of another site may
    send a form to your machine without asking, which it may not do with JSON.
    """
    service.add_asgi_middleware(OnlyJson)
    logger.addFilter(shorten)
    return service


class OnlyJson:
    """Answers 415 to a body that is said to be something else than JSON, or not said to be it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        if scope["type"] == "http" and scope["method"] == "POST" and _kind(scope) != JSON:
            why = f"Only JSON is read here. Send it with the header Content-Type: {JSON}"
            app = JSONResponse({"error": why}, status_code=415)
        await app(scope, receive, send)


def shorten(record: logging.LogRecord) -> bool:
    """A line for a refused request, where BentoML has a traceback that shows what was sent."""
    if why := _fault_of_the_sender(record.exc_info[1] if record.exc_info else None):
        record.msg, record.args = "Refused: %s", (why,)
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = None
    return True


def _kind(scope: Scope) -> str:
    said: bytes = dict(scope["headers"]).get(b"content-type", b"")
    return said.partition(b";")[0].strip().lower().decode("latin-1")


def _fault_of_the_sender(error: BaseException | None) -> str:
    """In words; empty for anything else, which is a fault of ours."""
    if isinstance(error, ClientDisconnect):
        return "whoever asked went away in the middle of it"
    if not isinstance(error, ValidationError) or error.title != "Input":  # the rows that were sent
        return ""
    first, *others = error.errors(include_input=False, include_url=False)
    place = ".".join(map(str, first["loc"])) or "the request"
    more = f" (and {len(others)} more)" if others else ""
    return f"{json.dumps(place)[1:-1][:MOST]}: {first['msg']}{more}"
