"""What there is in EC2, as IAM names and sees it: ARNs and the condition keys of tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.cloud.calls import Call
from tests.cloud.world import ACCOUNT

Context = dict[str, str | list[str]]
KINDS = {
    "i": "instance",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "vol": "volume",
    "eni": "network-interface",
    "eipalloc": "elastic-ip",
    "key": "key-pair",
    "ami": "image",
    "subnet": "subnet",
    "vpc": "vpc",
    "sir": "spot-instances-request",
    "snap": "snapshot",
}


def requested(tags: Mapping[str, str]) -> Context:
    context: Context = {f"aws:RequestTag/{k}": v for k, v in tags.items()}
    return context | ({"aws:TagKeys": list(tags)} if tags else {})


def existing(call: Call, resource_id: str) -> Context | None:
    """The condition keys of what is there; None if it is not."""
    backend = ec2_of(call)
    kind = kind_of(resource_id)
    there: dict[str, Callable[[], Any]] = {
        "instance": lambda: backend.get_instance_by_id(resource_id),
        "security-group": lambda: backend.get_security_group_from_id(resource_id),
        "volume": lambda: backend.volumes.get(resource_id),
        "network-interface": lambda: backend.enis.get(resource_id),
        "elastic-ip": lambda: any(each.allocation_id == resource_id for each in backend.addresses),
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
    return tags_of(call, resource_id) | more


def tags_of(call: Call, resource_id: str) -> Context:
    """Its tags, under the name of today and EC2's own older one."""
    tags = ec2_of(call).tags.get(resource_id, {})
    names = ("aws:ResourceTag", "ec2:ResourceTag")
    return {f"{name}/{tag}": str(value) for name in names for tag, value in tags.items()}


def kind_of(resource_id: str) -> str:
    return KINDS.get(resource_id.partition("-")[0], "resource")


def arn(call: Call, resource_id: str) -> str:
    return of_kind(call, kind_of(resource_id), resource_id)


def of_kind(call: Call, kind: str, name: str = "*") -> str:
    owner = "" if kind in {"image", "snapshot"} else ACCOUNT
    return f"arn:aws:ec2:{call.region}:{owner}:{kind}/{name}"


def ec2_of(call: Call) -> Any:
    from moto.ec2.models import ec2_backends

    return ec2_backends[ACCOUNT][call.region]
