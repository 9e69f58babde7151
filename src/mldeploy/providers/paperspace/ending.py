"""Ending what is ours, until Paperspace itself lists nothing of it any more.

A static address outlives its machine, and nothing then says whose it was: it is written into the
note before the machine goes. The note goes last, and what is left of it remembers the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from mldeploy.errors import MldeployError
from mldeploy.providers import clock, patience
from mldeploy.providers.base import Ended, Intend, Owner, Rented, Say, Thing
from mldeploy.providers.paperspace import events, find, notes, shown
from mldeploy.providers.paperspace.client import Client
from mldeploy.providers.paperspace.errors import (
    BusyError,
    NotThereError,
    UnknownOutcomeError,
)
from mldeploy.providers.paperspace.find import Noted, Ours
from mldeploy.providers.paperspace.records import Machine, as_utc

ENDING_SECONDS = 600.0  # of machines; mostly a minute
FREE_SECONDS = 120.0  # an address is free a little later
SETTLED_SECONDS, SETTLE_SECONDS = 120.0, 10.0  # lists know by then what was made
ROUNDS = 3
LOOK_SECONDS, SAY_SECONDS = 3.0, 30.0
REMEMBERED = timedelta(days=1)  # what an ended order's note is there for is over by then


@dataclass
class Ending:
    """One `destroy`: what was found, what it cost, and what did not go."""

    client: Client
    owner: Owner
    intend: Intend
    say: Say
    found: dict[str, Thing] = field(default_factory=dict)
    machines: dict[str, Rented] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def run(self) -> Ended:
        for round_ in range(ROUNDS):
            there, known = self._settled()
            listed = shown.things_of(self.client, there, known)
            new = [one for one in listed if one.id not in self.found]
            self.found |= {one.id: one for one in new}
            if not new and (listed or round_ > 0):
                break
            if not new:  # what was made just now may not be shown yet
                clock.sleep(LOOK_SECONDS)
                continue
            self._end(there, [one for one in known if one.note.state != "ended"])
        self._sweep()
        left = shown.things(self.client, self.owner)
        remaining = {thing.id for thing in left}
        return Ended(
            removed=tuple(one for name, one in self.found.items() if name not in remaining),
            left=tuple(replace(t, state=self.failed.get(t.id, t.state)) for t in left),
            machines=tuple(self.machines.values()),
            at=clock.now(),
        )

    def _settled(self) -> tuple[list[Ours], list[Noted]]:
        """What there is. An order that was begun just now may have a machine that is not listed
        yet: another laptop gives it at this moment, or a command was ended in the middle of it."""
        deadline = clock.monotonic() + SETTLED_SECONDS
        while True:
            there, known = find.seen(self.client, self.owner)
            stems = {one.stem for one in there}
            begun = [one for one in known if one.note.state == "begun" and _is_young(one)]
            hurried = next((one for one in begun if one.note.stem not in stems), None)
            if hurried is None or clock.monotonic() > deadline:
                return there, known
            self.say(f"{hurried.note.stem} was begun just now; see whether a machine follows")
            clock.sleep(SETTLE_SECONDS)

    def _end(self, there: list[Ours], known: list[Noted]) -> None:
        for one in there:
            noted = find.note_of(one.stem, known)
            note = noted.note if noted else None
            self.machines.setdefault(one.machine.id, shown.rented(self.client, one, note))
        failed, known = end_machines(self.client, there, known, self.intend, self.say)
        self.failed |= failed
        self._retire(there, known)

    def _retire(self, there: list[Ours], known: list[Noted]) -> None:
        """Those whose machine and address are gone. A note of nothing is deleted."""
        for noted in known:
            mine = [one for one in there if one.stem == noted.note.stem]
            address = noted.note.made.address if noted.note.made else ""
            if any(one.machine.id in self.failed for one in mine) or address in self.failed:
                continue
            try:
                if made := noted.note.made or (find.made_of(mine[0], noted.note) if mine else None):
                    note = noted.note.of("ended", replace(made, address=""))
                    notes.write(self.client, noted.script, note, self.intend, text=notes.EMPTY)
                else:
                    notes.delete(self.client, noted.script, self.intend)
            except NotThereError:
                continue
            except MldeployError as error:
                self.failed[noted.script.id] = f"{error.what} {error.why}"

    def _sweep(self) -> None:
        """Notes of orders that were ended long ago, of any owner."""
        for noted in find.notes(self.client):
            age = clock.now() - as_utc(noted.script.dt_created)
            if noted.note.state != "ended" or age < REMEMBERED or noted.script.id in self.found:
                continue
            try:
                notes.delete(self.client, noted.script, self.intend)
            except MldeployError:
                continue  # it costs nothing, and says nothing: another time


def destroy(client: Client, owner: Owner, intend: Intend, say: Say) -> Ended:
    return Ending(client, owner, intend, say).run()


def end_machines(
    client: Client, there: Sequence[Ours], known: Sequence[Noted], intend: Intend, say: Say
) -> tuple[dict[str, str], list[Noted]]:
    """With their static addresses. What is left by its id, and why; and the notes as they are."""
    known = notes.remember(client, there, known, intend)
    failed = delete_machines(client, [one.machine.id for one in there], intend, say)
    gone = [one for one in there if one.machine.id not in failed]
    for address, _ in find.owned_addresses(client, gone, known):
        stays = address.assigned_machine_id in failed
        if not stays and (told := release(client, address.public_ip, intend)):
            failed[address.public_ip] = told
    return failed, list(known)


def end_later_ones(
    client: Client, alive: list[Ours], known: list[Noted], intend: Intend, say: Say
) -> None:
    """Of two of one rental: a laptop made the second, and was gone before it saw the first."""
    for later in alive[1:]:
        if later.stem.rental != alive[0].stem.rental:
            continue
        say(f"{later.machine.id} is a second machine of the same rental: it goes")
        end_machines(client, [later], known, intend, say)


def delete_machines(client: Client, ids: Sequence[str], intend: Intend, say: Say) -> dict[str, str]:
    """Ask until each is gone: an answer proves nothing. What is left, and why."""
    waiting = list(ids)
    failed: dict[str, str] = {}
    going: set[str] = set()  # Paperspace said that it deletes them
    began = said = clock.monotonic()
    while waiting:
        for name in list(waiting):
            if name not in going:
                intend("paperspace:DeleteMachine", name)
                if not _ask_to_end(client, name, going, failed):
                    waiting.remove(name)
                    continue
            # What was made just now is not known at once, and is not gone for that.
            is_sure = name in going or clock.monotonic() - began > patience.SECONDS
            if is_gone(client, name):
                if is_sure:
                    waiting.remove(name)
                    failed.pop(name, None)
            elif name in going and not events.is_deletion(client, name):
                going.discard(name)  # its deletion went wrong: once more
                failed[name] = "it was asked to go, and stayed."
        now = clock.monotonic()
        if waiting and now - began > ENDING_SECONDS:
            return failed | {name: failed.get(name, "it is still going.") for name in waiting}
        if waiting and now - said >= SAY_SECONDS:
            say(f"{', '.join(waiting)}: not gone yet")
            said = now
        if waiting:
            clock.sleep(LOOK_SECONDS)
    return failed


def _ask_to_end(client: Client, name: str, going: set[str], failed: dict[str, str]) -> bool:
    """False where it was refused for good."""
    try:
        client.delete(f"/machines/{name}")
    except NotThereError:
        return True  # no more, or not yet
    except (BusyError, UnknownOutcomeError) as error:
        failed[name] = f"{error.what} {error.why}"
        with suppress(MldeployError):
            if events.is_deletion(client, name):  # by somebody else, or by a lost request
                going.add(name)
        return True
    except MldeployError as error:
        failed[name] = f"{error.what} {error.why}"
        return False
    going.add(name)
    return True


def is_gone(client: Client, name: str) -> bool:
    """Neither by its id nor in a list."""
    try:
        found = client.get(f"/machines/{name}", Machine)
    except NotThereError:
        listed = client.pages("/machines", Machine)
        return not any(one.id == name and one.dt_deleted is None for one in listed)
    except UnknownOutcomeError:
        return False
    return found.dt_deleted is not None


def release(client: Client, address: str, intend: Intend) -> str:
    """Give a static address back. Why it stays; empty where it went. It may be in use for some
    time after its machine's end."""
    intend("paperspace:ReleasePublicIp", address)
    deadline = clock.monotonic() + FREE_SECONDS
    while True:
        try:
            client.delete(f"/public-ips/{address}")
        except NotThereError:
            if not any(one.public_ip == address for one in find.addresses(client)):
                return ""
            if clock.monotonic() > deadline:  # one that is still listed still costs
                return "Paperspace says that it is not there, and lists it."
            clock.sleep(LOOK_SECONDS)
        except MldeployError as error:
            if not isinstance(error, BusyError) or clock.monotonic() > deadline:
                return f"{error.what} {error.why}"
            clock.sleep(LOOK_SECONDS)
        else:
            return ""


def _is_young(noted: Noted) -> bool:
    age = clock.now() - as_utc(noted.script.dt_created)
    return age.total_seconds() < SETTLED_SECONDS
