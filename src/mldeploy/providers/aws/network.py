"""Where the machine stands and who reaches it: the default network, a group of its own."""

from __future__ import annotations

import ipaddress
import os
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mldeploy.errors import ConfigError, FailedError
from mldeploy.providers import patience
from mldeploy.providers.aws.errors import DuplicateError, NotThereError
from mldeploy.providers.aws.session import Session
from mldeploy.providers.base import Intend

# AWS's own answer to the question which address one has out there.
ADDRESS_FROM = "https://checkip.amazonaws.com"
ADDRESS_VARIABLE = "MLDEPLOY_PUBLIC_ADDRESS_FROM"
ADDRESS_SECONDS = 10
EVERYBODY = "0.0.0.0/0"
Rule = tuple[int, str]  # a TCP port, and who reaches it


@dataclass(frozen=True)
class Place:
    """A network, and by zone a part of it."""

    vpc: str
    subnets: dict[str, str]


def default_place(session: Session) -> Place:
    """Raises ConfigError, with the command that makes one, where there is no default network."""
    wanted = [{"Name": "isDefault", "Values": ["true"]}]
    found = session.call("ec2", "describe_vpcs", Filters=wanted)["Vpcs"]
    if not found:
        raise no_network(session.region)
    vpc = found[0]["VpcId"]
    subnets = session.pages(
        "ec2",
        "describe_subnets",
        "Subnets",
        Filters=[
            {"Name": "vpc-id", "Values": [vpc]},
            {"Name": "default-for-az", "Values": ["true"]},
        ],
    )
    by_zone = {one["AvailabilityZone"]: one["SubnetId"] for one in subnets}
    if not by_zone:
        raise no_network(session.region)
    return Place(vpc, by_zone)


def zones_with(session: Session, machine_type: str) -> list[str]:
    """The zones of the region that offer a type at all, by name."""
    pages = session.pages(
        "ec2",
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": [machine_type]}],
    )
    return sorted(one["Location"] for one in pages)


def this_laptop() -> str:
    """The address from which the world sees this laptop, as a network of one: ``203.0.113.7/32``.

    Raises FailedError where nobody can tell.
    """
    source = os.environ.get(ADDRESS_VARIABLE, ADDRESS_FROM)
    try:
        with urllib.request.urlopen(source, timeout=ADDRESS_SECONDS) as answer:  # noqa: S310
            said = answer.read(200).decode("ascii", "replace").strip()
        return f"{ipaddress.IPv4Address(said)}/32"
    except (OSError, urllib.error.URLError, ValueError) as error:
        raise FailedError(
            "no-own-address",
            what="The address that this laptop has on the internet is not known.",
            why=f"{source} was asked: {error}",
            do='ssh_from = "203.0.113.0/24" in mldeploy.toml names who may log in',
        ) from error


def make_group(
    session: Session, name: str, vpc: str, marks: list[dict[str, str]], intend: Intend
) -> str:
    """The group's id; the one that is there if an earlier try made it."""
    intend("ec2:CreateSecurityGroup", name)
    try:
        made = session.call(
            "ec2",
            "create_security_group",
            GroupName=name,
            Description="Who reaches a machine that mldeploy rented",
            VpcId=vpc,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": marks}],
        )
        return str(made["GroupId"])
    except DuplicateError:
        named = [
            {"Name": "group-name", "Values": [name]},
            {"Name": "vpc-id", "Values": [vpc]},
        ]

        def look() -> str | None:
            found = session.call("ec2", "describe_security_groups", Filters=named)
            return next((str(one["GroupId"]) for one in found["SecurityGroups"]), None)

        if group := patience.until(look):
            return group
        raise


def set_rules(session: Session, group: str, wanted: Iterable[Rule], intend: Intend) -> None:
    """Make the group let in just these; new ones first, so that nobody is cut off meanwhile."""
    there = _rules(session, group)
    for port, who in sorted(set(wanted) - there):
        intend("ec2:AuthorizeSecurityGroupIngress", f"{group} {port} {who}")
        try:
            session.call(
                "ec2",
                "authorize_security_group_ingress",
                GroupId=group,
                IpPermissions=[_permission(port, who)],
            )
        except DuplicateError:
            continue
    for port, who in sorted(there - set(wanted)):
        intend("ec2:RevokeSecurityGroupIngress", f"{group} {port} {who}")
        try:
            session.call(
                "ec2",
                "revoke_security_group_ingress",
                GroupId=group,
                IpPermissions=[_permission(port, who)],
            )
        except NotThereError:
            continue


def let_in(session: Session, group: str, who: str, intend: Intend) -> None:
    """Port 22 for ``who``, and for nobody else any more: addresses of homes change."""
    there = _rules(session, group)
    if {rule for rule in there if rule[0] == 22} == {(22, who)}:
        return
    set_rules(session, group, {rule for rule in there if rule[0] != 22} | {(22, who)}, intend)


def open_ports(session: Session, group: str, ports: Iterable[int], intend: Intend) -> None:
    kept = {rule for rule in _rules(session, group) if rule[0] == 22}
    set_rules(session, group, kept | {(port, EVERYBODY) for port in ports}, intend)


def no_network(region: str) -> ConfigError:
    return ConfigError(
        "aws-no-network",
        what=f"Region {region} of your account has no default network.",
        why="Somebody deleted it; the machine needs one to be reached.",
        do=f"aws ec2 create-default-vpc --region {region}   (costs nothing)",
    )


def _rules(session: Session, group: str) -> set[Rule]:
    answer = session.call("ec2", "describe_security_groups", GroupIds=[group])
    return {
        (int(permission["FromPort"]), one["CidrIp"])
        for found in answer["SecurityGroups"]
        for permission in found["IpPermissions"]
        if permission.get("IpProtocol") == "tcp"
        for one in permission["IpRanges"]
    }


def _permission(port: int, who: str) -> dict[str, Any]:
    return {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        "IpRanges": [{"CidrIp": who, "Description": "mldeploy"}],
    }
