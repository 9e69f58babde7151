"""The operations that moto lacks, or answers with somebody else's words."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from tests.cloud import denials, prices, quotas, regions
from tests.cloud.calls import Call
from tests.cloud.refusals import Answer, Refused
from tests.cloud.world import ACCOUNT, World

Told = Callable[[World, Call], dict[str, Any]]
_JSON = {"Content-Type": "application/x-amz-json-1.1"}


def _json(told: Told) -> Callable[[World, Call], Answer]:
    return lambda world, call: Answer(200, json.dumps(told(world, call)).encode(), _JSON)


def get_account_plan_state(world: World, call: Call) -> dict[str, Any]:
    del call  # one endpoint for all regions
    return world.plan.as_answer(ACCOUNT)


def get_caller_identity(world: World, call: Call) -> Answer:
    """moto knows no user for a key that nobody created."""
    del world
    arn = call.principal or f"arn:aws:iam::{ACCOUNT}:root"
    xml = (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<GetCallerIdentityResult><Arn>{arn}</Arn><UserId>AIDACKCEVSQ6C2EXAMPLE</UserId>"
        f"<Account>{ACCOUNT}</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>"
        f"{uuid.uuid4()}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )
    return Answer(200, xml.encode(), {"Content-Type": "text/xml"})


def send_ssh_public_key(world: World, call: Call) -> dict[str, Any]:
    """A key that its user may log in with for 60 seconds."""
    asked = call.params
    life = world.lives.get(asked["InstanceId"])
    if life is None or life.region != call.region or life.is_over:
        said = "The specified instance was not found in this Availability Zone."
        raise Refused("EC2InstanceNotFoundException", said)
    if life.state != "running":
        said = "Unable to connect because the instance is not in a valid state."
        raise Refused("EC2InstanceStateInvalidException", said)
    user, key = asked["InstanceOSUser"], asked["SSHPublicKey"]
    world.ssh_keys.append({"instance": life.id, "user": user, "key": key})
    if world.bodies:
        world.bodies.add_key(life.id, user, key, 60)
    return {"RequestId": str(uuid.uuid4()), "Success": True}


ANSWERS: dict[tuple[str, str], Callable[[World, Call], Answer]] = {
    ("ec2", "DescribeRegions"): regions.describe_regions,
    ("account", "ListRegions"): regions.list_regions,
    ("account", "GetRegionOptStatus"): regions.get_region_opt_status,
    ("account", "EnableRegion"): regions.enable_region,
    ("sts", "GetCallerIdentity"): get_caller_identity,
    ("sts", "DecodeAuthorizationMessage"): denials.decode,
    ("freetier", "GetAccountPlanState"): _json(get_account_plan_state),
    ("pricing", "GetProducts"): _json(prices.get_products),
    ("servicequotas", "GetServiceQuota"): _json(quotas.get_service_quota),
    ("servicequotas", "GetAWSDefaultServiceQuota"): _json(quotas.get_aws_default_service_quota),
    ("servicequotas", "ListServiceQuotas"): _json(quotas.list_service_quotas),
    ("ec2-instance-connect", "SendSSHPublicKey"): _json(send_ssh_public_key),
}
