"""How many virtual CPUs an account may run at once: one quota for each family of types. Pure.

Spot machines have quotas of their own. The codes are those of Service Quotas, service `ec2`; they
are the same in every account and region, and what they stand at is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PAGE = "https://{region}.console.aws.amazon.com/servicequotas/home/services/ec2/quotas{one}"


@dataclass(frozen=True)
class Family:
    """``letters`` are what the names of its types begin with, up to the first digit."""

    name: str
    letters: tuple[str, ...]
    on_demand: str
    for_spot: str

    def code(self, *, spot: bool) -> str:
        return self.for_spot if spot else self.on_demand


FAMILIES = (
    Family(
        "standard (A, C, D, H, I, M, R, T, Z)",
        ("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"),
        "L-1216C47A",
        "L-34B43A08",
    ),
    Family("G and VT", ("g", "gr", "vt"), "L-DB2E81BA", "L-3819A6DF"),
    Family("P", ("p",), "L-417A185B", "L-7212CCBC"),
    Family("Inf", ("inf",), "L-1945791B", "L-B5D1601B"),
    Family("Trn", ("trn",), "L-2C3B7624", "L-6B0D517C"),
    Family("DL", ("dl",), "L-6E869C2A", "L-85EED4F7"),
    Family("F", ("f",), "L-74FC7D96", "L-88CF9481"),
    Family("X", ("x",), "L-7295265B", "L-E3A00192"),
)


def family_of(machine_type: str) -> Family | None:
    """None for the few types that are counted in other ways, such as Macs."""
    found = re.match("[a-z]+", machine_type)
    letters = found.group() if found else ""
    return next((one for one in FAMILIES if letters in one.letters), None)


def link(region: str, machine_type: str = "", *, spot: bool = False) -> str:
    """Where a person sees the quota of a type, and asks for more; without a type, all of them."""
    family = family_of(machine_type)
    one = f"/{family.code(spot=spot)}" if family else ""
    return PAGE.format(region=region or "us-east-1", one=one)
