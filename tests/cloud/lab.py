"""The controls over HTTP, for who runs the stand-in as a process: `POST /lab/fail {…}`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

from tests.cloud.refusals import Answer

BY_HTTP = (
    "fail",
    "delay",
    "no_capacity",
    "not_offered",
    "capacity_again",
    "quota",
    "spot_requests",
    "plan",
    "opt_in",
    "enforce",
    "advance",
    "tick",
    "ended_itself",
    "interrupt",
    "instant",
    "paced",
    "lagging",
    "called_from",
    "denials_are_terse",
    "without_default_vpc",
    "reset",
)


class Controls(Protocol):
    def answer(self, environ: dict[str, Any], body: bytes) -> Answer: ...


def answered(controls: Any, environ: dict[str, Any], body: bytes) -> Answer:
    """GET address and calls; POST one of the controls with its arguments as JSON."""
    name = environ["PATH_INFO"].removeprefix("/lab/")
    if name == "address":
        return Answer(200, f"{controls.caller_address}\n".encode(), {"Content-Type": "text/plain"})
    if name == "calls":
        return _json(200, [call.as_dict() for call in controls.calls])
    if name == "instances":
        return _json(200, controls.instances())
    if name not in BY_HTTP or environ["REQUEST_METHOD"] != "POST":
        return _json(404, {"error": f"no such control; POST one of {', '.join(BY_HTTP)}"})
    control: Callable[..., Any] = getattr(controls, name)
    try:
        control(**json.loads(body or b"{}"))
    except (TypeError, ValueError) as error:
        return _json(400, {"error": str(error)})
    return _json(200, {})


def _json(status: int, told: Any) -> Answer:
    return Answer(status, json.dumps(told).encode(), {"Content-Type": "application/json"})
