"""Which questions a call to EC2 puts to IAM: one for each resource that it touches.

After the Service Authorization Reference. Actions that only read know no resources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.cloud.calls import Call
from tests.cloud.iam import Ask
from tests.cloud.launch import Wanted
from tests.cloud.refusals import Refused
from tests.cloud.resources import arn, ec2_of, existing, of_kind, requested, tags_of
from tests.cloud.world import ACCOUNT

_NO_RESOURCES = {"CreateDefaultVpc", "CreateDefaultSubnet"}
_NAMED_BY = (
    *("InstanceId", "GroupId", "VolumeId", "NetworkInterfaceId", "SpotInstanceRequestId"),
    "AllocationId",
)


def of(call: Call, action: str) -> Iterator[Ask]:
    if call.action.startswith(("Describe", "Get")):
        yield Ask(action, "*")
    elif call.action == "RunInstances":
        yield from _launch(call)
        yield from _tagged_at_birth(call)
    elif call.action in _MAKES:
        yield from _MAKES[call.action](call, action)
        yield from _tagged_at_birth(call)
    elif call.action in {"CreateTags", "DeleteTags"}:
        tags = {each["Key"]: each.get("Value", "") for each in call.listed("Tag")}
        for resource in call.listed("ResourceId"):
            found = existing(call, resource)
            if found is not None:
                yield Ask(action, arn(call, resource), found | requested(tags))
    elif call.action == "DeleteKeyPair":
        yield from _key_pair(call, action)
    else:
        yield from _named(call, action)


def _named(call: Call, action: str) -> Iterator[Ask]:
    """What the call names by id; of those that are not there EC2 says so before it asks IAM."""
    named = [each for name in _NAMED_BY for each in call.listed(name)]
    for resource in named:
        if (found := existing(call, resource)) is not None:
            yield Ask(action, arn(call, resource), found)
    if not named:
        if call.action not in _NO_RESOURCES:
            raise Refused("NotInTheStandIn", f"The resources of {action} are not known here.", 501)
        yield Ask(action, "*")


def _launch(call: Call) -> Iterator[Ask]:
    action = "ec2:RunInstances"
    wanted, backend, tags = Wanted.of(call), ec2_of(call), _tags_by_kind(call)
    market = "spot" if wanted.spot else "on-demand"
    options = call.params.get("MetadataOptions", {})
    instance: dict[str, Any] = {
        "ec2:InstanceType": wanted.type,
        "ec2:InstanceMarketType": market,
        "ec2:RootDeviceType": "ebs",
        "ec2:Tenancy": "default",
        "ec2:MetadataHttpTokens": options.get("HttpTokens", "optional"),
        "ec2:MetadataHttpPutResponseHopLimit": options.get("HttpPutResponseHopLimit", "1"),
    }
    subnet, groups = _network(call, wanted)
    disk: dict[str, Any] = {}
    for each in call.listed("BlockDeviceMapping"):
        ebs = each.get("Ebs", {})
        disk = {
            "ec2:VolumeType": ebs.get("VolumeType", "gp3"),
            "ec2:VolumeSize": ebs.get("VolumeSize", "8"),
            "ec2:Encrypted": ebs.get("Encrypted", "false"),
        }
    created = {"instance": instance, "volume": disk, "network-interface": {}}
    if wanted.spot:
        created["spot-instances-request"] = {}
    for kind, context in created.items():
        yield Ask(action, of_kind(call, kind), context | requested(tags.get(kind, {})))
    image = backend.amis.get(wanted.image)
    if image is not None:
        owner = {"ec2:Owner": image.owner_alias or image.owner_id, "ec2:Public": "true"}
        yield Ask(action, arn(call, image.id), owner | tags_of(call, image.id))
    for resource in ([subnet] if subnet else []) + groups:
        if (found := existing(call, resource)) is not None:
            yield Ask(action, arn(call, resource), found)
    if name := call.params.get("KeyName"):
        key = backend.key_pairs.get(name)
        context = tags_of(call, key.id) if key else {}
        yield Ask(action, of_kind(call, "key-pair", name), context)
    if profile := call.params.get("IamInstanceProfile"):
        yield pass_role(_role_of(profile), "ec2.amazonaws.com")


def _network(call: Call, wanted: Wanted) -> tuple[str | None, list[str]]:
    """The subnet and the groups, the default ones if none are named."""
    backend = ec2_of(call)
    subnet = wanted.subnet
    if subnet is None and (vpc := backend.get_default_vpc()):
        subnets = backend.get_default_subnets()
        subnet = next((each.id for each in subnets.values() if each.vpc_id == vpc.id), None)
    groups = list(wanted.groups)
    if not groups and (default := backend.get_default_security_group()):
        groups = [default.id]
    return subnet, groups


def _tagged_at_birth(call: Call) -> Iterator[Ask]:
    """Tags in the call that creates need CreateTags too, with the name of that call."""
    for kind, tags in _tags_by_kind(call).items():
        context = {"ec2:CreateAction": call.action} | requested(tags)
        yield Ask("ec2:CreateTags", of_kind(call, kind), context)


def _makes_group(call: Call, action: str) -> Iterator[Ask]:
    tags = _tags_by_kind(call).get("security-group", {})
    yield Ask(action, of_kind(call, "security-group"), requested(tags))
    default = ec2_of(call).get_default_vpc()
    vpc = call.params.get("VpcId") or (default.id if default else None)
    if vpc and (found := existing(call, vpc)) is not None:
        yield Ask(action, arn(call, vpc), found)


def _makes_key_pair(call: Call, action: str) -> Iterator[Ask]:
    tags = _tags_by_kind(call).get("key-pair", {})
    yield Ask(action, of_kind(call, "key-pair", call.params["KeyName"]), requested(tags))


def _makes_rule(call: Call, action: str) -> Iterator[Ask]:
    yield from _named(call, action)
    if tags := _tags_by_kind(call).get("security-group-rule"):
        yield Ask(action, of_kind(call, "security-group-rule"), requested(tags))


def _makes_volume(call: Call, action: str) -> Iterator[Ask]:
    yield Ask(action, of_kind(call, "volume"), requested(_tags_by_kind(call).get("volume", {})))


_MAKES: dict[str, Callable[[Call, str], Iterator[Ask]]] = {
    "CreateSecurityGroup": _makes_group,
    "CreateKeyPair": _makes_key_pair,
    "ImportKeyPair": _makes_key_pair,
    "AuthorizeSecurityGroupIngress": _makes_rule,
    "AuthorizeSecurityGroupEgress": _makes_rule,
    "CreateVolume": _makes_volume,
}


def _key_pair(call: Call, action: str) -> Iterator[Ask]:
    """Policies name a key pair by its name, whatever the call names it by."""
    for key in ec2_of(call).key_pairs.values():
        if key.key_name == call.params.get("KeyName") or key.id == call.params.get("KeyPairId"):
            yield Ask(action, of_kind(call, "key-pair", key.key_name), tags_of(call, key.id))
            return
    yield Ask(action, of_kind(call, "key-pair", call.params.get("KeyName", "*")))


def pass_role(role: str, service: str) -> Ask:
    return Ask("iam:PassRole", role, {"iam:PassedToService": service})


def _role_of(profile: Mapping[str, str]) -> str:
    """The role in an instance profile; by the profile's own name if nobody made it."""
    from moto.iam.models import iam_backends

    name = profile.get("Name") or profile.get("Arn", "").rpartition("/")[2]
    for each in iam_backends[ACCOUNT]["global"].instance_profiles.values():
        if each.name == name and each.roles:
            return str(each.roles[0].arn)
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def _tags_by_kind(call: Call) -> dict[str, dict[str, str]]:
    return {
        each["ResourceType"]: {tag["Key"]: tag.get("Value", "") for tag in each.get("Tag", [])}
        for each in call.listed("TagSpecification")
    }
