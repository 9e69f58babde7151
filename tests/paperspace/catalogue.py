"""What can be rented: templates, machine types and their prices, as read in September 2026.

Our tests' own knowledge, not the provider's.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

GIB = 1024**3
HOURS_A_MONTH = 730
REGIONS = {"ny2": "East Coast (NY2)", "ca1": "West Coast (CA1)", "ams1": "Europe (AMS1)"}
STATIC_ADDRESS_A_MONTH = Decimal(3)
DISK_A_MONTH = {  # US dollars, by GB
    50: Decimal(5),
    100: Decimal(7),
    250: Decimal(10),
    500: Decimal(20),
    1000: Decimal(40),
    2000: Decimal(80),
    4000: Decimal(160),
}


@dataclass(frozen=True)
class MachineType:
    """``price`` is US dollars an hour; ``gpu`` its name and memory in GiB."""

    label: str
    price: Decimal
    cpus: int
    ram_gib: int
    gpu: tuple[str, int] | None = None


TYPES = {
    each.label: each
    for each in (
        MachineType("C1", Decimal("0.0045"), 1, 1),
        MachineType("C5", Decimal("0.08"), 4, 8),
        MachineType("C7", Decimal("0.30"), 12, 30),
        MachineType("GPU+", Decimal("0.45"), 8, 30, ("Quadro M4000", 8)),
        MachineType("P4000", Decimal("0.51"), 8, 30, ("Quadro P4000", 8)),
        MachineType("RTX4000", Decimal("0.56"), 8, 30, ("Quadro RTX 4000", 8)),
        MachineType("A4000", Decimal("0.76"), 8, 45, ("RTX A4000", 16)),
        MachineType("P5000", Decimal("0.78"), 8, 30, ("Quadro P5000", 16)),
        MachineType("RTX5000", Decimal("0.82"), 8, 30, ("Quadro RTX 5000", 16)),
        MachineType("P6000", Decimal("1.10"), 8, 30, ("Quadro P6000", 24)),
        MachineType("A5000", Decimal("1.38"), 8, 45, ("RTX A5000", 24)),
        MachineType("A6000", Decimal("1.89"), 8, 45, ("RTX A6000", 48)),
        MachineType("V100", Decimal("2.30"), 8, 30, ("Tesla V100", 16)),
        MachineType("A100-80G", Decimal("3.18"), 12, 90, ("A100", 80)),
        MachineType("H100", Decimal("3.09"), 20, 250, ("H100", 80)),
    )
}


@dataclass(frozen=True)
class Template:
    id: str
    name: str
    system: str
    types: tuple[str, ...]
    default_gb: int = 50
    agent: str = "LinuxHeadless"


ALL_BUT_THE_BIG = tuple(each for each in TYPES if each not in {"A100-80G", "H100"})
TEMPLATES = (
    Template("t0nspur5", "Ubuntu 22.04", "Ubuntu 22.04 Server", ALL_BUT_THE_BIG),
    Template(
        "twnlo3zj", "ML-in-a-Box", "Ubuntu 20.04 ML-in-a-Box", ("V100", "P4000", "A4000"), 100
    ),
    Template("tilqt47t", "Ubuntu 22.04 H100", "Ubuntu 22.04 Server", ("H100",), 100),
    Template("tqqsxr6b", "Ubuntu 22.04 A100", "Ubuntu 22.04 Server", ("A100-80G",), 100),
    Template(
        "tdesk22", "Ubuntu 22.04 Desktop", "Ubuntu 22.04 Desktop", ("P4000",), 50, "LinuxDesktop"
    ),
)


def region_of(name: str) -> str | None:
    """``ny2`` for "ny2" as for "East Coast (NY2)": clients send either."""
    by_label = {label: short for short, label in REGIONS.items()}
    return name if name in REGIONS else by_label.get(name)
