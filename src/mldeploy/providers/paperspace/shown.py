"""Our things at Paperspace, as the contract of a provider has them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from mldeploy.providers import clock
from mldeploy.providers.base import Owner, Rented, State, Thing
from mldeploy.providers.paperspace import costs, events, find, names
from mldeploy.providers.paperspace.client import Client
from mldeploy.providers.paperspace.find import Noted, Ours
from mldeploy.providers.paperspace.records import Address, Machine, as_utc
from mldeploy.providers.paperspace.settings import short
from mldeploy.providers.paperspace.startup import USER

CONSOLE = "https://console.paperspace.com"
STATES: dict[str, State] = {
    "ready": "running",
    "off": "stopped",
    "stopping": "stopped",
}  # of all others, some of them not in any document, it is on its way there


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
        price=costs.price_of(machine, note),
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
    if events.is_deletion(client, machine.id):
        return "ending", "it is being deleted"
    if expires_at and expires_at < clock.now():
        return state, "Its lifetime is over, and it stopped itself instead of deleting itself."
    return state, ""


def things(client: Client, owner: Owner | None = None) -> list[Thing]:
    """All that is there, in the order in which it is to be ended; what only remembers is not."""
    if owner:
        return things_of(client, *find.seen(client, owner))
    return things_of(client, find.machines(client), find.notes(client))


def things_of(client: Client, there: list[Ours], known: list[Noted]) -> list[Thing]:
    """The same, of machines and notes that were read."""
    found = [machine_thing(client, one, find.note_of(one.stem, known)) for one in there]
    found += [
        _address_thing(client, address, noted)
        for address, noted in find.owned_addresses(client, there, known)
    ]
    found += [_script_thing(client, one) for one in known if one.note.state != "ended"]
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
        price=costs.address_price(short(address.region)),
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
