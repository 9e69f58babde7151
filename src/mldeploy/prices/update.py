"""`prices update`: read a newer price list, judge it, and only then let it take over."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from mldeploy.errors import ConfigError, Interrupted, RefusedError
from mldeploy.prices.files import (
    RegionPrices,
    Size,
    read_sizes,
    users_folder,
    write_region,
    write_sizes,
)
from mldeploy.prices.listed import Listed
from mldeploy.prices.table import table

MOST_CHANGE = 10  # times: no price of AWS ever moved so far; a wrong unit or column does
REGION = re.compile(r"[a-z]{2,8}(-[a-z]{2,16}){1,3}-\d{1,2}")
Read = Callable[[str, Mapping[str, Size]], Listed]


@dataclass(frozen=True)
class Updated:
    """What became of one region; counts are of machine types.

    ``replaced`` is false where the list that was read is older than the table that is there.
    """

    region: str
    dated: date
    path: Path
    types: int
    new: int
    gone: int
    dearer: int
    cheaper: int
    unknown: tuple[str, ...]
    replaced: bool


def update(provider: str, regions: list[str], source: str, read: Read) -> list[Updated]:
    """Replace the table of each region by what ``read`` finds, in the user's folder.

    A list that cannot be right is refused, and the one before stays. Interrupted, each region has
    either its old table or its new one.
    """
    for region in regions:
        _check_name(region)
    done: list[Updated] = []
    try:
        for region in regions:
            done.append(_one(provider, region, source, read))
    except KeyboardInterrupt as error:
        new = ", ".join(one.region for one in done if one.replaced)
        told = f"The new prices of {new} are in place; others" if new else "The prices"
        raise Interrupted(f"{told} are as they were.") from error
    return done


def _check_name(region: str) -> None:
    if not REGION.fullmatch(region):
        raise ConfigError(
            "no-region",
            what=f"{region!r} is not the name of a region.",
            why="It becomes part of an address and of a file's name; they are like eu-central-1.",
            do="mldeploy prices update --region eu-central-1",
        )


def _one(provider: str, region: str, source: str, read: Read) -> Updated:
    now = table(provider)
    before = now.regions.get(region)
    listed = read(region, now.known_sizes)
    after = judged(listed, before, source)
    folder = users_folder(provider)
    path = folder / f"{region}.csv"
    replaced = before is None or after.dated >= before.dated
    if replaced:
        # Sizes first: a size without a price harms nobody, a price without a size would.
        write_sizes(folder, (read_sizes(folder) | dict(listed.sizes)).values())
        path = write_region(folder, after, listed.sizes)
    old = before.machines if before else {}
    both = [(old[name], after.machines[name]) for name in old.keys() & after.machines.keys()]
    return Updated(
        region=region,
        dated=after.dated,
        path=path,
        types=len(after.machines),
        new=len(after.machines.keys() - old.keys()),
        gone=len(old.keys() - after.machines.keys()),
        dearer=sum(is_now > was for was, is_now in both),
        cheaper=sum(is_now < was for was, is_now in both),
        unknown=listed.unknown,
        replaced=replaced,
    )


def judged(listed: Listed, before: RegionPrices | None, source: str) -> RegionPrices:
    """``listed`` as a table, unless it can't be right: raises RefusedError then.

    What the list said nothing of, the disk or the address, stays as it was.
    """
    region = listed.region
    if not listed.machines:
        raise _refused(
            region,
            "It has no machine at all there: is that the name of a region? "
            f"If it is, AWS may have changed the form of its list ({region}).",
        )
    disk = listed.disk or (before and before.disk)
    address = listed.address or (before and before.address) or Decimal("0.005")  # all of AWS, 2024
    if not disk:
        raise _refused(region, "It has no price of a gp3 disk, and no table knew one.")
    if before:
        pairs = [
            (name, before.machines[name], price)
            for name, price in listed.machines.items()
            if name in before.machines
        ]
        pairs += [("gp3", before.disk, disk), ("an address", before.address, address)]
        for name, was, is_now in pairs:
            if not was / MOST_CHANGE <= is_now <= was * MOST_CHANGE:
                raise _refused(
                    region,
                    f"{name} would cost {is_now:f} instead of {was:f} US dollars; a price that "
                    f"moves by more than {MOST_CHANGE} times is a mistake, theirs or ours.",
                )
    return RegionPrices(region, listed.dated, source, disk, address, listed.machines)


def _refused(region: str, why: str) -> RefusedError:
    return RefusedError(
        "prices-implausible",
        what=f"The price list that was read of {region} cannot be right: it is not used.",
        why=why,
        do=f"mldeploy prices --region {region}   (what was known before is still in use)",
    )
