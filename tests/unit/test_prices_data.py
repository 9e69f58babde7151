"""The tables that come with mldeploy: nothing zero, nothing missing, nothing that can't be."""

from __future__ import annotations

import csv
import time
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from mldeploy.prices import Table, table
from mldeploy.prices.files import PACKAGED, read_sizes

FOLDER = PACKAGED / "aws"
COMMON = {
    "t3", "t3a", "t4g", "m5", "m6i", "m6g", "m7i", "m7i-flex", "m7g", "c5", "c6i", "c6g", "c7i",
    "c7i-flex", "c7g", "r5", "r6i", "r7i", "g4dn", "g5", "g6",
}  # fmt: skip
LADDER = {"nano": 0.5, "micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16}


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Table:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        return table("aws")


@pytest.mark.parametrize(
    ("region", "name", "price"),
    [
        ("us-east-1", "t3.micro", "0.0104"),
        ("us-east-1", "t3.small", "0.0208"),
        ("us-east-1", "t4g.small", "0.0168"),
        ("us-east-1", "m5.large", "0.096"),
        ("us-east-1", "m7i-flex.large", "0.09576"),
        ("us-east-1", "g4dn.xlarge", "0.526"),
        ("us-east-1", "g5.xlarge", "1.006"),
        ("us-east-1", "g6.xlarge", "0.8048"),
        ("us-west-2", "t3.small", "0.0208"),
        ("eu-central-1", "t3.small", "0.024"),
        ("eu-west-1", "t3.small", "0.0228"),
        ("eu-west-1", "m5.large", "0.107"),
        ("ap-south-1", "t3.micro", "0.0112"),
        ("sa-east-1", "t3.small", "0.0336"),
    ],
)
def test_prices_are_those_that_aws_publishes(
    packaged: Table, region: str, name: str, price: str
) -> None:
    assert packaged.price(region, name, 20).machine == Decimal(price)


def test_sizes_are_those_that_aws_publishes(packaged: Table) -> None:
    small, gpu = packaged.size("us-east-1", "t4g.small"), packaged.size("us-east-1", "g5.12xlarge")

    assert (small.cpus, small.memory, small.architecture) == (2, 2 * 1024**3, "aarch64")
    assert (gpu.cpus, gpu.memory, gpu.architecture) == (48, 192 * 1024**3, "x86_64")
    assert gpu.gpu.startswith("4 x NVIDIA A10G")


def test_gp3_and_an_address_have_a_price_in_every_region(packaged: Table) -> None:
    assert packaged.in_region("us-east-1").disk == Decimal("0.08")
    assert packaged.in_region("eu-central-1").disk == Decimal("0.0952")
    for region in packaged.regions.values():
        assert Decimal("0.08") <= region.disk <= Decimal("0.2"), region.name
        assert region.address == Decimal("0.005"), region.name


def test_every_price_is_one_that_can_be(packaged: Table) -> None:
    prices = [p for region in packaged.regions.values() for p in region.machines.values()]

    assert min(prices) > Decimal("0.002")
    assert max(prices) < 100


def test_every_type_has_a_size(packaged: Table) -> None:
    sizes = read_sizes(FOLDER)
    used = {name for region in packaged.regions.values() for name in region.machines}

    assert used == set(sizes)
    for size in sizes.values():
        assert 1 <= size.cpus <= 512, size
        assert size.memory >= 512 * 1024**2, size
        assert bool(size.gpu) == size.name.startswith(("g4", "g5", "g6", "g7", "gr", "p")), size
        graviton = size.name.partition(".")[0].rstrip("d").endswith("g") and size.name[0] in "tmcr"
        assert size.architecture == (
            "aarch64" if graviton or size.name.startswith("g5g.") else "x86_64"
        ), size


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.csv")), ids=lambda path: path.stem)
def test_no_line_stands_twice(path: Path) -> None:
    with path.open(newline="") as file:
        names = Counter(row[0] for row in csv.reader(file))

    assert [name for name, times in names.items() if times > 1] == []


def test_a_size_costs_twice_the_next_smaller_one(packaged: Table) -> None:
    for region in packaged.regions:
        by_name = {size.name: price for size, price in packaged.sizes(region)}
        for family in ("t3", "t4g", "m5", "m6i", "m7g", "c5", "c6i", "r5", "r6i"):
            steps = {
                weight: by_name[f"{family}.{word}"]
                for word, weight in LADDER.items()
                if f"{family}.{word}" in by_name
            }
            for weight, price in steps.items():
                expected = steps[max(steps)] * Decimal(weight) / Decimal(max(steps))
                # t4g.nano and the like are rounded to four decimals
                assert abs(price - expected) <= max(expected / 50, Decimal("0.0001")), (
                    region, family, weight,
                )  # fmt: skip


def test_a_region_has_the_families_that_people_rent(packaged: Table) -> None:
    def families(region: str) -> set[str]:
        return {name.partition(".")[0] for name in packaged.in_region(region).machines}

    assert families("us-east-1") >= COMMON
    for region in packaged.regions:
        machines = packaged.in_region(region).machines
        assert {"t3.micro", "t3.small", "t4g.micro", "t4g.small"} <= set(machines), region
        assert "m5" in families(region), region


def test_regions_are_those_that_botocore_knows(packaged: Table) -> None:
    import botocore.session

    known = set(botocore.session.get_session().get_available_regions("ec2"))

    assert set(packaged.regions) <= known
    assert len(packaged.regions) >= 21


def test_dates_and_sources_are_honest(packaged: Table) -> None:
    for region in packaged.regions.values():
        assert date(2025, 3, 1) <= region.dated <= date.today(), region.name  # noqa: DTZ011
        assert 10 < len(region.source) < 120, region.name
    assert packaged.dated == min(region.dated for region in packaged.regions.values())


def test_the_tables_are_small_and_read_at_once(packaged: Table) -> None:
    def once() -> float:
        began = time.perf_counter()
        table("aws")
        return time.perf_counter() - began

    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 300_000
    assert min(once() for _ in range(5)) < 0.05  # seconds; 0.01 on an idle laptop
