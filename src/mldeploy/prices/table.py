"""Look-up: what a machine type is and what it costs, by the newest table there is."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from mldeploy.errors import ConfigError
from mldeploy.prices.amounts import HOURS_A_MONTH, Price
from mldeploy.prices.files import (
    PACKAGED,
    SIZES,
    RegionPrices,
    Size,
    read_region,
    read_sizes,
    users_folder,
)

STALE_AFTER = timedelta(days=90)
WITH_A_LIST = ("aws",)  # providers that publish one; `prices update` reads it
FINEST = Decimal("0.00000001")  # of a disk's price an hour, which is a month's price / 730


@dataclass(frozen=True)
class Table:
    """On-demand prices of a provider, region by region; each region has a date of its own.

    ``dated`` is the date of the oldest region: the table is as old as that. `in_region` has the
    date of one.
    """

    provider: str
    dated: date
    source: str
    regions: Mapping[str, RegionPrices]
    known_sizes: Mapping[str, Size]

    @property
    def is_updated(self) -> bool:
        """Can `prices update` read newer prices?"""
        return self.provider in WITH_A_LIST

    def in_region(self, region: str) -> RegionPrices:
        """The prices of one region. Raises ConfigError for one that the table does not have."""
        if region not in self.regions:
            raise self._no_such_region(region)
        return self.regions[region]

    def size(self, region: str, name: str) -> Size:
        """Raises ConfigError for a type that ``region`` does not have."""
        if name not in self.in_region(region).machines:
            raise self._no_such_type(region, name)
        return self.known_sizes[name]

    def sizes(self, region: str) -> list[tuple[Size, Decimal]]:
        """Every type of ``region`` with its US dollars an hour, cheapest first."""
        machines = self.in_region(region).machines
        found = [(self.known_sizes[name], price) for name, price in machines.items()]
        return sorted(found, key=lambda one: (one[1], one[0].name))

    def price(self, region: str, name: str, disk_gb: int) -> Price:
        """What ``name`` costs there with a disk of ``disk_gb`` GB and a public IPv4 address.

        The disk is sold by the month: its price an hour is a 730th of it, to 8 decimals.
        """
        here = self.in_region(region)
        if name not in here.machines:
            raise self._no_such_type(region, name)
        a_month = here.disk * disk_gb
        if here.disk_steps:
            a_month = here.disk_steps[self.disk_step(region, disk_gb)]
        disk = (a_month / HOURS_A_MONTH).quantize(FINEST, ROUND_HALF_UP)
        source = here.sources.get(name, here.source)
        return Price(here.machines[name], disk, here.address, here.dated, source)

    def disk_step(self, region: str, disk_gb: int) -> int:
        """The smallest disk that is sold there, in GB, of at least ``disk_gb``.

        Raises ConfigError where there is none so large.
        """
        steps = self.in_region(region).disk_steps
        fitting = [step for step in sorted(steps) if step >= disk_gb]
        if fitting or not steps:
            return fitting[0] if fitting else disk_gb
        raise ConfigError(
            "no-price-for-disk",
            what=f"There is no price of a disk of {disk_gb} GB in {region}.",
            why=f"{self.provider} sells {', '.join(str(step) for step in sorted(steps))} GB.",
            do=f'disk = "{max(steps)}GB" in mldeploy.toml, or a smaller one',
        )

    def age(self, now: datetime, region: str = "") -> timedelta:
        """How old the prices of ``region`` are, or of the oldest one; ``now`` has a zone."""
        dated = self.in_region(region).dated if region else self.dated
        return now - datetime.combine(dated, time(), UTC)

    def staleness(self, now: datetime, region: str) -> str:
        """A sentence for prices older than 90 days, and nothing for younger ones."""
        age = self.age(now, region)
        if age <= STALE_AFTER:
            return ""
        newer = f"mldeploy prices update --region {region}"
        return (
            f"The prices of {region} are {age.days} days old ({self.in_region(region).dated}). "
            f"Newer ones: {newer if self.is_updated else 'install a newer mldeploy'}"
        )

    def _no_such_region(self, region: str) -> ConfigError:
        near = difflib.get_close_matches(region, self.regions, n=3)
        return ConfigError(
            "no-price-for-region",
            what=f"There is no price table of {self.provider} in {region!r}.",
            why=f"The nearest names are {', '.join(near)}."
            if near
            else f"There is one of {', '.join(sorted(self.regions))}.",
            do=self._otherwise(
                f"mldeploy prices --region {near[0]}   (or, if {region} is right, "
                f"mldeploy prices update --region {region})"
                if near
                else f"mldeploy prices update --region {region}"
            ),
        )

    def _no_such_type(self, region: str, name: str) -> ConfigError:
        here = self.in_region(region)
        elsewhere = sorted(r for r, there in self.regions.items() if name in there.machines)
        near = difflib.get_close_matches(name, here.machines, n=3)
        why = f"The prices of {here.dated} have {len(here.machines)} types there, but not this one."
        if elsewhere:
            why += f" It is known in {_some(elsewhere)}."
        if near:
            why += f" The nearest names are {', '.join(near)}."
        return ConfigError(
            "no-price-for-type",
            what=f"There is no price of {name!r} in {region}.",
            why=why,
            do=self._otherwise(
                f"mldeploy prices update --region {region}   "
                f"(if it is to be had there; mldeploy prices --region {region} shows what is known)"
            ),
        )

    def _otherwise(self, command: str) -> str:
        """``command``, where there is a list to read newer prices from."""
        if self.is_updated:
            return command
        return f"mldeploy prices --provider {self.provider}   shows what is known"


def table(provider: str) -> Table:
    """For each region the newer of two: what came with mldeploy, what ``prices update`` read."""
    if not (PACKAGED / provider / SIZES).is_file():
        known = sorted(path.name for path in PACKAGED.iterdir() if path.is_dir())
        raise ConfigError(
            "no-prices-of-provider",
            what=f"There is no price table of {provider!r}.",
            why=f"There are tables of {', '.join(known)}.",
            do=f"mldeploy prices --provider {known[0]}",
        )
    packaged, users = PACKAGED / provider, users_folder(provider)
    sizes = read_sizes(users) | read_sizes(packaged)
    regions: dict[str, RegionPrices] = {}
    for path in [*_region_files(packaged), *_region_files(users)]:
        found = _of_known_sizes(read_region(path), sizes)
        if found.name not in regions or found.dated >= regions[found.name].dated:
            regions[found.name] = found
    return Table(
        provider,
        dated=min(one.dated for one in regions.values()),
        source=" · ".join(sorted({one.source for one in regions.values()})),
        regions=regions,
        known_sizes=sizes,
    )


def _of_known_sizes(region: RegionPrices, sizes: Mapping[str, Size]) -> RegionPrices:
    """Without types whose size no file has, as where somebody removed the file of sizes."""
    if region.machines.keys() <= sizes.keys():
        return region
    machines = {name: price for name, price in region.machines.items() if name in sizes}
    return replace(region, machines=machines)


def _region_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("[a-z]*.csv") if path.name != SIZES)


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown
