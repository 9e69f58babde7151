"""Who asks, and whether that one may ask here: keys, regions, permissions."""

from __future__ import annotations

from tests.cloud.calls import Call
from tests.cloud.faults import MESSAGES
from tests.cloud.refusals import Refused
from tests.cloud.world import ACCOUNT, LEARNER, OPT_IN, World

USERS = {LEARNER: f"arn:aws:iam::{ACCOUNT}:user/learner"}


def principal_of(call: Call) -> str:
    return USERS.get(call.key, "")


def check(world: World, call: Call) -> None:
    """Raise Refused as AWS would, in its order."""
    if not call.principal:
        raise Refused("AuthFailure", MESSAGES["AuthFailure"], 401 if call.service == "ec2" else 403)
    if call.region in OPT_IN and call.region not in world.opted_in:
        raise _not_opted_in(call)


def _not_opted_in(call: Call) -> Refused:
    """The key is unknown there: a region that is off does not get the account's keys."""
    if call.service == "ec2":
        return Refused("AuthFailure", MESSAGES["AuthFailure"], 401)
    if call.service == "sts":
        return Refused("InvalidClientTokenId", MESSAGES["InvalidClientTokenId"], 403)
    said = "The security token included in the request is invalid."
    return Refused("UnrecognizedClientException", said)
