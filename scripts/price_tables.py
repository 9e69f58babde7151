"""Make the packaged EC2 price tables from the list that Apache Libcloud ships in its wheel.

    pip download --no-deps apache-libcloud && python scripts/price_tables.py apache_libcloud-*.whl

Libcloud's list mixes tenancies: for some types it has the price on a dedicated host, or none.
Within a family a price grows with the size (AWS's normalization factors), so the cheapest price
for a unit of size that at least two types of a family agree on in a region is the ordinary one; a
type that was listed at another is given what its size is worth. Families with GPUs don't grow so:
there the sizes are compared with what AWS publishes for us-east-1.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections import defaultdict
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from mldeploy.prices.files import PACKAGED, RegionPrices, read_sizes, write_region, write_sizes

FOLDER = PACKAGED / "aws"
ADDRESS = Decimal("0.005")  # US dollars an hour, in every region since February 2024
SOURCE = "AWS price list via Apache Libcloud {version} - gp3 as AWS publishes it"

# US dollars a GB-month of gp3, as published on AWS's page of EBS prices.
GP3 = {
    "us-east-1": "0.08", "us-east-2": "0.08", "us-west-1": "0.096", "us-west-2": "0.08",
    "ca-central-1": "0.088", "sa-east-1": "0.152",
    "eu-west-1": "0.088", "eu-west-2": "0.0928", "eu-west-3": "0.0928", "eu-central-1": "0.0952",
    "eu-north-1": "0.0836", "eu-south-1": "0.0924",
    "ap-northeast-1": "0.096", "ap-northeast-2": "0.0912", "ap-northeast-3": "0.096",
    "ap-southeast-1": "0.096", "ap-southeast-2": "0.096", "ap-south-1": "0.0912",
    "ap-east-1": "0.1056", "me-south-1": "0.0968", "af-south-1": "0.1047",
}  # fmt: skip

# US dollars an hour in us-east-1, by size: what a type with GPUs is worth beside its siblings.
WITH_GPU = {
    "g4dn": {"xlarge": "0.526", "2xlarge": "0.752", "4xlarge": "1.204", "8xlarge": "2.176",
             "12xlarge": "3.912", "16xlarge": "4.352"},
    "g5": {"xlarge": "1.006", "2xlarge": "1.212", "4xlarge": "1.624", "8xlarge": "2.448",
           "12xlarge": "5.672", "16xlarge": "4.096", "24xlarge": "8.144", "48xlarge": "16.288"},
    "g6": {"xlarge": "0.8048", "2xlarge": "0.9776", "4xlarge": "1.3232", "8xlarge": "2.0144",
           "12xlarge": "4.6016", "16xlarge": "3.3968", "24xlarge": "6.6752",
           "48xlarge": "13.3504"},
}  # fmt: skip
SMALL = {"nano": "0.25", "micro": "0.5", "small": "1", "medium": "2", "large": "4", "xlarge": "8"}

# Left out: t2 is no family of one unit, and of these the list has too few ordinary prices.
NOT_SURE = {("eu-west-3", "c6i"), ("eu-west-3", "c6g"), ("ap-northeast-1", "m7gd")}
NO_FAMILY = {"t2"}
NOT_SURE_TYPES = {
    ("ap-south-1", "m5a.large"),
    ("ap-south-1", "r5a.large"),
    ("me-south-1", "m5.large"),
}
AGREE = Decimal("0.006")


def main(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        told = json.loads(packed.read("libcloud/data/pricing.json"))
    dated = datetime.fromtimestamp(int(told["updated"]), UTC).date()
    source = SOURCE.format(version=wheel.name.split("-")[1])
    sizes = read_sizes(FOLDER)
    gpus = {name.partition(".")[0] for name, size in sizes.items() if size.gpu}
    tables: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for (region, family), listed in by_family(told["compute"]["ec2_linux"], set(sizes)).items():
        if region in GP3 and family not in NO_FAMILY and (region, family) not in NOT_SURE:
            with_gpu = family in gpus
            if not with_gpu or family in WITH_GPU:
                found = ordinary(family, listed)
                named = {f"{family}.{size}": price for size, price in found.items()}
                tables[region] |= {
                    n: p for n, p in named.items() if (region, n) not in NOT_SURE_TYPES
                }
    for old in FOLDER.glob("*-*.csv"):
        old.unlink()
    for region, machines in tables.items():
        disk = Decimal(GP3[region])
        write_region(FOLDER, RegionPrices(region, dated, source, disk, ADDRESS, machines), sizes)
    known = {name for machines in tables.values() for name in machines}
    write_sizes(FOLDER, [size for name, size in sizes.items() if name in known])
    print(f"{len(known)} types, {len(tables)} regions, of {dated}")  # noqa: T201


def by_family(
    prices: dict[str, dict[str, float]], known: set[str]
) -> dict[tuple[str, str], dict[str, Decimal]]:
    """By region and family: size and price; 0 where the list has none."""
    found: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(dict)
    for name in sorted(known & set(prices)):
        family, size = name.split(".", 1)
        for region, price in prices[name].items():
            found[region, family][size] = Decimal(str(price))
    return found


def ordinary(family: str, listed: dict[str, Decimal]) -> dict[str, Decimal]:
    """The on-demand prices of a family's sizes; none where no two of them agree."""
    worth = {size: factor for size in listed if (factor := worth_of(family, size))}
    units = {size: listed[size] / worth[size] for size in worth if listed[size]}
    for unit in sorted(units.values()):
        agree = [size for size in units if abs(units[size] / unit - 1) < AGREE]
        if len(agree) >= 2:
            break
    else:
        return {}
    unit = units[max(agree, key=lambda size: worth[size])]
    finest = Decimal("0.0001")
    return {
        size: listed[size]
        if size in agree
        else (unit * worth[size]).quantize(finest, ROUND_HALF_UP)
        for size in worth
    }


def worth_of(family: str, size: str) -> Decimal | None:
    if family in WITH_GPU:
        known = WITH_GPU[family].get(size)
        return Decimal(known) if known else None
    if size in SMALL:
        return Decimal(SMALL[size])
    times = re.fullmatch(r"(\d+)xlarge", size)
    return 8 * Decimal(times.group(1)) if times else None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
