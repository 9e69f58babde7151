"""Who asks: which key belongs to whom, and what is said to a key that nobody has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.cloud import signatures
from tests.cloud.calls import Call
from tests.cloud.faults import MESSAGES
from tests.cloud.refusals import Refused
from tests.cloud.world import ACCOUNT, LEARNER, LEARNERS_SECRET

USERS = {LEARNER: f"arn:aws:iam::{ACCOUNT}:user/learner"}


def principal_of(call: Call) -> str:
    """Empty for a key that is not known, or no key."""
    return USERS.get(call.key, "")


def check(call: Call, environ: Mapping[str, Any], body: bytes) -> None:
    """Raise Refused for a key that is unknown and for one whose secret was not used."""
    if not call.principal:
        raise Refused("AuthFailure", MESSAGES["AuthFailure"], 401 if call.service == "ec2" else 403)
    signatures.check(call, environ, body, LEARNERS_SECRET)
