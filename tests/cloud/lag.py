"""Eventual consistency: what was just made is not everywhere known at once.

moto tells the truth at once. Here a new thing is taken out of moto's sight for some calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tests.cloud.calls import Call

if TYPE_CHECKING:
    from tests.cloud.world import World


@dataclass
class Lag:
    """How many calls a new thing is still unknown to; each thing and each way counts for itself."""

    instance_by_id: int = 1  # InvalidInstanceID.NotFound
    instance_by_filter: int = 1  # absent
    group_by_id: int = 1  # InvalidGroup.NotFound
    group_by_filter: int = 1
    tagging: int = 1  # absent from the tagging API
    role: int = 1  # a new role that no service may take yet

    @classmethod
    def none(cls) -> Lag:
        return cls(0, 0, 0, 0, 0, 0)


@dataclass
class Unseen:
    """What is left of the lag for one thing."""

    by_id: int
    by_filter: int
    tagging: int


def is_new(world: World, resource_id: str) -> None:
    """Begin to hide an instance (i-…), a group (sg-…), or anything else from the tagging API."""
    lag = world.lag
    by = {
        "i": (lag.instance_by_id, lag.instance_by_filter),
        "sg": (lag.group_by_id, lag.group_by_filter),
    }.get(resource_id.partition("-")[0], (0, 0))
    world.unseen[resource_id] = Unseen(*by, lag.tagging)


def is_new_role(world: World, arn: str) -> None:
    world.unseen[arn] = Unseen(world.lag.role, 0, 0)


def is_unseen(world: World, name: str) -> bool:
    """Counts as one look at it by name."""
    return name in world.unseen and _count(world, name, world.unseen[name], "by_id")


@contextmanager
def hidden(world: World, call: Call) -> Iterator[None]:
    """While this call is carried out, what it cannot know yet is not there."""
    with ExitStack() as stack:
        if world.unseen and (ids := _hidden_from(world, call)):
            from moto.ec2.models import ec2_backends

            from tests.cloud.world import ACCOUNT

            backend = ec2_backends[ACCOUNT][call.region]
            if call.service == "tagging":
                stack.enter_context(_without_tags(backend, ids))
            elif call.service == "ec2":
                stack.enter_context(_without_instances(backend, ids))
                stack.enter_context(_without_groups(backend, ids))
        yield


def _hidden_from(world: World, call: Call) -> set[str]:
    """Count this call, and say what it does not see."""
    if call.service == "tagging":
        return {i for i, each in list(world.unseen.items()) if _count(world, i, each, "tagging")}
    if call.service != "ec2":
        return set()
    named = set(_named(call))
    hidden = {i for i in named if i in world.unseen and _count(world, i, world.unseen[i], "by_id")}
    if not named and (prefix := _LISTS.get(call.action)):
        hidden = {
            i
            for i, each in list(world.unseen.items())
            if i.startswith(prefix) and _count(world, i, each, "by_filter")
        }
    return hidden


_LISTS = {
    "DescribeInstances": "i-",
    "DescribeInstanceStatus": "i-",
    "DescribeSecurityGroups": "sg-",
}


def _count(world: World, resource_id: str, unseen: Unseen, way: str) -> bool:
    left = getattr(unseen, way)
    if left <= 0:
        return False
    now = replace(unseen, **{way: left - 1})
    world.unseen[resource_id] = now
    if now == Unseen(0, 0, 0):
        del world.unseen[resource_id]
    return True


def _named(call: Call) -> Iterator[str]:
    for name in ("InstanceId", "GroupId", "SecurityGroupId", "ResourceId"):
        yield from (str(each) for each in call.listed(name))
    for nic in call.listed("NetworkInterface"):
        group = nic.get("SecurityGroupId", [])
        yield from group if isinstance(group, list) else [group]


@contextmanager
def _without_instances(backend: Any, ids: set[str]) -> Iterator[None]:
    def is_hidden(reservation: Any) -> bool:
        return any(instance.id in ids for instance in reservation.instances)

    with _without(backend.reservations, is_hidden):
        yield


@contextmanager
def _without_groups(backend: Any, ids: set[str]) -> Iterator[None]:
    with ExitStack() as stack:
        for groups in list(backend.groups.values()):
            stack.enter_context(_without(groups, lambda group: group.id in ids))
        yield


@contextmanager
def _without_tags(backend: Any, ids: set[str]) -> Iterator[None]:
    """The tagging API leaves out what has no tags."""
    taken = {i: backend.tags.pop(i) for i in ids if i in backend.tags}
    try:
        yield
    finally:
        backend.tags.update(taken)


@contextmanager
def _without(things: dict[str, Any], is_hidden: Callable[[Any], bool]) -> Iterator[None]:
    """Taken out and put back; what the call itself adds or removes stays so."""
    taken = {name: each for name, each in things.items() if is_hidden(each)}
    for name in taken:
        del things[name]
    try:
        yield
    finally:
        things.update(taken)
