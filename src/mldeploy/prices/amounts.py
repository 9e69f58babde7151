"""A price by its parts, what a time costs at it, and how an amount is written.

Amounts are US dollars, as `Decimal`. They stay exact until they are shown: rounding is the work of
`money` and `by_parts` alone, so that a plan, a status and a receipt agree to the cent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

HOURS_A_MONTH = Decimal(730)  # as AWS counts: 365 days / 12
CENT = Decimal("0.01")
LEAST_BILLED = timedelta(seconds=60)  # EC2 bills Linux by the second, and never less than a minute


@dataclass(frozen=True)
class Price:
    """US dollars an hour of one machine, by part, as of a date.

    ``disk`` is what all of its disk costs an hour, ``address`` its public IPv4 address; ``source``
    says where the numbers were read. What a provider bills by use, such as traffic, is in none.
    """

    machine: Decimal
    disk: Decimal
    address: Decimal
    dated: date
    source: str

    @property
    def total(self) -> Decimal:
        """US dollars an hour: the exact sum of the parts."""
        return self.machine + self.disk + self.address

    @property
    def month(self) -> Decimal:
        """US dollars if it is forgotten for a month of 730 hours."""
        return self.total * HOURS_A_MONTH

    def for_(self, time: timedelta) -> Decimal:
        """US dollars for that long, not rounded."""
        return _for(self.total, time)

    def parts(self) -> tuple[tuple[str, Decimal], ...]:
        """Name and US dollars an hour of each part."""
        return (("machine", self.machine), ("disk", self.disk), ("address", self.address))


def money(amount: Decimal, *, an_hour: bool = False) -> str:
    """US dollars for people and for ``--json``, without the sign: ``0.12``, ``1234.50``.

    A total is rounded half up to cents. An amount ``an_hour`` below a dollar keeps four decimals
    (``0.0208``), because cents would hide what it is; from a dollar on it has two.
    """
    if an_hour and abs(fine := amount.quantize(CENT / 100, ROUND_HALF_UP)) < 1:
        return f"{fine:f}"
    return f"{amount.quantize(CENT, ROUND_HALF_UP):f}"


def by_parts(price: Price, time: timedelta) -> list[tuple[str, Decimal]]:
    """What each part costs for that long, in cents that sum to the rounded total.

    Rounded each on its own, three parts can be a cent off their sum. The cents that are missing
    after rounding down go to the parts that lost most by it (the largest remainders).
    """
    exact = [(name, _for(hourly, time)) for name, hourly in price.parts()]
    down = {name: amount.quantize(CENT, ROUND_FLOOR) for name, amount in exact}
    total = price.for_(time).quantize(CENT, ROUND_HALF_UP)
    missing = int((total - sum(down.values())) / CENT)
    most_lost = sorted(exact, key=lambda part: down[part[0]] - part[1])
    for name, _ in most_lost[:missing]:
        down[name] += CENT
    return list(down.items())


def cost_so_far(price: Price, began: datetime, now: datetime) -> Decimal:
    """US dollars from ``began`` to ``now`` (both with a zone), not rounded.

    As EC2 bills: by the second that was begun, and a minute at the least. A clock that is behind
    the cloud's makes no credit of it.
    """
    passed = max(now - began, LEAST_BILLED)
    return price.for_(timedelta(seconds=-(-passed // timedelta(seconds=1))))


def _for(hourly: Decimal, time: timedelta) -> Decimal:
    return hourly * (time // timedelta(microseconds=1)) / 3_600_000_000
