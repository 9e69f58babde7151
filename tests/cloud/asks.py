"""Which questions a call puts to IAM: every resource that it touches, with its condition keys.

After the Service Authorization Reference. Actions of EC2 that only read know no resources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.cloud.calls import Call
from tests.cloud.iam import Ask
from tests.cloud.launch import Wanted
from tests.cloud.refusals import Refused
from tests.cloud.world import ACCOUNT

Tags = Mapping[str, str]
Context = dict[str, str | list[str]]
PREFIXES = {"tagging": "tag"}  # where a service signs with another name than policies use
_NO_RESOURCES = {"pricing", "freetier", "tagging", "servicequotas", "sts"}
_EC2_NO_RESOURCES = {"CreateDefaultVpc", "CreateDefaultSubnet"}
FREE = {"sts:GetCallerIdentity", "sts:GetSessionToken"}  # for everybody, whatever the policy
_KINDS = {
    "i": "instance",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "vol": "volume",
    "eni": "network-interface",
    "key": "key-pair",
    "ami": "image",
    "subnet": "subnet",
    "vpc": "vpc",
    "sir": "spot-instances-request",
    "snap": "snapshot",
}
_NAMED_BY = ("InstanceId", "GroupId", "VolumeId", "NetworkInterfaceId", "SpotInstanceRequestId")


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


def _ec2(call: Call, action: str) -> Iterator[Ask]:
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
            found = _existing(call, resource)
            if found is not None:
                yield Ask(action, _arn(call, resource), found | _requested(tags))
    elif call.action == "DeleteKeyPair":
        yield from _key_pair(call, action)
    else:
        yield from _named(call, action)


def _named(call: Call, action: str) -> Iterator[Ask]:
    """What the call names by id; of those that are not there EC2 says so before it asks IAM."""
    named = [each for name in _NAMED_BY for each in call.listed(name)]
    for resource in named:
        if (found := _existing(call, resource)) is not None:
            yield Ask(action, _arn(call, resource), found)
    if not named:
        if call.action not in _EC2_NO_RESOURCES:
            raise Refused("NotInTheStandIn", f"The resources of {action} are not known here.", 501)
        yield Ask(action, "*")


def _launch(call: Call) -> Iterator[Ask]:
    action = "ec2:RunInstances"
    wanted, backend, tags = Wanted.of(call), _backend(call), _tags_by_kind(call)
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
        yield Ask(action, _of_kind(call, kind), context | _requested(tags.get(kind, {})))
    image = backend.amis.get(wanted.image)
    if image is not None:
        owner = {"ec2:Owner": image.owner_alias or image.owner_id, "ec2:Public": "true"}
        yield Ask(action, _arn(call, image.id), owner | _resource(call, image.id))
    for resource in ([subnet] if subnet else []) + groups:
        if (found := _existing(call, resource)) is not None:
            yield Ask(action, _arn(call, resource), found)
    if name := call.params.get("KeyName"):
        key = backend.key_pairs.get(name)
        context = _resource(call, key.id) if key else {}
        yield Ask(action, _of_kind(call, "key-pair", name), context)
    if profile := call.params.get("IamInstanceProfile"):
        yield _pass_role(_role_of(profile), "ec2.amazonaws.com")


def _network(call: Call, wanted: Wanted) -> tuple[str | None, list[str]]:
    """The subnet and the groups, the default ones if none are named."""
    backend = _backend(call)
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
        context = {"ec2:CreateAction": call.action} | _requested(tags)
        yield Ask("ec2:CreateTags", _of_kind(call, kind), context)


def _makes_group(call: Call, action: str) -> Iterator[Ask]:
    tags = _tags_by_kind(call).get("security-group", {})
    yield Ask(action, _of_kind(call, "security-group"), _requested(tags))
    default = _backend(call).get_default_vpc()
    vpc = call.params.get("VpcId") or (default.id if default else None)
    if vpc and (found := _existing(call, vpc)) is not None:
        yield Ask(action, _arn(call, vpc), found)


def _makes_key_pair(call: Call, action: str) -> Iterator[Ask]:
    tags = _tags_by_kind(call).get("key-pair", {})
    yield Ask(action, _of_kind(call, "key-pair", call.params["KeyName"]), _requested(tags))


def _makes_rule(call: Call, action: str) -> Iterator[Ask]:
    yield from _named(call, action)
    if tags := _tags_by_kind(call).get("security-group-rule"):
        yield Ask(action, _of_kind(call, "security-group-rule"), _requested(tags))


def _makes_volume(call: Call, action: str) -> Iterator[Ask]:
    yield Ask(action, _of_kind(call, "volume"), _requested(_tags_by_kind(call).get("volume", {})))


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
    for key in _backend(call).key_pairs.values():
        if key.key_name == call.params.get("KeyName") or key.id == call.params.get("KeyPairId"):
            yield Ask(action, _of_kind(call, "key-pair", key.key_name), _resource(call, key.id))
            return
    yield Ask(action, _of_kind(call, "key-pair", call.params.get("KeyName", "*")))


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
        yield _pass_role(role, "scheduler.amazonaws.com")


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
    if (found := _existing(call, instance)) is not None:
        user = {"ec2:osuser": call.params["InstanceOSUser"]}
        yield Ask(action, _arn(call, instance), found | user)


def _account(call: Call, action: str) -> Iterator[Ask]:
    del call
    yield Ask(action, f"arn:aws:account::{ACCOUNT}:account")


_BY_SERVICE: dict[str, Callable[[Call, str], Iterator[Ask]]] = {
    "ec2": _ec2,
    "ssm": _ssm,
    "scheduler": _scheduler,
    "iam": _iam,
    "ec2-instance-connect": _instance_connect,
    "account": _account,
}


def _pass_role(role: str, service: str) -> Ask:
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


def _requested(tags: Tags) -> Context:
    context: Context = {f"aws:RequestTag/{k}": v for k, v in tags.items()}
    return context | ({"aws:TagKeys": list(tags)} if tags else {})


def _existing(call: Call, resource_id: str) -> Context | None:
    """The condition keys of what is there; None if it is not."""
    backend = _backend(call)
    kind = _kind(resource_id)
    there: dict[str, Callable[[], Any]] = {
        "instance": lambda: backend.get_instance_by_id(resource_id),
        "security-group": lambda: backend.get_security_group_from_id(resource_id),
        "volume": lambda: backend.volumes.get(resource_id),
        "network-interface": lambda: backend.enis.get(resource_id),
        "vpc": lambda: backend.vpcs.get(resource_id),
        "subnet": lambda: next(
            (zone[resource_id] for zone in backend.subnets.values() if resource_id in zone), None
        ),
        "key-pair": lambda: any(key.id == resource_id for key in backend.key_pairs.values()),
    }
    found = there.get(kind, lambda: True)()
    if not found:
        return None
    more = {"ec2:InstanceType": found.instance_type} if kind == "instance" else {}
    return _resource(call, resource_id) | more


def _resource(call: Call, resource_id: str) -> Context:
    """Its tags, under the name of today and EC2's own older one."""
    tags = _backend(call).tags.get(resource_id, {})
    names = ("aws:ResourceTag", "ec2:ResourceTag")
    return {f"{name}/{tag}": str(value) for name in names for tag, value in tags.items()}


def _kind(resource_id: str) -> str:
    return _KINDS.get(resource_id.partition("-")[0], "resource")


def _arn(call: Call, resource_id: str) -> str:
    return _of_kind(call, _kind(resource_id), resource_id)


def _of_kind(call: Call, kind: str, name: str = "*") -> str:
    owner = "" if kind in {"image", "snapshot"} else ACCOUNT
    return f"arn:aws:ec2:{call.region}:{owner}:{kind}/{name}"


def _backend(call: Call) -> Any:
    from moto.ec2.models import ec2_backends

    return ec2_backends[ACCOUNT][call.region]
