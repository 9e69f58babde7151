"""Which questions a call puts to IAM, with the condition keys of each.

After the Service Authorization Reference; EC2's many are in asks_ec2.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.cloud import asks_ec2
from tests.cloud.asks_ec2 import pass_role
from tests.cloud.calls import Call
from tests.cloud.iam import Ask
from tests.cloud.refusals import Refused
from tests.cloud.resources import Context, arn, existing
from tests.cloud.world import ACCOUNT

PREFIXES = {"tagging": "tag"}  # where a service signs with another name than policies use
_NO_RESOURCES = {"pricing", "freetier", "tagging", "servicequotas", "sts"}
FREE = {"sts:GetCallerIdentity", "sts:GetSessionToken"}  # for everybody, whatever the policy


def of(call: Call) -> Iterator[Ask]:
    """Nothing for a call that needs no permission, or is for what is not there."""
    action = f"{PREFIXES.get(call.service, call.service)}:{call.action}"
    if action in FREE:
        return
    common = _common(call)
    for ask in _BY_SERVICE.get(call.service, _without_resources)(call, action):
        yield Ask(ask.action, ask.resource, common | dict(ask.context))


def _common(call: Call) -> Context:
    found: Context = {
        "aws:RequestedRegion": call.region,
        "aws:PrincipalArn": call.principal,
        "aws:PrincipalAccount": ACCOUNT,
        "aws:username": call.principal.rpartition("/")[2],
        "aws:SecureTransport": "true",
    }
    if call.service == "ec2":
        found["ec2:Region"] = call.region
    return found


def _without_resources(call: Call, action: str) -> Iterator[Ask]:
    """Better no answer than a wrong one, for services whose resources nobody wrote down here."""
    if call.service not in _NO_RESOURCES:
        raise Refused("NotInTheStandIn", f"The resources of {action} are not known here.", 501)
    yield Ask(action, "*")


def _ssm(call: Call, action: str) -> Iterator[Ask]:
    names = [*call.listed("Name"), *call.listed("Names")]
    for name in names:
        owner = "" if name.startswith("/aws/") else ACCOUNT  # public ones are nobody's
        yield Ask(action, f"arn:aws:ssm:{call.region}:{owner}:parameter/{name.lstrip('/')}")
    if not names:
        yield Ask(action, "*")


def _scheduler(call: Call, action: str) -> Iterator[Ask]:
    base = f"arn:aws:scheduler:{call.region}:{ACCOUNT}"
    group = call.params.get("GroupName", call.params.get("groupName", "default"))
    name = call.params.get("Name")
    if call.action.endswith("Schedule"):
        yield Ask(action, f"{base}:schedule/{group}/{name}")
    elif call.action.endswith("ScheduleGroup"):
        yield Ask(action, f"{base}:schedule-group/{name}")
    else:
        yield Ask(action, "*")
    if role := call.params.get("Target", {}).get("RoleArn"):
        yield pass_role(role, "scheduler.amazonaws.com")


def _iam(call: Call, action: str) -> Iterator[Ask]:
    for parameter, kind in (
        ("RoleName", "role"),
        ("InstanceProfileName", "instance-profile"),
        ("UserName", "user"),
        ("PolicyName", "policy"),
    ):
        if name := call.params.get(parameter):
            yield Ask(action, f"arn:aws:iam::{ACCOUNT}:{kind}/{name}")
            return
    yield Ask(action, call.params.get("PolicyArn", "*"))


def _instance_connect(call: Call, action: str) -> Iterator[Ask]:
    instance = call.params["InstanceId"]
    if (found := existing(call, instance)) is not None:
        user = {"ec2:osuser": call.params["InstanceOSUser"]}
        yield Ask(action, arn(call, instance), found | user)


def _account(call: Call, action: str) -> Iterator[Ask]:
    del call
    yield Ask(action, f"arn:aws:account::{ACCOUNT}:account")


_BY_SERVICE: dict[str, Callable[[Call, str], Iterator[Ask]]] = {
    "ec2": asks_ec2.of,
    "ssm": _ssm,
    "scheduler": _scheduler,
    "iam": _iam,
    "ec2-instance-connect": _instance_connect,
    "account": _account,
}
