"""The runbook of a longer life: refuse, tell the machine, tell the cloud."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from mldeploy.errors import ConfigError
from mldeploy.machines.rented import RentedMachine
from mldeploy.prices import Price
from mldeploy.providers import clock, limits, renting
from mldeploy.providers.base import Rented


@dataclass(frozen=True)
class Extended:
    """``until`` is None for ever; ``ceiling`` what it will have cost by then, or in a month."""

    machine: Rented
    before: datetime
    until: datetime | None
    ceiling: Decimal

    @property
    def price(self) -> Price:
        return self.machine.price


def extend(machine: RentedMachine, by: timedelta | None) -> Extended:
    """Raises RefusedError where the budget would not hold; then nothing was moved."""
    there = machine.must_be
    if there.expires_at is None:
        raise ConfigError(
            "no-end",
            what=f"{there.id} has no end that could be moved.",
            why='It was rented with ttl = "forever".',
            do=f"mldeploy down {machine.name}   ends it",
        )
    until = new_end(there.expires_at, by, clock.now())
    ceiling = limits.until_the_end(there.price, there.began, until)
    limits.refuse_above_budget(
        machine.name,
        ceiling,
        renting.bill_of(machine.desk),
        machine.project.config.project.budget,
        by,
    )
    machine.extend(until)
    return Extended(there, there.expires_at, until, ceiling)


def new_end(before: datetime, by: timedelta | None, now: datetime) -> datetime | None:
    """From the end that it has on; from now on where that is over and it lives still."""
    return None if by is None else (max(before, now) + by).replace(microsecond=0)
