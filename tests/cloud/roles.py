"""Roles that are handed to a service: it must be able to take them, and they must allow the work.

moto takes any name for a role and never looks into one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.cloud import asks, iam, lag
from tests.cloud.calls import Call
from tests.cloud.refusals import Refused

if TYPE_CHECKING:
    from tests.cloud.world import World

SCHEDULER = "scheduler.amazonaws.com"


def check_handover(world: World, call: Call) -> None:
    """As the scheduler does when a schedule is made; a role of a moment ago is not known yet."""
    arn = call.params.get("Target", {}).get("RoleArn")
    if call.service != "scheduler" or not arn:
        return
    role = _role(arn)
    if role is None or lag.is_unseen(world, arn) or not _trusts(role, SCHEDULER):
        raise Refused(
            "ValidationException",
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the "
            "role.",
        )


def allows(world: World, arn: str, call: Call) -> bool:
    """Whether a service with this role may make this call."""
    role = _role(arn)
    if role is None:
        return False
    questions = list(asks.of(call))
    policies = list(_policies(role))
    decided = [{iam.decide(policy, ask) for policy in policies} for ask in questions]
    return all("allowed" in each and "denied" not in each for each in decided)


def _role(arn: str) -> Any | None:
    from moto.iam.models import iam_backends

    from tests.cloud.world import ACCOUNT

    roles = iam_backends[ACCOUNT]["global"].roles.values()
    return next((role for role in roles if role.arn == arn), None)


def _trusts(role: Any, service: str) -> bool:
    for statement in json.loads(role.assume_role_policy_document)["Statement"]:
        named = statement.get("Principal", {}).get("Service", [])
        if statement["Effect"] == "Allow" and service in _listed(named):
            return True
    return False


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _policies(role: Any) -> Iterator[dict[str, Any]]:
    for inline in role.policies.values():
        yield json.loads(inline) if isinstance(inline, str) else inline
    for managed in role.managed_policies.values():
        yield json.loads(managed.document)
