"""RunInstances, so that a repeated call can never buy a second machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from mldeploy.errors import ConfigError, FailedError, MldeployError, RefusedError
from mldeploy.prices import Size
from mldeploy.providers import patience, tags, user_data
from mldeploy.providers.aws import find, images, network
from mldeploy.providers.aws.errors import (
    CloudError,
    DuplicateError,
    MismatchError,
    NoCapacityError,
    UnknownOutcomeError,
)
from mldeploy.providers.aws.network import Place
from mldeploy.providers.aws.session import Session
from mldeploy.providers.base import Intend, Order, OrderUsedError, Rented, Say

REPEATS = 3  # of a request that got no answer; boto3 has repeated each of them by itself
MARKED = ("instance", "volume", "network-interface")
USER = f"{tags.PREFIX}user"


@dataclass(frozen=True)
class Ground:
    """What a machine needs before it can be asked for."""

    place: Place
    group: str
    key: str


@dataclass(frozen=True)
class Attempt:
    """One type in one zone."""

    machine_type: str
    zone: str

    def __str__(self) -> str:
        return f"{self.machine_type} in {self.zone}"


def name_of(order: Order) -> str:
    """Of the group and the key: new for each rental, as an ended machine holds on to its own."""
    return f"mldeploy-{order.owner.project}-{order.owner.target}-{order.rental}"


def prepare(
    session: Session, order: Order, ssh_from: str, intend: Intend, say: Say, groups: list[str]
) -> Ground | Rented:
    """The key and the group, which cost nothing; those of an earlier try are used again.

    ``groups`` gets the group's id as soon as there is one, whatever fails after that.

    The machine itself, where that try made one. It may have been refused where there is capacity
    now: to ask in that place again before it is listed could make a second one.
    """
    place = network.default_place(session)
    whose = _import_key(session, order, intend)
    if whose == "another's" or (whose == "ours" and order.tried):
        say("an earlier try may have made a machine: look for it, up to 40 s")
        if found := _listed(session, order):
            return found
    group = network.make_group(session, name_of(order), place.vpc, _marks(order), intend)
    groups.append(group)
    rules = {(22, ssh_from), *((port, network.EVERYBODY) for port in order.ports)}
    patience.once_known(lambda: network.set_rules(session, group, rules, intend))
    return Ground(place, group, name_of(order))


def run(
    session: Session,
    order: Order,
    ground: Ground,
    size_of: Callable[[str], Size],
    intend: Intend,
    say: Say,
) -> Rented:
    """Try the types and zones in order, and never the next one before this one's end is known."""
    refused: list[str] = []
    last: NoCapacityError | None = None
    for machine_type in order.machine_types:
        image = images.newest(session, session.target.system, size_of(machine_type))
        if image.least_gb > order.disk_gb:
            raise _disk_too_small(order, machine_type, image.least_gb)
        for zone in network.zones_with(session, machine_type):
            if zone not in ground.place.subnets:
                continue
            attempt = Attempt(machine_type, zone)
            what = _request(session, order, ground, attempt, image)
            intend("ec2:RunInstances", f"{attempt} token {what['ClientToken']}")
            try:
                return _settled(session, order, what)
            except NoCapacityError as error:
                refused.append(f"{attempt}: {error.name}")
                last = error
                say(f"none free: {attempt}; trying the next")
    raise _nowhere(order, session.region, refused, last)


def token_of(order: Order, attempt: Attempt) -> str:
    """The same for the same attempt, from any laptop; AWS takes 64 characters of ASCII."""
    parts = (order.owner.project, order.owner.target, str(order.generation), *_words(attempt))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _words(attempt: Attempt) -> tuple[str, str]:
    return attempt.machine_type, attempt.zone


def _settled(session: Session, order: Order, what: dict[str, Any]) -> Rented:
    """Ask until it is known what became of it: a machine, or a clear no."""
    lost: MldeployError | None = None
    for left in reversed(range(REPEATS)):
        try:
            answer = patience.once_known(lambda: session.call("ec2", "run_instances", **what))
            return find.rented(session.region, answer["Instances"][0])
        except UnknownOutcomeError as error:
            lost = error
            if found := _listed_after(error, session, order):
                return found
            if not left:
                raise
        except MismatchError as error:
            # Another laptop gave this order, or this one did with other particulars.
            if found := _listed(session, order):
                return found
            raise OrderUsedError(
                "order-used",
                what=error.what,
                why=f"Order number {order.generation} was given before, and its machine has ended.",
                do=f"mldeploy up {order.owner.target}",
            ) from error
        except MldeployError as error:
            # No capacity, no quota: EC2 knows the token, so nothing came of it the first time
            # either. But who is not let in any more hears nothing of what was done before.
            if isinstance(error, (CloudError, RefusedError)) or not (lost or _repeated(error)):
                raise
            raise lost or UnknownOutcomeError(
                error.code,
                what=error.what,
                why=f"{error.why} The first request got no answer: a machine may exist.",
                do=error.do,
            ) from error
    raise AssertionError("unreachable")


