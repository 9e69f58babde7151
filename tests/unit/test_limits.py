"""The limits: to the cent, and before anything is made."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from mldeploy.errors import RefusedError
from mldeploy.prices import Price
from mldeploy.providers import limits
from mldeploy.providers.limits import Bill

PRICE = Price(Decimal("0.0208"), Decimal("0.0022"), Decimal("0.005"), date(2026, 7, 20), "a table")
HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_max_price_is_of_machine_disk_and_address_together() -> None:
    limits.refuse_above_price("aws", "t3.small", PRICE, 0.028)
    limits.refuse_above_price("aws", "t3.small", PRICE, None)

    with pytest.raises(RefusedError) as refused:
        limits.refuse_above_price("aws", "t3.small", PRICE, 0.0279)

    assert refused.value.exit_code == 3
    assert "$0.0280 an hour" in refused.value.why
    assert "$0.0279" in refused.value.why


def test_the_budget_counts_what_is_spent_what_runs_and_what_is_asked_for() -> None:
    bill = Bill(spent=Decimal("3.00"), running=Decimal("1.50"))
    limits.refuse_above_budget("aws", Decimal("0.50"), bill, 5.0, HOUR)
    limits.refuse_above_budget("aws", Decimal("99"), bill, None, HOUR)

    with pytest.raises(RefusedError) as refused:
        limits.refuse_above_budget("aws", Decimal("0.51"), bill, 5.0, HOUR)

    assert all(amount in refused.value.why for amount in ("$0.51", "$3.00", "$1.50", "$5.00"))


def test_a_machine_without_an_end_is_counted_for_a_month() -> None:
    assert limits.ceiling(PRICE, None) == PRICE.total * 730
    assert limits.ceiling(PRICE, 4 * HOUR) == PRICE.total * 4
    assert limits.until_the_end(PRICE, NOW, NOW + 2 * HOUR) == PRICE.total * 2
    with pytest.raises(RefusedError, match="budget"):
        limits.refuse_above_budget("aws", limits.ceiling(PRICE, None), Bill(), 20.0, None)
