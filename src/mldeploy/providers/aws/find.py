"""Our things in a region, read from their tags by EC2's own lists.

Not by the tagging API: it lags behind, knows the ended for a long time, and not every kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from mldeploy.errors import MldeployError
from mldeploy.prices import HOURS_A_MONTH, Price, from_tag, table
from mldeploy.providers import tags
from mldeploy.providers.aws.errors import UnknownOutcomeError
from mldeploy.providers.aws.session import Session
from mldeploy.providers.base import Listed, Owner, Rented, State, Thing

AT_ONCE = 8  # regions
NOT_OURS = "not-opted-in"
STATES: dict[str, State] = {
    "pending": "starting",
    "running": "running",
    "shutting-down": "ending",
    "stopping": "stopped",
    "stopped": "stopped",
    "terminated": "ended",
}
CONSOLE = "https://{region}.console.aws.amazon.com/ec2/home?region={region}#{page}"
Filters = list[dict[str, Any]]


def ours(owner: Owner | None = None) -> Filters:
    """A filter for EC2's lists: everything of ours, or one owner's."""
    found: Filters = [{"Name": f"tag:{tags.MANAGED}", "Values": [tags.YES]}]
    if owner:
        found.append({"Name": f"tag:{tags.PROJECT}", "Values": [owner.project]})
        found.append({"Name": f"tag:{tags.TARGET}", "Values": [owner.target]})
    return found


def instances(session: Session, region: str, filters: Filters) -> list[dict[str, Any]]:
    pages = session.pages("ec2", "describe_instances", "Reservations", region, Filters=filters)
    return [instance for reservation in pages for instance in reservation["Instances"]]


def rented(region: str, instance: Mapping[str, Any]) -> Rented:
    marks = marks_of(instance)
    why = (instance.get("StateReason") or {}).get("Message", "")
    return Rented(
        id=instance["InstanceId"],
        owner=tags.owner(marks),
        rental=marks.get(tags.RENTAL, ""),
        generation=tags.generation(marks),
        state=STATES[instance["State"]["Name"]],
        machine_type=instance["InstanceType"],
        place=instance.get("Placement", {}).get("AvailabilityZone", region),
        address=instance.get("PublicIpAddress"),
        port=22,
        user=user_of(marks),
        host_key=marks.get(tags.HOST_KEY, ""),
        began=instance["LaunchTime"].astimezone(UTC),
        expires_at=tags.expiry(marks),
        price=price_of(region, instance, marks),
        made_by=marks.get(tags.MADE_BY, ""),
        page=console(region, f"InstanceDetails:instanceId={instance['InstanceId']}"),
        why=why or instance.get("StateTransitionReason", ""),
        parts=tuple(group["GroupId"] for group in instance.get("SecurityGroups", [])),
    )


def things(session: Session, region: str, owner: Owner | None = None) -> list[Thing]:
    """All that is there and not ended, in the order in which it is to be ended."""
    filters = ours(owner)
    found = [*_machines(session, region, filters), *_disks(session, region, filters)]
    ec2 = _Lists(session, region, filters)
    found += [
        _thing("address", one["AllocationId"], region, one, "release-address --allocation-id",
               "Addresses:", price=_address_price(region))
        for one in ec2.list("describe_addresses", "Addresses")
    ]  # fmt: skip
    found += [
        _thing("network interface", one["NetworkInterfaceId"], region, one,
               "delete-network-interface --network-interface-id", "NIC:")
        for one in ec2.list("describe_network_interfaces", "NetworkInterfaces")
        if one.get("Status") == "available"  # one that is in use goes with its machine
    ]  # fmt: skip
    found += [
        _thing("group", one["GroupId"], region, one, "delete-security-group --group-id",
               f"SecurityGroup:groupId={one['GroupId']}")
        for one in ec2.list("describe_security_groups", "SecurityGroups")
    ]  # fmt: skip
    found += [
        _thing("key", one["KeyName"], region, one, "delete-key-pair --key-name", "KeyPairs:")
        for one in ec2.list("describe_key_pairs", "KeyPairs")
    ]
    return found


def everywhere(session: Session, owner: Owner | None = None) -> Listed:
    """In all regions that the account has switched on. One that gives no answer is named."""
    places = regions(session)

    def look(region: str) -> list[Thing] | MldeployError:
        try:
            return things(session, region, owner)
        except MldeployError as error:
            return error

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        answers = list(zip(places, pool.map(look, places), strict=True))
    found = [thing for _, answer in answers if isinstance(answer, list) for thing in answer]
    failed = [(place, answer) for place, answer in answers if isinstance(answer, MldeployError)]
    return Listed(
        tuple(found),
        silent=tuple((place, f"{error.what} {error.why}") for place, error in failed),
        asked=tuple(places),
        unsure=tuple(place for place, error in failed if isinstance(error, UnknownOutcomeError)),
    )


def regions(session: Session) -> list[str]:
    """Those of the account, ours first."""
    found = session.call("ec2", "describe_regions")["Regions"]
    names = sorted(one["RegionName"] for one in found if one.get("OptInStatus") != NOT_OURS)
    return sorted(names, key=lambda name: name != session.region)


def marks_of(thing: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in thing.get("Tags") or thing.get("TagSet") or []}


def user_of(marks: Mapping[str, str]) -> str:
    return marks.get(f"{tags.PREFIX}user", "ubuntu")


def price_of(region: str, instance: Mapping[str, Any], marks: Mapping[str, str]) -> Price:
    """At its launch; from today's table where somebody damaged the tag."""
    with suppress(ValueError, MldeployError):
        return from_tag(marks[tags.PRICE]) if tags.PRICE in marks else _today(region, instance)
    with suppress(MldeployError):
        return _today(region, instance)
    zero = Decimal(0)
    return Price(zero, zero, zero, datetime.now(UTC).date(), "no table has it")


