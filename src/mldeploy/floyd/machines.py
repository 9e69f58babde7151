"""FloydHub's four machines, and what is rented today in the place of each, for how much. Pure.

Proposals, for a person to change: about the same cores, and a GPU of a later make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from mldeploy.errors import ConfigError
from mldeploy.floyd.asked import Machine


@dataclass(frozen=True)
class Size:
    """``was`` is the machine in FloydHub's words; ``types`` a machine_type for each kind."""

    was: str
    gpu: bool
    types: Mapping[str, str]


SIZES: Mapping[Machine, Size] = {
    "cpu": Size("2 cores", False, {"aws": "t3.medium", "paperspace": "C5"}),
    "cpu2": Size("8 cores", False, {"aws": "c7i.2xlarge", "paperspace": "C7"}),
    "gpu": Size("a Tesla K80", True, {"aws": "g4dn.xlarge", "paperspace": "P4000"}),
    "gpu2": Size("a Tesla V100", True, {"aws": "g5.xlarge", "paperspace": "A4000"}),
}
KINDS = {"aws": "AWS", "paperspace": "Paperspace"}
PRICED_IN = {"aws": "us-east-1", "paperspace": "ny2"}  # a region that has them all
DISK_GB = 50  # with an image of some GB on it


def price(kind: str, machine_type: str) -> Decimal | None:
    """US dollars an hour with its disk, by the dated table; None if that has lost the type."""
    from mldeploy.prices import table

    try:
        return table(kind).price(PRICED_IN[kind], machine_type, DISK_GB).total
    except ConfigError:
        return None


def proposals(machine: Machine) -> list[str]:
    """What could be rented for it, such as ``t3.medium on AWS for $0.05 an hour``."""
    from mldeploy.prices import money

    found = []
    for kind, title in KINDS.items():
        machine_type = SIZES[machine].types[kind]
        hourly = price(kind, machine_type)
        cost = f" for ${money(hourly, an_hour=True)} an hour" if hourly else ""
        found.append(f"{machine_type} on {title}{cost}")
    return found
