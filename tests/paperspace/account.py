"""A team and all that it has: machines, events, scripts, addresses, networks."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import RLock
from typing import Any, Protocol

from tests.paperspace import catalogue
from tests.paperspace.bill import Meter
from tests.paperspace.faults import Faults, Lag, Pace
from tests.paperspace.refusals import Refused

ASKED_LATELY = timedelta(minutes=10)
OURS = "mldeploy-"  # how the name of everything begins that mldeploy makes


@dataclass
class Thing:
    """``number`` counts the things of the team; ``unseen_by_id`` and ``unseen_in_lists`` are how
    many calls do not know it yet. ``foreign``: somebody else's in the same team."""

    id: str
    name: str
    number: int
    created: datetime
    foreign: bool = False
    deleted: datetime | None = None
    unseen_by_id: int = 0
    unseen_in_lists: int = 0
    still_listed: int = 0  # how many lists show it after its end

    @property
    def exists(self) -> bool:
        return self.deleted is None


@dataclass
class Event(Thing):
    machine_id: str = ""
    state: str = "new"
    error: str | None = None
    started: datetime | None = None
    finished: datetime | None = None


@dataclass
class Stage:
    """It ends when it was looked at so often *and* has lasted so long; ``then`` gets the time."""

    looks: int
    lasts: timedelta
    then: Callable[[datetime], None]
    waits: bool = False  # for the machine itself, where there are real ones


@dataclass
class Machine(Thing):
    """``ran`` are the texts of the startup scripts that have run in it, in order."""

    type: catalogue.MachineType = field(default_factory=lambda: catalogue.TYPES["C5"])
    template: catalogue.Template = field(default_factory=lambda: catalogue.TEMPLATES[0])
    region: str = "ny2"
    disk_gb: int = 50
    state: str = "provisioning"
    address: str | None = None
    address_type: str = "none"
    script_id: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)  # autoShutdown… and the like, as given
    modified: datetime | None = None
    ready_since: datetime | None = None
    ran: list[str] = field(default_factory=list)
    stages: deque[Stage] = field(default_factory=deque)
    since: datetime | None = None  # of the stage
    looks: int = 0  # in the stage
    event: Event | None = None  # what is under way
    body_waits: bool = False  # a real machine is on its way up or down
    own_address: str | None = None  # a real machine's


@dataclass
class Script(Thing):
    text: str = ""
    run_once: bool = False
    enabled: bool = True
    assigned: set[str] = field(default_factory=set)


@dataclass
class Address(Thing):
    """A static one; its id and name are the address."""

    region: str = "ny2"
    machine_id: str | None = None


@dataclass
class Network(Thing):
    region: str = "ny2"


class Bodies(Protocol):
    """What makes machines into something to log in to; see tests/paperspace/bodies.py."""

    def launch(self, machine: Machine, script: str | None) -> None: ...
    def stop(self, machine: Machine) -> None: ...
    def start(self, machine: Machine, scripts: list[str]) -> None: ...
    def restart(self, machine: Machine, scripts: list[str]) -> None: ...
    def terminate(self, machine: Machine) -> None: ...
    def close(self) -> None: ...