def console(region: str, page: str) -> str:
    return CONSOLE.format(region=region, page=page)


def _today(region: str, instance: Mapping[str, Any]) -> Price:
    return table("aws").price(region, instance["InstanceType"], 0)


def _machines(session: Session, region: str, filters: Filters) -> Iterator[Thing]:
    for instance in instances(session, region, filters):
        one = rented(region, instance)
        if one.state == "ended":
            continue
        stopped = one.state == "stopped"  # then only its disk, which is listed by itself, costs
        yield Thing(
            kind="machine",
            id=one.id,
            place=region,
            owner=one.owner,
            rental=one.rental,
            state=one.state,
            price=Decimal(0) if stopped else one.price.machine + one.price.address,
            began=one.began,
            expires_at=one.expires_at,
            end_it=_by_hand("terminate-instances --instance-ids", one.id, region),
            page=one.page,
            made_by=one.made_by,
        )


def _disks(session: Session, region: str, filters: Filters) -> Iterator[Thing]:
    for volume in _Lists(session, region, filters).list("describe_volumes", "Volumes"):
        if volume["State"] == "deleting":
            continue
        yield _thing(
            "disk",
            volume["VolumeId"],
            region,
            volume,
            "delete-volume --volume-id",
            f"VolumeDetails:volumeId={volume['VolumeId']}",
            price=_disk_price(region, int(volume["Size"])),
            state=volume["State"],
        )


def _thing(
    kind: str,
    name: str,
    region: str,
    found: Mapping[str, Any],
    command: str,
    page: str,
    *,
    price: Decimal = Decimal(0),
    state: str = "there",
) -> Thing:
    marks = marks_of(found)
    return Thing(
        kind=kind,
        id=name,
        place=region,
        owner=tags.owner(marks),
        rental=marks.get(tags.RENTAL, ""),
        state=state,
        price=price,
        began=found.get("CreateTime"),
        expires_at=tags.expiry(marks),
        end_it=_by_hand(command, name, region),
        page=console(region, page),
        made_by=marks.get(tags.MADE_BY, ""),
    )


def _disk_price(region: str, gigabytes: int) -> Decimal:
    with suppress(MldeployError):
        return table("aws").in_region(region).disk * gigabytes / HOURS_A_MONTH
    return Decimal(0)


def _address_price(region: str) -> Decimal:
    with suppress(MldeployError):
        return table("aws").in_region(region).address
    return Decimal(0)


def _by_hand(command: str, name: str, region: str) -> str:
    return f"aws ec2 {command} {name} --region {region}"


class _Lists:
    def __init__(self, session: Session, region: str, filters: Filters) -> None:
        self.session, self.region, self.filters = session, region, filters

    def list(self, method: str, key: str) -> Sequence[dict[str, Any]]:
        """Of the lists that are short: key pairs and addresses have no pages."""
        if method in ("describe_addresses", "describe_key_pairs"):
            answer = self.session.call("ec2", method, self.region, Filters=self.filters)
            return list(answer[key])
        return list(self.session.pages("ec2", method, key, self.region, Filters=self.filters))
