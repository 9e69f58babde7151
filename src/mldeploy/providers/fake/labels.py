"""A machine of the practice cloud as labels of its container, and back. Pure.

The names are those of :mod:`mldeploy.providers.tags` with dots, and none that the engines use:
a machine is no release of a ``docker`` target.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from mldeploy import prices
from mldeploy.errors import FailedError
from mldeploy.providers import tags
from mldeploy.providers.base import Order, Owner, Rented, State
from mldeploy.providers.fake import play_money

PREFIX = "mldeploy.cloud."
MANAGED = tags.MANAGED.replace(tags.PREFIX, PREFIX)
PROJECT, TARGET = PREFIX + "project", PREFIX + "target"
TYPE, BEGAN = PREFIX + "machine-type", PREFIX + "began"
SSH_PORT, PORTS = PREFIX + "ssh-port", PREFIX + "ports"
USER = "ubuntu"
ADDRESS = "127.0.0.1"


def name_of(rental: str) -> str:
    """Of the container: one rental, one name, one machine."""
    return f"mldeploy-fake-{rental}"


def of(order: Order, machine_type: str, *, ssh_port: int, began: datetime) -> dict[str, str]:
    marks = {
        key.replace(tags.PREFIX, PREFIX): value
        for key, value in tags.of(order, machine_type).items()
        if key.startswith(tags.PREFIX)
    }
    return marks | {
        TYPE: machine_type,
        BEGAN: began.astimezone(UTC).isoformat(timespec="seconds"),
        SSH_PORT: str(ssh_port),
        PORTS: " ".join(map(str, order.ports)),
    }


def ours(owner: Owner | None = None) -> dict[str, list[str]]:
    """A filter for the engine's lists."""
    whose = [f"{PROJECT}={owner.project}", f"{TARGET}={owner.target}"] if owner else []
    return {"label": [f"{MANAGED}={tags.YES}", *whose]}


def generation(found: Mapping[str, str]) -> int:
    return tags.generation(_tags(found))


def ports(found: Mapping[str, str]) -> tuple[int, ...]:
    return tuple(int(port) for port in found.get(PORTS, "").split() if port.isdigit())


def rented(
    found: Mapping[str, str], state: State, place: str, expiry: str | None = None, why: str = ""
) -> Rented:
    """``expiry`` is what the machine itself says, which an extension may have moved."""
    marks = _tags(found)
    if expiry is not None:
        marks |= {tags.EXPIRES: expiry}
    rental = marks.get(tags.RENTAL, "?")
    try:
        price = prices.from_tag(marks.get(tags.PRICE, ""))
    except FailedError:  # damaged by hand: it is still ours, and to be found
        price = play_money.price("fake.small", 20)
    return Rented(
        id=name_of(rental),
        owner=tags.owner(marks),
        rental=rental,
        generation=tags.generation(marks),
        state=state,
        machine_type=found.get(TYPE, "?"),
        place=place,
        address=ADDRESS,
        port=int(found.get(SSH_PORT, "0")),
        user=USER,
        host_key=marks.get(tags.HOST_KEY, ""),
        began=datetime.fromisoformat(found.get(BEGAN, "1970-01-01T00:00:00+00:00")),
        expires_at=tags.expiry(marks),
        price=price,
        made_by=marks.get(tags.MADE_BY, ""),
        why=why,
    )


def _tags(found: Mapping[str, str]) -> dict[str, str]:
    return {key.replace(PREFIX, tags.PREFIX): value for key, value in found.items()}
