"""ClientToken: the same one with the same parameters is the same launch, for as long as it lives.

moto ignores it and buys a second machine.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.cloud.calls import Call
from tests.cloud.refusals import Refused

if TYPE_CHECKING:
    from tests.cloud.world import World

LONGEST = 64


@dataclass(frozen=True)
class Token:
    asked: str
    reservation: Any  # moto's


def earlier(world: World, call: Call) -> Any | None:
    """The reservation that this token already has, with its instances as they are now."""
    token = call.params.get("ClientToken")
    if not token:
        return None
    if len(token) > LONGEST or not token.isascii():
        raise Refused(
            "InvalidParameterValue",
            f"Value ({token}) for parameter clientToken is invalid. "
            f"Length exceeds maximum of {LONGEST}",
        )
    known = world.tokens.get((call.region, token))
    if known is None:
        return None
    if known.asked != _asked(call):
        raise Refused(
            "IdempotentParameterMismatch",
            "The client token you have provided has already been used with different parameters",
        )
    return known.reservation


def remember(world: World, call: Call, reservation: Any) -> None:
    if token := call.params.get("ClientToken"):
        world.tokens[call.region, token] = Token(_asked(call), reservation)


def _asked(call: Call) -> str:
    told = {k: v for k, v in call.params.items() if k not in {"ClientToken", "DryRun"}}
    return json.dumps(told, sort_keys=True)
