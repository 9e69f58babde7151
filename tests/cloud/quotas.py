"""How many vCPUs an account may run, by family; moto knows no quota of EC2."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.cloud.calls import Call
from tests.cloud.refusals import Refused

if TYPE_CHECKING:
    from tests.cloud.world import World

NEW_ACCOUNT = 16.0
_SERVICE = {"ServiceCode": "ec2", "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)"}


@dataclass(frozen=True)
class Family:
    name: str
    letters: tuple[str, ...]  # that instance types begin with
    on_demand: str  # quota codes
    spot: str


STANDARD = Family(
    "Standard (A, C, D, H, I, M, R, T, Z)",
    ("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"),
    "L-1216C47A",
    "L-34B43A08",
)
FAMILIES = (
    STANDARD,
    Family("G and VT", ("g", "gr", "vt"), "L-DB2E81BA", "L-3819A6DF"),
    Family("P", ("p",), "L-417A185B", "L-7212CCBC"),
    Family("Inf", ("inf",), "L-1945791B", "L-B5D1601B"),
    Family("Trn", ("trn",), "L-2C3B7624", "L-6B0D517C"),
    Family("DL", ("dl",), "L-6E869C2A", "L-85EED4F7"),
    Family("F", ("f",), "L-74FC7D96", "L-88CF9481"),
    Family("X", ("x",), "L-7295265B", "L-E3A00192"),
)
# As new accounts have them: machines with GPUs must be asked for.
VCPUS: dict[str, float] = {
    code: NEW_ACCOUNT if family is STANDARD else 0.0
    for family in FAMILIES
    for code in (family.on_demand, family.spot)
}


def names() -> dict[str, str]:
    """Of the quotas, by code."""
    told = {}
    for family in FAMILIES:
        told[family.on_demand] = f"Running On-Demand {family.name} instances"
        told[family.spot] = f"All {family.name} Spot Instance Requests"
    return told


@cache
def family_of(instance_type: str) -> Family:
    found = re.match("[a-z]+", instance_type)
    letters = found.group() if found else ""
    return next((f for f in FAMILIES if letters in f.letters), STANDARD)


def vcpus_of(instance_type: str) -> int:
    from moto.ec2.models.instance_types import INSTANCE_TYPES

    return int(INSTANCE_TYPES[instance_type]["VCpuInfo"]["DefaultVCpus"])


def check(world: World, region: str, instance_type: str, count: int, *, spot: bool) -> None:
    """Refuse what goes beyond the quota; those that are pending or running count."""
    family = family_of(instance_type)
    running = [
        life.instance
        for life in world.lives.values()
        if life.region == region
        and life.state in {"pending", "running"}
        and (life.instance.lifecycle == "spot") == spot
    ]
    if spot and len(running) + count > world.spot_requests:
        raise Refused("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
    limit = limit_of(world, region, family.spot if spot else family.on_demand)
    same = [each for each in running if family_of(each.instance_type) is family]
    asked = sum(vcpus_of(each.instance_type) for each in same) + count * vcpus_of(instance_type)
    if asked <= limit:
        return
    if spot:
        raise Refused("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
    raise Refused(
        "VcpuLimitExceeded",
        "You have requested more vCPU capacity than your current vCPU limit of "
        f"{limit:.0f} allows for the instance bucket that the specified instance type belongs to. "
        "Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to "
        "this limit.",
    )


def limit_of(world: World, region: str, code: str) -> float:
    return world.vcpus_in.get((region, code), world.vcpus[code])


def get_service_quota(world: World, call: Call) -> dict[str, Any]:
    code = str(call.params.get("QuotaCode"))
    if call.params.get("ServiceCode") != "ec2" or code not in world.vcpus:
        raise Refused(
            "NoSuchResourceException",
            "The request failed because the specified quota does not exist.",
        )
    return {"Quota": _quota(world, call, code)}


def get_aws_default_service_quota(world: World, call: Call) -> dict[str, Any]:
    answer = get_service_quota(world, call)
    answer["Quota"]["Value"] = VCPUS[str(call.params["QuotaCode"])]
    return answer


def list_service_quotas(world: World, call: Call) -> dict[str, Any]:
    if call.params.get("ServiceCode") != "ec2":
        return {"Quotas": []}
    return {"Quotas": [_quota(world, call, code) for code in world.vcpus]}


def _quota(world: World, call: Call, code: str) -> dict[str, Any]:
    return _SERVICE | {
        "QuotaArn": f"arn:aws:servicequotas:{call.region}:123456789012:ec2/{code}",
        "QuotaCode": code,
        "QuotaName": names()[code],
        "Value": limit_of(world, call.region, code),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }
