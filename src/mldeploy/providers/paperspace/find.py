"""Our things at Paperspace, read from their names in its own lists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mldeploy.prices import Price
from mldeploy.providers import clock
from mldeploy.providers.base import Owner
from mldeploy.providers.paperspace import costs, names
from mldeploy.providers.paperspace.client import Client
from mldeploy.providers.paperspace.errors import NotThereError
from mldeploy.providers.paperspace.records import Address, Machine, Script
from mldeploy.providers.paperspace.settings import short

LATE_SECONDS = 90.0  # by then every list shows it


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
        note = names.read_note(script.name, costs.source_of)
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
        price=machine_price or costs.price_of(machine, note),
        began=machine.began,
        expires_at=ours.expires_at,
        address=same.address if same else "",
    )


# As `list_ours` tells them


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
