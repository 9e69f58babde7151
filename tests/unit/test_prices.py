"""Prices: look-up, what a time costs, and amounts as people read them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mldeploy.errors import ConfigError, FailedError
from mldeploy.prices import (
    HOURS_A_MONTH,
    Price,
    RegionPrices,
    Size,
    Table,
    as_tag,
    by_parts,
    cost_so_far,
    from_tag,
    money,
    table,
)
from mldeploy.prices.files import read_region, read_sizes, users_folder, write_region, write_sizes

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SMALL = Price(
    Decimal("0.0208"), Decimal("0.00219178"), Decimal("0.005"), date(2026, 7, 20), "AWS price list"
)
SIZES = {
    "t3.small": Size("t3.small", 2, 2 * 1024**3, "x86_64"),
    "t4g.small": Size("t4g.small", 2, 2 * 1024**3, "aarch64"),
    "g4dn.xlarge": Size("g4dn.xlarge", 4, 16 * 1024**3, "x86_64", "1 x NVIDIA T4, 16 GB"),
}


def region(name: str, dated: date, **machines: str) -> RegionPrices:
    prices = {key.replace("_", "."): Decimal(value) for key, value in machines.items()}
    return RegionPrices(name, dated, "a list", Decimal("0.08"), Decimal("0.005"), prices)


HERE = region(
    "us-east-1", date(2026, 7, 20), g4dn_xlarge="0.526", t3_small="0.0208", t4g_small="0.0168"
)
THERE = region("eu-west-1", date(2026, 1, 1), t3_small="0.0228")
TABLE = Table("aws", date(2026, 1, 1), "a list", {"us-east-1": HERE, "eu-west-1": THERE}, SIZES)

amounts = st.decimals(0, 500, places=8)
prices = st.builds(
    Price,
    machine=amounts,
    disk=amounts,
    address=amounts,
    dated=st.dates(),
    source=st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9 +\-=._:/@]{0,100}[A-Za-z0-9])?", fullmatch=True),
)
times = st.timedeltas(timedelta(0), timedelta(days=3650))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return users_folder("aws")


def test_the_parts_of_a_price_sum_to_it() -> None:
    assert SMALL.total == Decimal("0.02799178")
    assert SMALL.month == Decimal("20.4339994")
    assert SMALL.for_(timedelta(hours=4)) == Decimal("0.11196712")


def test_a_month_of_disk_costs_what_the_list_says_a_month() -> None:
    price = TABLE.price("us-east-1", "t3.small", 20)

    assert money(price.disk * HOURS_A_MONTH) == "1.60"
    assert (price.machine, price.address) == (Decimal("0.0208"), Decimal("0.005"))
    assert (price.dated, price.source) == (date(2026, 7, 20), "a list")
    assert TABLE.price("us-east-1", "t3.small", 0).disk == 0


@pytest.mark.parametrize(
    ("amount", "total", "an_hour"),
    [
        ("0.0208", "0.02", "0.0208"),
        ("0.02799178", "0.03", "0.0280"),
        ("0.115", "0.12", "0.1150"),
        ("0.125", "0.13", "0.1250"),
        ("0", "0.00", "0.0000"),
        ("0.99994", "1.00", "0.9999"),
        ("0.99995", "1.00", "1.00"),
        ("1.006", "1.01", "1.01"),
        ("1234.5", "1234.50", "1234.50"),
        ("1E+3", "1000.00", "1000.00"),
    ],
)
def test_money_has_cents_and_an_hour_below_a_dollar_four_decimals(
    amount: str, total: str, an_hour: str
) -> None:
    assert money(Decimal(amount)) == total
    assert money(Decimal(amount), an_hour=True) == an_hour


@given(amounts)
def test_money_is_read_back_to_the_cent(amount: Decimal) -> None:
    assert re.fullmatch(r"\d+\.\d\d", money(amount))
    assert abs(Decimal(money(amount)) - amount) <= Decimal("0.005")
    assert abs(Decimal(money(amount, an_hour=True)) - amount) <= Decimal("0.005")


@given(prices, times)
@example(
    Price(Decimal("0.004"), Decimal("0.004"), Decimal("0.004"), date(2026, 1, 1), "a"),
    timedelta(hours=1),
)
@example(
    Price(Decimal("0.006"), Decimal("0.006"), Decimal("0.006"), date(2026, 1, 1), "a"),
    timedelta(hours=1),
)
def test_rounded_parts_sum_to_the_rounded_total(price: Price, time: timedelta) -> None:
    parts = by_parts(price, time)

    assert [name for name, _ in parts] == ["machine", "disk", "address"]
    assert sum(amount for _, amount in parts) == Decimal(money(price.for_(time)))
    for (_, shown), (_, hourly) in zip(parts, price.parts(), strict=True):
        exact = hourly * (time // timedelta(microseconds=1)) / 3_600_000_000
        assert abs(shown - exact) < Decimal("0.01")
        assert shown == shown.quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize(
    ("passed", "billed"),
    [
        (timedelta(seconds=1), timedelta(seconds=60)),
        (timedelta(seconds=-30), timedelta(seconds=60)),
        (timedelta(seconds=60), timedelta(seconds=60)),
        (timedelta(seconds=90, microseconds=1), timedelta(seconds=91)),
        (timedelta(hours=4), timedelta(hours=4)),
    ],
)
def test_cost_so_far_counts_begun_seconds_and_a_minute_at_least(
    passed: timedelta, billed: timedelta
) -> None:
    assert cost_so_far(SMALL, NOON, NOON + passed) == SMALL.for_(billed)


@given(prices)
def test_a_price_comes_back_from_its_tag(price: Price) -> None:
    tag = as_tag(price)

    assert from_tag(tag) == price
    assert len(tag) <= 256
    assert re.fullmatch(r"[A-Za-z0-9 +\-=._:/@]*", tag)


def test_a_source_that_a_tag_cannot_hold_is_made_to_fit() -> None:
    price = Price(Decimal(1), Decimal(0), Decimal(0), date(2026, 1, 1), "«list», " + "x" * 300)

    tag = as_tag(price)

    assert len(tag) == 256
    assert from_tag(tag).total == 1
    assert from_tag(tag).source.startswith("-list-- xxx")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0.02",
        "machine=a disk=0 address=0 dated=2026-01-01 source=x",
        "machine=-1 disk=0 address=0 dated=2026-01-01 source=x",
        "machine=1 disk=0 address=0 dated=2026-13-01 source=x",
    ],
)
def test_a_tag_that_somebody_else_wrote_is_refused(text: str) -> None:
    with pytest.raises(FailedError) as caught:
        from_tag(text)

    assert repr(text) in caught.value.why
    assert "mldeploy prices" in caught.value.do


def test_sizes_are_listed_cheapest_first() -> None:
    names = [size.name for size, _ in TABLE.sizes("us-east-1")]

    assert names == ["t4g.small", "t3.small", "g4dn.xlarge"]
    assert TABLE.size("us-east-1", "g4dn.xlarge").gpu == "1 x NVIDIA T4, 16 GB"


def test_an_unknown_type_is_an_error_with_the_nearest_and_the_next_command() -> None:
    with pytest.raises(ConfigError) as caught:
        TABLE.price("us-east-1", "t3.smal", 20)

    assert "t3.small" in caught.value.why
    assert "mldeploy prices update --region us-east-1" in caught.value.do


def test_a_type_that_another_region_has_says_so() -> None:
    with pytest.raises(ConfigError) as caught:
        TABLE.size("eu-west-1", "g4dn.xlarge")

    assert "It is known in us-east-1." in caught.value.why


def test_an_unknown_region_is_an_error_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as near:
        TABLE.sizes("us-est-1")
    with pytest.raises(ConfigError) as far:
        TABLE.sizes("moon")

    assert "us-east-1" in near.value.why
    assert "mldeploy prices update --region us-est-1" in near.value.do
    assert "eu-west-1, us-east-1" in far.value.why


def test_an_unknown_provider_is_an_error() -> None:
    with pytest.raises(ConfigError) as caught:
        table("gcp")

    assert "aws" in caught.value.why


def test_a_region_is_as_old_as_its_own_date_and_the_table_as_its_oldest() -> None:
    now = datetime(2026, 7, 21, tzinfo=UTC)

    assert TABLE.age(now, "us-east-1") == timedelta(days=1)
    assert TABLE.age(now) == timedelta(days=201)
    assert TABLE.staleness(now, "us-east-1") == ""
    assert "201 days old (2026-01-01)" in TABLE.staleness(now, "eu-west-1")
    assert "mldeploy prices update --region eu-west-1" in TABLE.staleness(now, "eu-west-1")


def test_files_come_back_as_they_were_written(tmp_path: Path) -> None:
    write_sizes(tmp_path, SIZES.values())
    path = write_region(tmp_path, HERE, SIZES)

    assert read_region(path) == HERE
    assert read_sizes(tmp_path) == SIZES
    assert sorted(one.name for one in tmp_path.iterdir()) == ["sizes.csv", "us-east-1.csv"]


def test_what_the_user_fetched_wins_where_it_is_newer(home: Path) -> None:
    write_sizes(home, SIZES.values())
    write_region(home, region("us-east-1", date(2026, 11, 1), t3_small="0.03"), SIZES)
    write_region(home, region("eu-west-1", date(2001, 1, 1), t3_small="0.03"), SIZES)
    write_region(home, region("mx-central-1", date(2026, 11, 1), t3_small="0.04"), SIZES)

    found = table("aws")

    assert found.price("us-east-1", "t3.small", 20).machine == Decimal("0.03")
    assert found.price("eu-west-1", "t3.small", 20).machine == Decimal("0.0228")
    assert found.price("mx-central-1", "t3.small", 20).machine == Decimal("0.04")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dated,2026-07-20\n",
        "type,price\nt3.small,cheap\n",
        "dated\n",
        "dated,soon\ntype,price\n",
    ],
)
def test_a_damaged_file_of_the_user_is_named_with_its_remedy(home: Path, text: str) -> None:
    home.mkdir(parents=True)
    (home / "us-east-1.csv").write_text(text)

    with pytest.raises(ConfigError) as caught:
        table("aws")

    assert str(home / "us-east-1.csv") in caught.value.what
    assert caught.value.do.startswith("rm ")
