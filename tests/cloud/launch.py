"""RunInstances as the real one checks and fills it in; moto takes nearly everything."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.cloud import quotas
from tests.cloud.calls import Call
from tests.cloud.refusals import Refused

if TYPE_CHECKING:
    from tests.cloud.world import World

LONGEST_USER_DATA = 16384  # bytes, before base64
FREE_PLAN = (
    "The specified instance type is not eligible for Free Tier. For a list of Free Tier instance "
    "types, run 'describe-instance-types' with the filter 'free-tier-eligible=true'."
)


@dataclass(frozen=True)
class Wanted:
    """What a RunInstances asks for, wherever in its parameters that stands."""

    type: str
    image: str
    count: int
    spot: bool
    subnet: str | None
    zone: str | None
    groups: tuple[str, ...]
    key: str | None
    user_data: bytes

    @classmethod
    def of(cls, call: Call) -> Wanted:
        nics = call.listed("NetworkInterface")
        groups = list(call.listed("SecurityGroupId"))
        for nic in nics:
            found = nic.get("SecurityGroupId", [])
            groups += found if isinstance(found, list) else [found]
        in_nic = next((nic["SubnetId"] for nic in nics if "SubnetId" in nic), None)
        market = call.params.get("InstanceMarketOptions", {})
        return cls(
            type=call.params.get("InstanceType", "m1.small"),
            image=call.params.get("ImageId", ""),
            count=int(call.params.get("MinCount", 1)),
            spot=market.get("MarketType") == "spot",
            subnet=call.params.get("SubnetId", in_nic),
            zone=call.params.get("Placement", {}).get("AvailabilityZone"),
            groups=tuple(groups),
            key=call.params.get("KeyName"),
            user_data=base64.b64decode(call.params.get("UserData", "")),
        )


def check_parameters(world: World, backend: Any, call: Call) -> None:
    """What the real one says to a DryRun too: is it a request that could be carried out?"""
    from moto.ec2.models.instance_types import INSTANCE_TYPES

    _check_combination(call)
    wanted = Wanted.of(call)
    if len(wanted.user_data) > LONGEST_USER_DATA:
        said = f"User data is limited to {LONGEST_USER_DATA} bytes"
        raise Refused("InvalidParameterValue", said)
    if wanted.type not in INSTANCE_TYPES:
        raise Refused("InvalidParameterValue", f"Invalid value '{wanted.type}' for InstanceType.")
    image = backend.amis.get(wanted.image)
    if image is None:
        said = f"The image id '[{wanted.image}]' does not exist"
        raise Refused("InvalidAMIID.NotFound", said)
    architectures = INSTANCE_TYPES[wanted.type]["ProcessorInfo"]["SupportedArchitectures"]
    if image.architecture not in architectures:
        raise Refused(
            "InvalidParameterValue",
            f"The architecture '{','.join(architectures)}' of the specified instance type does not "
            f"match the architecture '{image.architecture}' of the specified AMI. Specify an "
            "instance type and an AMI that have matching architectures, and try again. You can use "
            "'describe-instance-types' or 'describe-images' to discover the architecture of the "
            "instance type or AMI.",
        )
    if wanted.key is not None and wanted.key not in backend.key_pairs:
        said = f"The key pair '{wanted.key}' does not exist"
        raise Refused("InvalidKeyPair.NotFound", said)
    for group in wanted.groups:
        if backend.get_security_group_from_id(group) is None:
            raise Refused("InvalidGroup.NotFound", f"The security group '{group}' does not exist")
    free = INSTANCE_TYPES[wanted.type].get("FreeTierEligible", False)
    if world.plan.type == "FREE" and not free:
        raise Refused("InvalidParameterCombination", FREE_PLAN)


def _check_combination(call: Call) -> None:
    """What stands in an interface must not stand beside it as well."""
    nics = call.listed("NetworkInterface")
    for name, word in (("SecurityGroupId", "security groups"), ("SubnetId", "subnet ID")):
        if nics and name in call.params:
            raise Refused(
                "InvalidParameterCombination",
                f"Network interfaces and an instance-level {word} may not be specified on the "
                "same request",
            )
    if any("DeviceIndex" not in nic for nic in nics):
        said = "Each network interface requires a device index."
        raise Refused("InvalidParameterValue", said)


def check_supply(world: World, backend: Any, wanted: Wanted) -> str:
    """What only the real launch tells: quota and capacity. Returns the zone it is to be in."""
    zone = _zone(world, backend, wanted)
    quotas.check(world, backend.region_name, wanted.type, wanted.count, spot=wanted.spot)
    if any(s.meets(wanted.type, zone, spot=wanted.spot) for s in world.shortages):
        others = ", ".join(sorted(_zones_of(world, backend.region_name, wanted.type) - {zone}))
        raise Refused(
            "InsufficientInstanceCapacity",
            f"We currently do not have sufficient {wanted.type} capacity in the Availability Zone "
            f"you requested ({zone}). Our system will be working on provisioning additional "
            f"capacity. You can currently get {wanted.type} capacity by not specifying an "
            f"Availability Zone in your request or choosing {others}.",
            500,
        )
    return zone


def _zone(world: World, backend: Any, wanted: Wanted) -> str:
    offered = _zones_of(world, backend.region_name, wanted.type)
    zone = wanted.zone
    if wanted.subnet:
        zone = str(backend.get_subnet(wanted.subnet).availability_zone)
    if zone is None:  # AWS chooses, among those that can
        free = [
            z
            for z in sorted(offered)
            if not any(s.meets(wanted.type, z, spot=wanted.spot) for s in world.shortages)
        ]
        zone = next(iter(free or sorted(offered)), f"{backend.region_name}a")
    if zone not in offered:
        others = ", ".join(sorted(offered))
        raise Refused(
            "Unsupported",
            f"Your requested instance type ({wanted.type}) is not supported in your requested "
            f"Availability Zone ({zone}). Please retry your request by not specifying an "
            f"Availability Zone or choosing {others}.",
        )
    return zone


def _zones_of(world: World, region: str, instance_type: str) -> set[str]:
    return {
        zone
        for zone in _offered(region).get(instance_type, ())
        if not any(lack.meets(instance_type, zone, spot=False) for lack in world.not_offered)
    }


@cache
def _offered(region: str) -> dict[str, set[str]]:
    """The zones of every type; moto looks through all its thousands each time."""
    from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS

    found: dict[str, set[str]] = {}
    for each in INSTANCE_TYPE_OFFERINGS["availability-zone"].get(region, []):
        found.setdefault(each["InstanceType"], set()).add(each["Location"])
    return found


def devices(image: Any, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The image's own disks with what was asked for over them; an unknown name is one disk more.

    That is the trap with /dev/xvda on an image whose root is /dev/sda1: two disks.
    """
    own = image.block_device_mappings[0]
    found: dict[str, dict[str, Any]] = {own["DeviceName"]: dict(own["Ebs"])}
    for each in asked:
        ebs = found.setdefault(each["DeviceName"], {"DeleteOnTermination": True})
        ebs.update(each.get("Ebs") or {})
    smallest = own["Ebs"]["VolumeSize"]
    if int(found[own["DeviceName"]]["VolumeSize"]) < smallest:
        raise Refused(
            "InvalidBlockDeviceMapping",
            f"Volume of size {found[own['DeviceName']]['VolumeSize']}GB is smaller than snapshot "
            f"'{own['Ebs']['SnapshotId']}', expect size >= {smallest}GB",
        )
    for name, ebs in found.items():
        if not ebs.get("VolumeSize"):
            raise Refused("MissingParameter", f"The request must contain the size of {name}")
    return [{"DeviceName": name, "Ebs": ebs} for name, ebs in found.items()]
