"""Ending what is ours, until EC2 itself lists nothing of it any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mldeploy.errors import MldeployError
from mldeploy.providers import clock, patience
from mldeploy.providers.aws import belt, find
from mldeploy.providers.aws.errors import InUseError, NotThereError, UnknownOutcomeError
from mldeploy.providers.aws.session import Session
from mldeploy.providers.base import Ended, Intend, Owner, Rented, Say, Thing

ENDING_SECONDS = 600.0  # a machine shuts down in its own time; mostly a minute
FREE_SECONDS = 180.0  # what it held is free a little later
SETTLED_SECONDS, SETTLE_SECONDS = 120.0, 10.0  # lists know by then what was made
ROUNDS = 3
LOOK_SECONDS, SAY_SECONDS = 3.0, 30.0


def destroy(session: Session, owner: Owner, intend: Intend, say: Say) -> Ended:
    """In all regions: mldeploy.toml may have named another one when it was rented."""
    found: dict[str, Thing] = {}
    machines: dict[str, Rented] = {}
    failed: dict[str, str] = {}
    for _ in range(ROUNDS):
        listed, unsure = _listed(session, owner, say)
        new = [thing for thing in listed if thing.id not in found]
        found |= {thing.id: thing for thing in new}
        places = sorted({thing.place for thing in found.values()} | {session.region})
        for place in places:
            machines |= {one.id: one for one in _machines(session, place, owner)} | machines
            here = [thing for thing in new if thing.place == place]
            _end(session, place, owner, here, intend, say, failed)
        left = [thing for place in places for thing in find.things(session, place, owner)]
        if all(thing.id in found for thing in left):
            break  # else something came to light that was made just before
    missing = {thing.id for thing in left}
    left += [thing for name, thing in found.items() if name in failed and name not in missing]
    there = {thing.id for thing in left}
    return Ended(
        removed=tuple(thing for name, thing in found.items() if name not in there),
        left=tuple(replace(t, state=failed.get(t.id, t.state)) for t in left),
        machines=tuple(one for one in machines.values() if one.state != "ended"),
        at=clock.now(),
        unsure=unsure,
    )


def _listed(session: Session, owner: Owner, say: Say) -> tuple[list[Thing], tuple[str, ...]]:
    """All that there is, and the regions that gave no answer: what is known is ended all the same.

    A key that was made just now is a sign of a machine that is not listed yet: another laptop
    orders one at this moment, or a command was ended in the middle of it.
    """
    listed = find.everywhere(session, owner)
    deadline = clock.monotonic() + SETTLED_SECONDS
    things = list(listed.things)
    while (key := _hurried(things)) and clock.monotonic() < deadline:
        say(f"{key.id} was made just now; see whether a machine follows")
        clock.sleep(SETTLE_SECONDS)
        others = [thing for thing in things if thing.place != key.place]
        things = others + find.things(session, key.place, owner)
    return things, listed.unsure


def _hurried(things: list[Thing]) -> Thing | None:
    rented = {thing.rental for thing in things if thing.kind == "machine"}
    return next(
        (
            thing
            for thing in things
            if thing.kind == "key" and thing.rental not in rented and thing.began
            if (clock.now() - thing.began).total_seconds() < SETTLED_SECONDS
        ),
        None,
    )


def _end(
    session: Session,
    place: str,
    owner: Owner,
    things: Sequence[Thing],
    intend: Intend,
    say: Say,
    failed: dict[str, str],
) -> None:
    machines = [thing for thing in things if thing.kind == "machine"]
    _terminate(session, place, machines, intend, say, failed)
    for thing in things:
        if thing.kind != "machine":
            _remove(session, thing, intend, failed)
    if told := belt.unbuckle(session, place, owner, intend):
        say(told)


def _machines(session: Session, place: str, owner: Owner) -> list[Rented]:
    there = find.instances(session, place, find.ours(owner))
    return [find.rented(place, one) for one in there]


def _terminate(
    session: Session,
    place: str,
    machines: Sequence[Thing],
    intend: Intend,
    say: Say,
    failed: dict[str, str],
) -> None:
    """Ask until each is seen ending, then wait until it has ended: an answer proves nothing."""
    seen = {thing.id: clock.monotonic() for thing in machines}  # those that are waited for
    asked: set[str] = set()
    deadline = clock.monotonic() + ENDING_SECONDS
    said = -SAY_SECONDS
    while seen:
        for name in list(seen):
            if name not in asked and not _ask_to_end(session, place, name, intend, failed):
                del seen[name]
                continue
            state = _state(session, place, name)
            now = clock.monotonic()
            if state == "terminated" or (not state and now - seen[name] > patience.SECONDS):
                del seen[name]  # what ended is listed for an hour; what is new, not at once
                failed.pop(name, None)
            elif state:
                seen[name] = now
                asked = asked | {name} if state == "shutting-down" else asked - {name}
        if not seen or clock.monotonic() > deadline:
            return
        if clock.monotonic() - said >= SAY_SECONDS:
            say(f"{', '.join(seen)}: still shutting down")
            said = clock.monotonic()
        clock.sleep(LOOK_SECONDS)


def _ask_to_end(
    session: Session, place: str, name: str, intend: Intend, failed: dict[str, str]
) -> bool:
    """False where it was refused. A lost answer is not that, nor a machine not known yet."""
    intend("ec2:TerminateInstances", name)
    try:
        session.call("ec2", "terminate_instances", place, InstanceIds=[name])
    except NotThereError:
        return True
    except UnknownOutcomeError as error:
        failed[name] = f"{error.what} {error.why}"
        return True
    except MldeployError as error:
        failed[name] = f"{error.what} {error.why}"
        return False
    return True


def _state(session: Session, place: str, name: str) -> str:
    """Empty where it is not known: no more, or not yet."""
    try:
        there = session.call("ec2", "describe_instances", place, InstanceIds=[name])
    except NotThereError:
        return ""
    found = [one for each in there["Reservations"] for one in each["Instances"]]
    return next((str(one["State"]["Name"]) for one in found), "")


def _remove(session: Session, thing: Thing, intend: Intend, failed: dict[str, str]) -> None:
    """What a machine held may be in use for some time after its end."""
    action, method, key = _REMOVALS[thing.kind]
    deadline = clock.monotonic() + FREE_SECONDS
    intend(action, thing.id)
    while True:
        try:
            session.call("ec2", method, thing.place, **{key: thing.id})
        except NotThereError:
            return  # a root disk goes by itself
        except InUseError as error:
            if clock.monotonic() > deadline:
                failed[thing.id] = error.why
                return
            clock.sleep(LOOK_SECONDS)
        except MldeployError as error:
            failed[thing.id] = f"{error.what} {error.why}"
            return
        else:
            return


# By kind of thing: the action, boto3's method, and what it is told the name as.
_REMOVALS: dict[str, tuple[str, str, str]] = {
    "disk": ("ec2:DeleteVolume", "delete_volume", "VolumeId"),
    "address": ("ec2:ReleaseAddress", "release_address", "AllocationId"),
    "network interface": (
        "ec2:DeleteNetworkInterface",
        "delete_network_interface",
        "NetworkInterfaceId",
    ),
    "group": ("ec2:DeleteSecurityGroup", "delete_security_group", "GroupId"),
    "key": ("ec2:DeleteKeyPair", "delete_key_pair", "KeyName"),
}
