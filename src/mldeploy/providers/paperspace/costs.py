"""What our things at Paperspace cost. Asks nobody."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

from mldeploy.errors import MldeployError
from mldeploy.prices import Price, Table, table
from mldeploy.providers.paperspace import names
from mldeploy.providers.paperspace.records import Machine
from mldeploy.providers.paperspace.settings import short

KIND = "paperspace"


def price(prices: Table, place: str, machine_type: str, disk_gb: int, *, static: bool) -> Price:
    """Only a static address costs something."""
    found = prices.price(place, machine_type, disk_gb)
    address = prices.in_region(place).static_address if static else found.address
    return Price(found.machine, found.disk, address, found.dated, found.source)


def price_of(machine: Machine, note: names.Note | None) -> Price:
    """At its launch; from today's table where no note says it."""
    if note and note.made and note.made.id == machine.id:
        return note.made.price
    with suppress(MldeployError):
        return price(table(KIND), short(machine.region), machine.machine_type, machine.disk_gb,
                     static=machine.public_ip_type == "static")  # fmt: skip
    zero = Decimal(0)
    return Price(zero, zero, zero, datetime.now(UTC).date(), "no table has it")


def source_of(place: str, machine_type: str) -> str:
    """Of a price that a name has without its source, as `as_tag` would write it."""
    with suppress(MldeployError):
        here = table(KIND).in_region(place)
        return here.sources.get(machine_type, here.source)
    return "Paperspace"


def address_price(place: str) -> Decimal:
    with suppress(MldeployError):
        return table(KIND).in_region(place).static_address
    return Decimal(0)
