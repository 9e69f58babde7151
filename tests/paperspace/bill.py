"""What the account would have cost: machines while on, disks and addresses while there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tests.paperspace.catalogue import HOURS_A_MONTH


@dataclass
class Meter:
    """``rate`` is US dollars an hour; ``what`` is machine, storage or address."""

    id: str
    what: str
    rate: Decimal
    since: datetime
    until: datetime | None = None
    foreign: bool = False

    def cost(self, now: datetime) -> Decimal:
        seconds = Decimal(str(max(0.0, ((self.until or now) - self.since).total_seconds())))
        return self.rate * seconds / 3600


@dataclass(frozen=True)
class Bill:
    """US dollars so far; ``an_hour`` is what still runs on, ``running`` what that is."""

    machines: Decimal
    storage: Decimal
    addresses: Decimal
    an_hour: Decimal
    running: tuple[str, ...]
    machine_time: timedelta

    @property
    def total(self) -> Decimal:
        return self.machines + self.storage + self.addresses


def bill(meters: Iterable[Meter], now: datetime) -> Bill:
    found = list(meters)
    open_ones = [each for each in found if each.until is None]

    def of(what: str) -> Decimal:
        return sum((each.cost(now) for each in found if each.what == what), Decimal(0))

    return Bill(
        machines=of("machine"),
        storage=of("storage"),
        addresses=of("address"),
        an_hour=sum((each.rate for each in open_ones), Decimal(0)),
        running=tuple(f"{each.what} {each.id}" for each in open_ones),
        machine_time=sum(
            ((each.until or now) - each.since for each in found if each.what == "machine"),
            timedelta(0),
        ),
    )


def an_hour(a_month: Decimal) -> Decimal:
    return a_month / HOURS_A_MONTH
