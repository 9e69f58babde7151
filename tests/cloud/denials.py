"""What somebody is told who may not, and how the encoded part of it is decoded."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from tests.cloud import asks, iam
from tests.cloud.calls import Call
from tests.cloud.iam import Ask
from tests.cloud.refusals import Answer, Refused

if TYPE_CHECKING:
    from tests.cloud.world import World


def check(world: World, call: Call) -> None:
    """Raise Refused for the first thing that the policy does not allow."""
    if world.policy is None:
        return
    for ask in asks.of(call):
        decision = iam.decide(world.policy, ask)
        if decision != "allowed":
            raise _refused(world, call, ask, explicit=decision == "denied")


def _refused(world: World, call: Call, ask: Ask, *, explicit: bool) -> Refused:
    why = (
        "with an explicit deny in an identity-based policy"
        if explicit
        else f"because no identity-based policy allows the {ask.action} action"
    )
    said = (
        f"User: {call.principal} is not authorized to perform: {ask.action} "
        f"on resource: {ask.resource} {why}"
    )
    if call.service != "ec2":
        code = "AccessDenied" if call.protocol == "query" else "AccessDeniedException"
        return Refused(code, said, 403)
    encoded = secrets.token_urlsafe(300)
    world.denials[encoded] = json.dumps(_decoded(call, ask, explicit=explicit))
    middle = "" if world.terse_denials else f"{said}. "
    return Refused(
        "UnauthorizedOperation",
        f"You are not authorized to perform this operation. {middle}"
        f"Encoded authorization failure message: {encoded}",
        403,
    )


def _decoded(call: Call, ask: Ask, *, explicit: bool) -> Mapping[str, Any]:
    conditions = [
        {"key": key, "values": {"items": [{"value": v} for v in ask.values(key) or []]}}
        for key in ask.context
    ]
    return {
        "allowed": False,
        "explicitDeny": explicit,
        "matchedStatements": {"items": []},
        "failures": {"items": []},
        "context": {
            "principal": {"id": "AIDACKCEVSQ6C2EXAMPLE", "arn": call.principal},
            "action": ask.action,
            "resource": ask.resource,
            "conditions": {"items": conditions},
        },
    }


def decode(world: World, call: Call) -> Answer:
    """STS's DecodeAuthorizationMessage, for who may call it."""
    told = world.denials.get(str(call.params.get("EncodedMessage")))
    if told is None:
        raise Refused("InvalidAuthorizationMessageException", "Message is not valid")
    xml = (
        '<DecodeAuthorizationMessageResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<DecodeAuthorizationMessageResult><DecodedMessage>{escape(told)}</DecodedMessage>"
        f"</DecodeAuthorizationMessageResult><ResponseMetadata><RequestId>{uuid.uuid4()}"
        "</RequestId></ResponseMetadata></DecodeAuthorizationMessageResponse>"
    )
    return Answer(200, xml.encode(), {"Content-Type": "text/xml"})
