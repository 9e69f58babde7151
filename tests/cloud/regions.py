"""Which regions there are, and which an account has to switch on before it can use them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.cloud.calls import Call
from tests.cloud.faults import MESSAGES
from tests.cloud.refusals import Answer, Refused

if TYPE_CHECKING:
    from tests.cloud.world import World

OPT_IN = frozenset(
    {
        *("af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3"),
        *("ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7"),
        *("ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1"),
        *("me-central-1", "me-south-1", "mx-central-1"),
    }
)
EVERYWHERE = {"account", "freetier", "iam"}  # one endpoint, whatever region a client has


def is_on(world: World, region: str) -> bool:
    return region not in OPT_IN or region in world.opted_in


def check(world: World, call: Call) -> None:
    """A region that is off does not know the account's keys, so that is what it says."""
    if is_on(world, call.region) or call.service in EVERYWHERE:
        return
    if call.service == "ec2":
        raise Refused("AuthFailure", MESSAGES["AuthFailure"], 401)
    raise Refused("InvalidClientTokenId", MESSAGES["InvalidClientTokenId"], 403)


def names() -> list[str]:
    from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

    found = {region.name for region in RegionsAndZonesBackend.regions}
    return sorted(name for name in found if not name.startswith(("cn-", "us-gov-", "us-iso")))


def describe_regions(world: World, call: Call) -> Answer:
    """EC2's: those that are on; with AllRegions the others too."""
    every = str(call.params.get("AllRegions", "")).lower() == "true"
    asked = call.listed("RegionName")
    if unknown := set(asked) - set(names()):
        raise Refused("InvalidParameterValue", f"Invalid region names: [{', '.join(unknown)}]")
    items = "".join(
        f"<item><regionName>{name}</regionName><regionEndpoint>ec2.{name}.amazonaws.com"
        f"</regionEndpoint><optInStatus>{_status(world, name)}</optInStatus></item>"
        for name in asked or names()
        if every or is_on(world, name)
        if all(_passes(world, name, each) for each in call.listed("Filter"))
    )
    xml = (
        '<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        f"<requestId>{uuid.uuid4()}</requestId><regionInfo>{items}</regionInfo>"
        "</DescribeRegionsResponse>"
    )
    return Answer(200, xml.encode(), {"Content-Type": "text/xml"})


def _status(world: World, name: str) -> str:
    if name not in OPT_IN:
        return "opt-in-not-required"
    return "opted-in" if name in world.opted_in else "not-opted-in"


def _passes(world: World, name: str, asked: dict[str, Any]) -> bool:
    values = asked.get("Value", [])
    return {
        "opt-in-status": _status(world, name) in values,
        "region-name": name in values,
        "endpoint": f"ec2.{name}.amazonaws.com" in values,
    }[asked["Name"]]


def list_regions(world: World, call: Call) -> Answer:
    """The account service's, in other words than EC2's."""
    wanted = call.params.get("RegionOptStatusContains", [])
    found = [
        {"RegionName": name, "RegionOptStatus": status}
        for name, status in _opt_statuses(world)
        if not wanted or status in wanted
    ]
    return _json({"Regions": found})


def get_region_opt_status(world: World, call: Call) -> Answer:
    name = call.params["RegionName"]
    status = dict(_opt_statuses(world)).get(name)
    if status is None:
        raise Refused("ValidationException", f"Invalid region: {name}", 400)
    return _json({"RegionName": name, "RegionOptStatus": status})


def enable_region(world: World, call: Call) -> Answer:
    """At once; the real one takes minutes to hours."""
    world.opted_in.add(call.params["RegionName"])
    return _json({})


def _opt_statuses(world: World) -> Iterator[tuple[str, str]]:
    for name in names():
        if name not in OPT_IN:
            yield name, "ENABLED_BY_DEFAULT"
        else:
            yield name, "ENABLED" if name in world.opted_in else "DISABLED"


def _json(told: dict[str, Any]) -> Answer:
    return Answer(200, json.dumps(told).encode(), {"Content-Type": "application/json"})
