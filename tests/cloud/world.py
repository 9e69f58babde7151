"""Everything about the stand-in that a test may set and look at, beside moto's own state.

moto's state is one for the process, and so is this.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any, Protocol

from tests.cloud.calls import Call
from tests.cloud.faults import Faults
from tests.cloud.lag import Lag, Unseen
from tests.cloud.life import Life, Pace
from tests.cloud.plan import Plan
from tests.cloud.prices import PRICES, Price
from tests.cloud.quotas import VCPUS
from tests.cloud.tokens import Token

ACCOUNT = "123456789012"
LEARNER = "AKIAIOSFODNN7LEARNER"  # the access key that the product is given
LEARNERS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
OUTSIDE = "AKIAIOSFODNN7OUTSIDE"  # sees all and may all, past every fault
FIRST_REGION = "us-east-1"


class Bodies(Protocol):
    """What makes instances into machines that one can log in to; see tests/cloud/bodies.py."""

    def launch(self, life: Life, user_data: bytes, public_keys: list[str]) -> None: ...
    def stop(self, instance_id: str) -> None: ...
    def start(self, life: Life) -> None: ...
    def reboot(self, instance_id: str) -> None: ...
    def terminate(self, instance_id: str) -> None: ...
    def rules_changed(self) -> None: ...
    def add_key(self, instance_id: str, user: str, key: str, seconds: int) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Shortage:
    """No machine of this type in this zone; None means every one."""

    type: str | None
    zone: str | None
    market: str | None = None  # "spot", "on-demand"

    def meets(self, instance_type: str, zone: str, *, spot: bool) -> bool:
        market = "spot" if spot else "on-demand"
        return (
            self.type in {None, instance_type}
            and self.zone in {None, zone}
            and self.market in {None, market}
        )


@dataclass
class World:
    pace: Pace = field(default_factory=Pace)
    lag: Lag = field(default_factory=Lag)
    faults: Faults = field(default_factory=Faults)
    calls: list[Call] = field(default_factory=list)
    caller_address: str = "203.0.113.10"
    vcpus: dict[str, float] = field(default_factory=lambda: dict(VCPUS))  # by quota code
    vcpus_in: dict[tuple[str, str], float] = field(default_factory=dict)  # by region and code
    spot_requests: int = 20
    shortages: list[Shortage] = field(default_factory=list)
    not_offered: list[Shortage] = field(default_factory=list)
    plan: Plan = field(default_factory=Plan)
    prices: list[Price] = field(default_factory=lambda: list(PRICES))
    opted_in: set[str] = field(default_factory=set)  # of those in regions.OPT_IN
    policy: dict[str, Any] | None = None  # None: the learner may everything
    terse_denials: bool = False
    denials: dict[str, str] = field(default_factory=dict)  # encoded message to the decoded one
    lives: dict[str, Life] = field(default_factory=dict)  # by instance id
    tokens: dict[tuple[str, str], Token] = field(default_factory=dict)  # by region and token
    unseen: dict[str, Unseen] = field(default_factory=dict)  # by resource id
    ssh_keys: list[dict[str, Any]] = field(default_factory=list)
    skew: timedelta = timedelta(0)
    addresses_given: int = 0
    call: Call | None = None  # the one that is being carried out, by who holds the lock
    looks_from_outside: bool = False
    bodies: Bodies | None = None
    lock: RLock = field(default_factory=RLock, repr=False)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.skew

    def clear(self) -> None:
        """As on the first day; machines stay attached."""
        fresh = World()
        for each in fields(self):
            if each.name not in {"lock", "bodies"}:
                setattr(self, each.name, getattr(fresh, each.name))

    def free_address(self) -> str:
        """From the ranges for documentation, which no network routes (RFC 5737)."""
        self.addresses_given += 1
        net, host = divmod(self.addresses_given - 1, 254)
        return f"{('192.0.2', '198.51.100')[net % 2]}.{host + 1}"


WORLD = World()
