"""What everything of ours in a cloud is marked with, so that any laptop can tell whose it is. Pure.

A provider writes these as its cloud's tags; one whose cloud has other rules for names maps them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from mldeploy.providers import lifetime
from mldeploy.providers.base import Order, Owner

PREFIX = "mldeploy:"
MANAGED = f"{PREFIX}managed"
PROJECT, TARGET = f"{PREFIX}project", f"{PREFIX}target"
RENTAL, GENERATION = f"{PREFIX}rental", f"{PREFIX}generation"
EXPIRES, PRICE = f"{PREFIX}expires", f"{PREFIX}price"
HOST_KEY, MADE_BY = f"{PREFIX}host-key", f"{PREFIX}made-by"
YES = "true"


def of(order: Order, machine_type: str | None = None) -> dict[str, str]:
    """For a thing of that order; a machine, whose type is known, also says its price."""
    marks = {
        "Name": f"mldeploy {order.owner}",
        MANAGED: YES,
        PROJECT: order.owner.project,
        TARGET: order.owner.target,
        RENTAL: order.rental,
        GENERATION: str(order.generation),
        EXPIRES: lifetime.as_tag(order.expires_at),
        MADE_BY: order.made_by,
    }
    if machine_type is not None:
        marks |= {PRICE: order.prices[machine_type], HOST_KEY: order.host_key}
    return marks


def owner(marks: Mapping[str, str]) -> Owner:
    return Owner(marks.get(PROJECT, "?"), marks.get(TARGET, "?"))


def expiry(marks: Mapping[str, str]) -> datetime | None:
    """None also for marks that somebody damaged: the machine itself knows its end."""
    try:
        return lifetime.from_tag(marks.get(EXPIRES, lifetime.NEVER))
    except ValueError:
        return None


def generation(marks: Mapping[str, str]) -> int:
    text = marks.get(GENERATION, "0")
    return int(text) if text.isdigit() else 0