@dataclass
class Account:
    key: str
    max_machines: int = 5
    page_size: int = 20
    allowed: tuple[int, timedelta] | None = None  # so many calls in so long
    asked_at: deque[datetime] = field(default_factory=deque)
    standing: dict[str, Any] | None = None  # None: the call is not there
    pages_to_spare: bool = False  # nextPage also on the last page
    auto_shutdown: bool = True  # False: taken as idle time, and the machine is never idle
    address_by_default: str = "none"
    templates: list[catalogue.Template] = field(default_factory=lambda: list(catalogue.TEMPLATES))
    shortages: set[tuple[str, str | None]] = field(default_factory=set)  # type, region or all
    surprises: set[tuple[str, str | None]] = field(default_factory=set)  # refused at create alone
    stuck: list[str] = field(default_factory=list)  # errors of the next create events
    stuck_deletes: list[str] = field(default_factory=list)
    events_stay: bool = True  # False: nobody knows those of a machine that is gone
    scripts_skipped: int = 0  # how many of the next machines do not run theirs
    pace: Pace = field(default_factory=Pace)
    lag: Lag = field(default_factory=Lag)
    faults: Faults = field(default_factory=Faults)
    machines: dict[str, Machine] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    scripts: dict[str, Script] = field(default_factory=dict)
    addresses: dict[str, Address] = field(default_factory=dict)
    networks: dict[str, Network] = field(default_factory=dict)
    meters: list[Meter] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    asked_for: dict[tuple[str, str], list[datetime]] = field(default_factory=dict)  # availability
    skew: timedelta = timedelta(0)
    still: datetime | None = None  # the time, where it stands still but for skew
    bodies: Bodies | None = None
    lock: RLock = field(default_factory=RLock, repr=False)
    _made: int = 0
    _chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311

    def now(self) -> datetime:
        return (self.still or datetime.now(UTC)) + self.skew

    def is_too_often(self) -> bool:
        """Counts as a call."""
        if self.allowed is None:
            return False
        times, per = self.allowed
        now = self.now()
        while self.asked_at and self.asked_at[0] <= now - per:
            self.asked_at.popleft()
        if len(self.asked_at) >= times:
            return True
        self.asked_at.append(now)
        return False

    def named(self, prefix: str, name: str = "", *, foreign: bool = False) -> dict[str, Any]:
        """The fields that everything has, for something new; ids follow no order."""
        self._made += 1
        letters = "".join(self._chance.choices("abcdefghijkmnpqrstuvwxyz23456789", k=9))
        return {
            "id": prefix + letters,
            "name": name or prefix + letters,
            "number": self._made,
            "created": self.now(),
            "foreign": foreign,
        }

    def free_address(self) -> str:
        """From the ranges for documentation, which no network routes (RFC 5737)."""
        self._made += 1
        net, host = divmod(self._made, 254)
        return f"{('192.0.2', '198.51.100', '203.0.113')[net % 3]}.{host + 1}"

    def is_short(self, machine_type: str, region: str, *, at_create: bool = False) -> bool:
        known = self.shortages | (self.surprises if at_create else set())
        return bool(known & {(machine_type, region), (machine_type, None)})

    def seen(self, things: dict[str, Any], thing_id: str) -> Any:
        """The thing with that id; raises `Refused` NOT_FOUND, also while it is too new."""
        found: Thing | None = things.get(thing_id)
        if found is None or not found.exists:
            raise Refused("NOT_FOUND", "Not found")
        if found.unseen_by_id > 0:
            found.unseen_by_id -= 1
            raise Refused("NOT_FOUND", "Not found")
        return found

    def was_asked_for(self, machine_type: str, region: str) -> bool:
        """Each question is good for one order, and for some minutes."""
        since = self.now() - ASKED_LATELY
        asked = self.asked_for.get((machine_type, region), [])
        asked[:] = [each for each in asked if each >= since]
        return bool(asked and asked.pop())

    def touched(self, thing: Thing, verb: str) -> None:
        """Something is about to be changed: is it ours?"""
        is_named = isinstance(thing, Address) or thing.name.startswith(OURS)
        if thing.foreign or not is_named:
            kind = type(thing).__name__.lower()
            self.trouble.append(f"{verb} of {kind} {thing.id} ({thing.name}), which is not ours")

    def meter(self, thing: Thing, what: str, rate: Decimal, at: datetime) -> None:
        self.meters.append(Meter(thing.id, what, rate, at, foreign=thing.foreign))

    def unmeter(self, thing: Thing, at: datetime, what: str | None = None) -> None:
        """Its costs end, or those of one kind."""
        for each in self.meters:
            if each.id == thing.id and each.until is None and what in {None, each.what}:
                each.until = at