def _repeated(error: MldeployError) -> bool:
    """Had boto3 asked before, without an answer that it could use?"""
    response = getattr(error.__cause__, "response", None) or {}
    return bool(response.get("ResponseMetadata", {}).get("RetryAttempts"))


def _listed_after(lost: UnknownOutcomeError, session: Session, order: Order) -> Rented | None:
    """As `_listed`; who may not look any more does not know more than before."""
    try:
        return _listed(session, order)
    except MldeployError:
        raise lost from None


def _listed(session: Session, order: Order) -> Rented | None:
    """The machine of the order's owner, as soon as EC2 lists one that is alive."""

    def look() -> Rented | None:
        there = find.instances(session, session.region, find.ours(order.owner))
        seen = [find.rented(session.region, one) for one in there]
        return next((one for one in seen if one.state in ("starting", "running")), None)

    return patience.until(look)


def _import_key(
    session: Session, order: Order, intend: Intend
) -> Literal["new", "ours", "another's"]:
    """Where it was there, this order was begun before: by us, or by another laptop.

    Then EC2 gives us that one's machine, and `admit` lets us in.
    """
    name = name_of(order)
    intend("ec2:ImportKeyPair", name)
    what: dict[str, Any] = {
        "KeyName": name,
        "PublicKeyMaterial": order.public_key.encode(),
        "TagSpecifications": [{"ResourceType": "key-pair", "Tags": _marks(order)}],
    }
    try:
        session.call("ec2", "import_key_pair", **what)
    except DuplicateError:
        there = session.call("ec2", "describe_key_pairs", KeyNames=[name], IncludePublicKey=True)
        known = [one.get("PublicKey", "").split()[:2] for one in there["KeyPairs"]]
        return "ours" if order.public_key.split()[:2] in known else "another's"
    return "new"


def _request(
    session: Session, order: Order, ground: Ground, attempt: Attempt, image: images.Image
) -> dict[str, Any]:
    marks = _marks(order, attempt.machine_type, image.user)
    marked = [*MARKED, *(["spot-instances-request"] if session.target.spot else [])]
    disk = {
        "VolumeType": "gp3",
        "VolumeSize": order.disk_gb,
        "DeleteOnTermination": True,
        "Encrypted": True,
    }
    interface = {
        "DeviceIndex": 0,
        "SubnetId": ground.place.subnets[attempt.zone],
        "Groups": [ground.group],
        "AssociatePublicIpAddress": True,  # whatever the network's own settings are
        "DeleteOnTermination": True,
    }
    what: dict[str, Any] = {
        "ImageId": image.id,
        "InstanceType": attempt.machine_type,
        "KeyName": ground.key,
        "MinCount": 1,
        "MaxCount": 1,
        "ClientToken": token_of(order, attempt),
        # The machine's own shutdown ends the bill: this is what the lifetime rests on.
        "InstanceInitiatedShutdownBehavior": "terminate",
        # One hop: containers on it can't ask who it is, or what it was told at its first boot.
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "BlockDeviceMappings": [{"DeviceName": image.root, "Ebs": disk}],
        "NetworkInterfaces": [interface],
        "TagSpecifications": [{"ResourceType": each, "Tags": marks} for each in marked],
        "UserData": user_data.cloud_config(order, image.user),
    }
    if attempt.machine_type.startswith("t"):
        # Their default is to go on at full speed when the credits are used up, and to bill that
        # above the price by the hour. Slower is a surprise that costs nothing.
        what["CreditSpecification"] = {"CpuCredits": "standard"}
    if session.target.spot:
        one_time = {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"}
        what["InstanceMarketOptions"] = {"MarketType": "spot", "SpotOptions": one_time}
    return what


def _marks(
    order: Order, machine_type: str | None = None, user: str | None = None
) -> list[dict[str, str]]:
    marks = tags.of(order, machine_type) | ({USER: user} if user else {})
    return [{"Key": key, "Value": value} for key, value in marks.items()]


def _disk_too_small(order: Order, machine_type: str, least_gb: int) -> ConfigError:
    """A larger one, unasked, would cost more than was shown."""
    return ConfigError(
        "disk-too-small",
        what=f"A disk of {order.disk_gb} GB is too small for the image of a {machine_type}.",
        why=f"The image, with all that a GPU needs, takes {least_gb} GB at the least.",
        do=f'disk = "{least_gb}GB" in mldeploy.toml, then: mldeploy plan {order.owner.target}',
    )


def _nowhere(
    order: Order, region: str, refused: list[str], last: MldeployError | None
) -> FailedError:
    if last is None:
        return FailedError(
            "aws-unsupported",
            what=f"No zone of {region} offers a {' or a '.join(order.machine_types)}.",
            why="Not every type is in every region.",
            do=f"mldeploy prices --region {region}   lists what there is",
        )
    return NoCapacityError(
        "aws-no-capacity",
        what=f"AWS has no {' or '.join(order.machine_types)} free in {region} just now.",
        why=f"{last.why} All {len(refused)} places were tried.",
        do="name another type under or_machine_types in mldeploy.toml, or another region, or try "
        f"later: mldeploy up {order.owner.target}",
        detail="\n".join(refused),
    )
