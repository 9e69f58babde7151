"""The files of a table: one of sizes for a provider, one of prices for each region.

Both are CSV. A region's file starts with what holds for all of it::

    dated,2026-07-20
    source,AWS price list
    disk,0.08            US dollars a GB-month
    address,0.005        US dollars an hour of a public IPv4 address
    type,price           US dollars an hour
    t3.small,0.0208

Where disks are sold in steps, ``disk_steps,50=5 100=7`` says US dollars a month by GB. A price that
comes from elsewhere than the rest has its source as a third column.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal, cast

from mldeploy.errors import ConfigError

Architecture = Literal["x86_64", "aarch64"]
PACKAGED = Path(__file__).parent / "data"
SIZES = "sizes.csv"
MIB = 1024 * 1024


@dataclass(frozen=True)
class Size:
    """What a machine type is: ``cpus`` are virtual ones, ``memory`` is in bytes.

    ``gpu`` is empty or, with the memory of each, ``1 x NVIDIA T4, 16 GB``.
    """

    name: str
    cpus: int
    memory: int
    architecture: Architecture
    gpu: str = ""


@dataclass(frozen=True)
class RegionPrices:
    """What one region's file says: US dollars an hour by machine type, as of a date.

    ``disk`` is US dollars a GB-month (gp3 on AWS), ``address`` US dollars an hour;
    ``static_address`` where one that stays costs more. ``disk_steps`` are the sizes in which disks
    are sold, GB, with US dollars a month; none where any size is. ``sources`` are those of single
    types.
    """

    name: str
    dated: date
    source: str
    disk: Decimal
    address: Decimal
    machines: Mapping[str, Decimal]
    static_address: Decimal = Decimal(0)
    disk_steps: Mapping[int, Decimal] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


def users_folder(provider: str) -> Path:
    """Where ``prices update`` keeps what it read."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "mldeploy" / "prices" / provider


def read_sizes(folder: Path) -> dict[str, Size]:
    """The sizes in ``folder``, by name; none where there is no such file."""
    path = folder / SIZES
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row[0]: _size(row) for row in list(csv.reader(file))[1:]}
    except (ValueError, IndexError) as error:
        raise _damaged(path, error) from error


def _size(row: list[str]) -> Size:
    name, cpus, memory_mib, architecture, gpu = row
    if architecture not in ("x86_64", "aarch64"):
        raise ValueError(f"architecture {architecture!r} of {name}")
    return Size(name, int(cpus), int(memory_mib) * MIB, cast(Architecture, architecture), gpu)


def read_region(path: Path) -> RegionPrices:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            head = dict(_until_machines(rows))
            listed = list(rows)
        return RegionPrices(
            path.stem,
            date.fromisoformat(head["dated"]),
            head["source"],
            Decimal(head["disk"]),
            Decimal(head["address"]),
            {row[0]: Decimal(row[1]) for row in listed},
            Decimal(head.get("static_address", "0")),
            _steps(head.get("disk_steps", "")),
            {row[0]: row[2] for row in listed if len(row) > 2},
        )
    except (ValueError, KeyError, InvalidOperation) as error:
        raise _damaged(path, error) from error


def _steps(text: str) -> dict[int, Decimal]:
    pairs = (each.split("=") for each in text.split())
    return {int(size): Decimal(price) for size, price in pairs}


def _until_machines(rows: Iterable[list[str]]) -> Iterable[tuple[str, str]]:
    for key, value in rows:
        if key == "type":
            return
        yield key, value


def write_sizes(folder: Path, sizes: Iterable[Size]) -> Path:
    """``sizes`` into ``folder``, whole or not at all."""
    rows = [
        (one.name, one.cpus, one.memory // MIB, one.architecture, one.gpu)
        for one in sorted(sizes, key=order)
    ]
    return _write(folder / SIZES, [("type", "cpus", "memory_mib", "architecture", "gpu"), *rows])


def write_region(folder: Path, region: RegionPrices, sizes: Mapping[str, Size]) -> Path:
    """``region`` into its file in ``folder``, whole or not at all; types in the order of sizes."""
    names = sorted(region.machines, key=lambda name: order(sizes[name]))
    rows = [(name, f"{region.machines[name].normalize():f}") for name in names]
    head = [
        ("dated", region.dated.isoformat()),
        ("source", region.source),
        ("disk", f"{region.disk.normalize():f}"),
        ("address", f"{region.address.normalize():f}"),
        ("type", "price"),
    ]
    return _write(folder / f"{region.name}.csv", [*head, *rows])


def order(size: Size) -> tuple[str, int, int, str]:
    """A family's types stand together, from small to large."""
    return size.name.partition(".")[0], size.cpus, size.memory, size.name


def _write(path: Path, rows: Iterable[tuple[object, ...]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def _damaged(path: Path, error: Exception) -> ConfigError:
    return ConfigError(
        "prices-damaged",
        what=f"The price table {path} cannot be read.",
        why=f"{type(error).__name__}: {error}",
        do=f"rm {path}   (the table that came with mldeploy is used then)",
    )
