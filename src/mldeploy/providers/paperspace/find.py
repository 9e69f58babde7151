"""Our things at Paperspace, read from their names in its own lists."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from mldeploy.errors import MldeployError
from mldeploy.prices import Price, Table, table
from mldeploy.providers import clock
from mldeploy.providers.base import Owner, Rented, State, Thing
from mldeploy.providers.paperspace import names
from mldeploy.providers.paperspace.client import Client
from mldeploy.providers.paperspace.errors import NotThereError
from mldeploy.providers.paperspace.records import Address, Event, Machine, Script, as_utc
from mldeploy.providers.paperspace.settings import short
from mldeploy.providers.paperspace.startup import USER

CONSOLE = "https://console.paperspace.com"
STATES: dict[str, State] = {
    "ready": "running",
    "off": "stopped",
    "stopping": "stopped",
}  # of all others, some of them not in any document, it is on its way there
LATE_SECONDS = 90.0  # by then every list shows it
KIND = "paperspace"


@dataclass(frozen=True)
class Ours:
    """A machine and what its name says. One of the same ``stem`` is the same order's."""

    machine: Machine
    stem: names.Stem
    expires_at: datetime | None

    @property
    def age(self) -> tuple[datetime, str]:
        """What decides between two of one rental: the first one stays."""
        return self.machine.began, self.machine.id


@dataclass(frozen=True)
class Noted:
    """A note, and the startup script whose name it is."""

    script: Script
    note: names.Note


def machines(client: Client, owner: Owner | None = None) -> list[Ours]:
    """All regions, the first one made first; not those that are gone."""
    found = []
    for machine in client.pages("/machines", Machine):
        read = names.read_machine(machine.name)
        if read and machine.dt_deleted is None and owner in (None, read[0].owner):
            found.append(Ours(machine, *read))
    return sorted(found, key=lambda one: one.age)


def notes(client: Client, owner: Owner | None = None) -> list[Noted]:
    """Of those that were ended too; the first one made first."""
    found = []
    for script in client.pages("/startup-scripts", Script):
        note = names.read_note(script.name, source_of)
        if note and script.dt_deleted is None and owner in (None, note.stem.owner):
            found.append(Noted(script, note))
    return sorted(found, key=lambda one: (one.script.dt_created, one.script.id))


def seen(client: Client, owner: Owner) -> tuple[list[Ours], list[Noted]]:
    """The owner's machines and notes. A list may not show yet what is known by its id."""
    there, known = machines(client, owner), notes(client, owner)
    listed = {one.machine.id for one in there}
    for noted in known:
        made = noted.note.made
        if not noted.note.has_machine or not made or made.id in listed:
            continue
        if late := by_id(client, made.id):
            there.append(late)
            listed.add(made.id)
    return sorted(there, key=lambda one: one.age), known


def by_id(client: Client, machine_id: str) -> Ours | None:
    """None where it is no more, or is not known yet."""
    try:
        machine = client.get(f"/machines/{machine_id}", Machine)
    except NotThereError:
        return None
    read = names.read_machine(machine.name)
    return Ours(machine, *read) if read and machine.dt_deleted is None else None


def is_carried_out(noted: Noted, there: Iterable[Ours]) -> bool:
    """Is it sure that a machine came of the order? One that was made just now, and is not seen,
    may be late instead of gone."""
    note = noted.note
    if note.state == "ended":
        return True
    if note.state == "begun" or note.made is None:
        return False
    is_seen = any(one.machine.id == note.made.id for one in there)
    return is_seen or (clock.now() - note.made.began).total_seconds() > LATE_SECONDS


def addresses(client: Client) -> list[Address]:
    return client.pages("/public-ips", Address)


def rented(client: Client, ours: Ours, note: names.Note | None) -> Rented:
    """``note`` is that of the same stem; without it nobody gets in, but everybody may end it."""
    machine = ours.machine
    state, why = state_of(client, machine, ours.expires_at)
    return Rented(
        id=machine.id,
        owner=ours.stem.owner,
        rental=ours.stem.rental,
        generation=ours.stem.generation,
        state=state,
        machine_type=machine.machine_type,
        place=short(machine.region),
        address=machine.public_ip or None,
        port=22,
        user=USER,
        host_key=note.host_key if note else "",
        began=machine.began,
        expires_at=ours.expires_at,
        price=price_of(machine, note),
        made_by=note.made_by if note else "",
        page=CONSOLE,
        why=why,
    )


def ended(note: names.Note) -> Rented | None:
    """The machine of an order as it was; None where none came of it."""
    made, stem = note.made, note.stem
    if made is None:
        return None
    return Rented(
        id=made.id,
        owner=stem.owner,
        rental=stem.rental,
        generation=stem.generation,
        state="ended",
        machine_type=made.machine_type,
        place=made.place,
        address=None,
        port=22,
        user=USER,
        host_key=note.host_key,
        began=made.began,
        expires_at=made.expires_at,
        price=made.price,
        made_by=note.made_by,
        page=CONSOLE,
        why="Paperspace lists it no more",
    )


def state_of(client: Client, machine: Machine, expires_at: datetime | None) -> tuple[State, str]:
    """And why, where it is not on. One that is being deleted looks like one that is stopped."""
    state = STATES.get(machine.state, "starting")
    if state != "stopped":
        return state, ""
    if is_being_deleted(client, machine.id):
        return "ending", "it is being deleted"
    if expires_at and expires_at < clock.now():
        return state, "Its lifetime is over, and it stopped itself instead of deleting itself."
    return state, ""


