"""What the practice cloud has, and what it would cost if it were one. Nobody pays anything.

The amounts are of the size of a real cloud's, so that what is learned of them holds there.
"""

from __future__ import annotations

import difflib
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from mldeploy.errors import ConfigError
from mldeploy.prices import HOURS_A_MONTH, Price, Size

DATED = date(2026, 7, 20)
SOURCE = "play money of the practice cloud: nothing is paid"
GB = 1_000_000_000

# US dollars an hour, cheapest first.
MACHINES: tuple[tuple[Size, Decimal], ...] = (
    (Size("fake.arm", 2, 2 * GB, "aarch64"), Decimal("0.015")),
    (Size("fake.small", 2, 2 * GB, "x86_64"), Decimal("0.02")),
    (Size("fake.large", 4, 4 * GB, "x86_64"), Decimal("0.08")),
)
DISK_GB_MONTH = Decimal("0.08")
ADDRESS_HOUR = Decimal("0.005")
FINEST = Decimal("0.00000001")
NEVER_FREE = ("fake.arm",)  # so that one can see how the next type is tried


def size(machine_type: str) -> Size:
    return _of(machine_type)[0]


def price(machine_type: str, disk_gb: int) -> Price:
    """Raises ConfigError for a type that is not in the table."""
    disk = (DISK_GB_MONTH * disk_gb / HOURS_A_MONTH).quantize(FINEST, ROUND_HALF_UP)
    return Price(_of(machine_type)[1], disk, ADDRESS_HOUR, DATED, SOURCE)


def _of(machine_type: str) -> tuple[Size, Decimal]:
    for found in MACHINES:
        if found[0].name == machine_type:
            return found
    names = [found.name for found, _ in MACHINES]
    near = difflib.get_close_matches(machine_type, names, n=1) or ["fake.small"]
    raise ConfigError(
        "no-price-for-type",
        what=f"There is no price of {machine_type!r} on the practice cloud: nothing is rented.",
        why=f"It has {', '.join(names)}.",
        do=f'machine_type = "{near[0]}" in mldeploy.toml',
    )
