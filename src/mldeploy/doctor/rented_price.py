"""What a price means for a target: is it allowed, and does anything end it? Pure."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from mldeploy.config import RentedTarget
from mldeploy.doctor.checks import Finding
from mldeploy.prices import HOURS_A_MONTH, money
from mldeploy.providers import lifetime


def trouble_or_lifetime(
    told: str, an_hour: Decimal, target: RentedTarget, cheaper: str
) -> Finding | timedelta:
    """What is wrong with renting at ``an_hour`` US dollars, else how long it would be rented.

    ``told`` says what costs that; ``cheaper`` is the command that lists what costs less.
    """
    limit = target.max_price
    if limit is not None and an_hour > Decimal(str(limit)):
        most = money(Decimal(str(limit)), an_hour=True)
        return Finding(
            "price",
            "error",
            f"{told}: above max_price, ${most}.",
            f"{cheaper}   lists cheaper ones; or raise max_price in mldeploy.toml",
        )
    time = lifetime.parse(target.ttl)
    if time is None:
        return Finding(
            "price",
            "warning",
            f"{told}, and nothing ends it: ${money(an_hour * HOURS_A_MONTH)} a month.",
            'ttl = "4h" in mldeploy.toml ends it by itself',
        )
    return time
