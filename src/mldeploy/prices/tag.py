"""The price at launch as a cloud tag, so that a receipt can be written from any laptop.

``machine=0.0208 disk=0.00219178 address=0.005 dated=2026-07-20 source=AWS price list``
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation

from mldeploy.errors import FailedError
from mldeploy.prices.amounts import Price

LONGEST = 256  # characters in the value of an AWS tag
ALLOWED = re.compile(r"[A-Za-z0-9 +\-=._:/@]*")  # what every AWS service takes in one
TAG = re.compile(
    r"machine=(?P<machine>\d+(\.\d+)?) disk=(?P<disk>\d+(\.\d+)?) address=(?P<address>\d+(\.\d+)?)"
    r" dated=(?P<dated>\d{4}-\d\d-\d\d) source=(?P<source>.*)"
)


def as_tag(price: Price) -> str:
    """``price`` in at most 256 characters that an AWS tag may hold.

    What a source has besides those is written as ``-``, and a long one is cut.
    """
    amounts = " ".join(f"{name}={amount:f}" for name, amount in price.parts())
    source = re.sub(r"[^A-Za-z0-9 +\-=._:/@]", "-", price.source)
    return f"{amounts} dated={price.dated.isoformat()} source={source}"[:LONGEST].rstrip()


def from_tag(text: str) -> Price:
    """The price that `as_tag` wrote. Raises FailedError where somebody else wrote in it."""
    found = TAG.fullmatch(text)
    if found is None:
        raise _unreadable(text)
    machine, disk, address = (Decimal(found[name]) for name in ("machine", "disk", "address"))
    try:
        dated = date.fromisoformat(found["dated"])
    except (ValueError, InvalidOperation) as error:
        raise _unreadable(text) from error
    return Price(machine, disk, address, dated, found["source"])


def _unreadable(text: str) -> FailedError:
    return FailedError(
        "price-tag",
        what="The price that the machine was rented at cannot be read from its tag.",
        why=f"It should look like machine=… disk=… address=… dated=… source=…, and is {text!r}.",
        do="mldeploy prices: what a machine of that type costs by the table",
    )
