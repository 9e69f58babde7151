"""The limits that refuse a renting before anything is made: `max_price` and `budget`. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from mldeploy.errors import RefusedError
from mldeploy.prices import HOURS_A_MONTH, Price, money


@dataclass(frozen=True)
class Bill:
    """What a project's rented machines cost in one calendar month, US dollars.

    ``spent`` is of those that ended; ``running`` what the others will have cost at the end of
    their lifetimes, or of a whole month where they have none.
    """

    spent: Decimal = Decimal(0)
    running: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        return self.spent + self.running


def ceiling(price: Price, lifetime: timedelta | None) -> Decimal:
    """The most that a machine will cost: until its lifetime ends, else for a month of 730 h."""
    return price.month if lifetime is None else price.for_(lifetime)


def until_the_end(price: Price, began: datetime, expires_at: datetime | None) -> Decimal:
    """As :func:`ceiling`, of a machine that was rented already."""
    return ceiling(price, None if expires_at is None else expires_at - began)


def refuse_above_price(name: str, machine_type: str, price: Price, max_price: float | None) -> None:
    """Raise RefusedError for a machine that is dearer an hour than its target may be."""
    if max_price is None or price.total <= Decimal(str(max_price)):
        return
    raise RefusedError(
        "over-max-price",
        what=f"A {machine_type} for {name} was not rented: it is above max_price.",
        why=f"With disk and address it costs ${money(price.total, an_hour=True)} an hour; "
        f"{name} may cost ${money(Decimal(str(max_price)), an_hour=True)}.",
        do="mldeploy prices   lists cheaper types; or raise max_price in mldeploy.toml",
    )


def refuse_above_budget(
    name: str, more: Decimal, bill: Bill, budget: float | None, lifetime: timedelta | None
) -> None:
    """Raise RefusedError for what would take the project's month above its budget."""
    if budget is None or bill.total + more <= Decimal(str(budget)):
        return
    how = f"{HOURS_A_MONTH} hours, as it has no lifetime" if lifetime is None else "its lifetime"
    raise RefusedError(
        "over-budget",
        what=f"Nothing was rented for {name}: the project's budget would not hold.",
        why=f"It would cost up to ${money(more)} in {how}; this month ${money(bill.spent)} is "
        f"spent and ${money(bill.running)} is running up, of ${money(Decimal(str(budget)))}.",
        do="a shorter ttl or a cheaper machine_type in mldeploy.toml; or raise budget",
    )