def is_being_deleted(client: Client, machine_id: str) -> bool:
    events = client.pages("/machine-events", Event, machineId=machine_id)
    return any(
        one.name == "deactivate" and one.state not in ("error", "cancelled") for one in events
    )


def note_of(stem: names.Stem, known: Iterable[Noted]) -> Noted | None:
    """That of a machine's own order, the one that says most first."""
    order = {"told": 0, "made": 0, "begun": 1, "ended": 2}
    there = [one for one in known if one.note.stem == stem]
    return min(there, key=lambda one: order[one.note.state], default=None)


def made_of(ours: Ours, note: names.Note | None, machine_price: Price | None = None) -> names.Made:
    """What a note is to remember of a machine; what it knows of its address stays."""
    machine = ours.machine
    before = note.made if note else None
    same = before if before and before.id == machine.id else None
    return names.Made(
        id=machine.id,
        machine_type=machine.machine_type,
        place=short(machine.region),
        price=machine_price or price_of(machine, note),
        began=machine.began,
        expires_at=ours.expires_at,
        address=same.address if same else "",
    )


def price_of(machine: Machine, note: names.Note | None) -> Price:
    """At its launch; from today's table where no note says it."""
    if note and note.made and note.made.id == machine.id:
        return note.made.price
    with suppress(MldeployError):
        return price(table(KIND), short(machine.region), machine.machine_type, machine.disk_gb,
                     static=machine.public_ip_type == "static")  # fmt: skip
    zero = Decimal(0)
    return Price(zero, zero, zero, datetime.now(UTC).date(), "no table has it")


def price(prices: Table, place: str, machine_type: str, disk_gb: int, *, static: bool) -> Price:
    """Only a static address costs something."""
    found = prices.price(place, machine_type, disk_gb)
    address = prices.in_region(place).static_address if static else found.address
    return Price(found.machine, found.disk, address, found.dated, found.source)


def source_of(place: str, machine_type: str) -> str:
    """Of a price that a name has without its source, as `as_tag` would write it."""
    with suppress(MldeployError):
        here = table(KIND).in_region(place)
        return here.sources.get(machine_type, here.source)
    return "Paperspace"


def address_price(place: str) -> Decimal:
    with suppress(MldeployError):
        return table(KIND).in_region(place).static_address
    return Decimal(0)


# As `list_ours` tells them


def things(client: Client, owner: Owner | None = None) -> list[Thing]:
    """All that is there, in the order in which it is to be ended; what only remembers is not."""
    if owner:
        there, known = seen(client, owner)
    else:
        there, known = machines(client), notes(client)
    found = [machine_thing(client, one, note_of(one.stem, known)) for one in there]
    found += [
        _address_thing(client, address, noted)
        for address, noted in owned_addresses(client, there, known)
    ]
    found += [_script_thing(client, one) for one in known if one.note.state != "ended"]
    return found


def owned_addresses(
    client: Client, there: list[Ours], known: list[Noted]
) -> list[tuple[Address, names.Note | Ours]]:
    """The static ones that our machines have, or had: nothing else says whose one is."""
    by_machine = {one.machine.id: one for one in there}
    by_address = {
        one.note.made.address: one.note for one in known if one.note.made and one.note.made.address
    }
    if not by_address and not any(one.machine.public_ip_type == "static" for one in there):
        return []
    found: list[tuple[Address, names.Note | Ours]] = []
    for each in addresses(client):
        if each.assigned_machine_id in by_machine:
            found.append((each, by_machine[each.assigned_machine_id]))
        elif each.assigned_machine_id is None and each.public_ip in by_address:
            found.append((each, by_address[each.public_ip]))
    return found


def machine_thing(client: Client, ours: Ours, noted: Noted | None) -> Thing:
    """Its address is listed by itself; when it is off only its disk costs something."""
    one = rented(client, ours, noted.note if noted else None)
    costs = one.price.disk + (Decimal(0) if one.state == "stopped" else one.price.machine)
    return Thing(
        kind="machine",
        id=one.id,
        place=one.place,
        owner=one.owner,
        rental=one.rental,
        state=one.state,
        price=costs,
        began=one.began,
        expires_at=one.expires_at,
        end_it=_by_hand(client, f"/machines/{one.id}"),
        page=one.page,
        made_by=one.made_by,
    )


def _address_thing(client: Client, address: Address, whose: names.Note | Ours) -> Thing:
    return Thing(
        kind="address",
        id=address.public_ip,
        place=short(address.region),
        owner=whose.stem.owner,
        rental=whose.stem.rental,
        state="in use" if address.assigned_machine_id else "left behind",
        price=address_price(short(address.region)),
        began=None,
        expires_at=None,
        end_it=_by_hand(client, f"/public-ips/{address.public_ip}"),
        page=CONSOLE,
    )


def _script_thing(client: Client, noted: Noted) -> Thing:
    return Thing(
        kind="script",
        id=noted.script.id,
        place="the team",
        owner=noted.note.stem.owner,
        rental=noted.note.stem.rental,
        state="there",
        price=Decimal(0),
        began=as_utc(noted.script.dt_created),
        expires_at=None,
        end_it=_by_hand(client, f"/startup-scripts/{noted.script.id}"),
        page=CONSOLE,
        made_by=noted.note.made_by,
    )


def _by_hand(client: Client, path: str) -> str:
    return f'curl -X DELETE -H "Authorization: Bearer $PAPERSPACE_API_KEY" {client.url}{path}'
