"""A machine of an order, where the same request twice would make two.

Paperspace takes no idempotency key, and its names are not unique. So the startup script is made
first, as the note of an order that was begun; what got no answer is looked for by its name; and
whoever has made a machine looks again: of two of the same rental the one that was made first stays,
and who made the other one deletes it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace

from mldeploy.errors import MldeployError
from mldeploy.prices import from_tag
from mldeploy.providers import clock, patience
from mldeploy.providers.base import Intend, Order, Rented, Say
from mldeploy.providers.paperspace import (
    ending,
    events,
    find,
    names,
    notes,
    refusals,
    request,
    sayings,
    shown,
    startup,
    templates,
)
from mldeploy.providers.paperspace.client import Client
from mldeploy.providers.paperspace.errors import (
    Asked,
    NoCapacityError,
    UnknownOutcomeError,
)
from mldeploy.providers.paperspace.find import Noted, Ours
from mldeploy.providers.paperspace.records import Availability, Change, Event, Script
from mldeploy.providers.paperspace.settings import REGIONS, PaperspaceTarget

CREATE = "paperspace:CreateMachine"
# What two laptops made in the same moment, both see after it.
SETTLE_SECONDS = 3.0


@dataclass
class Launch:
    """One `create`. ``made_here`` are the scripts that it made: no other is its to remove."""

    client: Client
    target: PaperspaceTarget
    order: Order
    disk_gb: int
    intend: Intend
    say: Say
    made_here: list[Script] = field(default_factory=list)

    def run(self) -> Rented:
        noted = self._begun()
        if isinstance(noted, Rented):
            return noted
        try:
            return self._first_that_is_free(noted)
        except UnknownOutcomeError:
            raise  # a machine may exist: its note stays, and the next call finds it
        except MldeployError:
            self._forget(noted)
            raise

    # What there is of it already

    def _begun(self) -> Rented | Noted | None:
        """Its machine, also one that has ended; else its note, where an earlier try made one."""
        if found := self._there():
            return found
        known = self._notes()
        if done := [one for one in known if one.note.state != "begun"]:
            return self._carried_out(done)
        mine = next((one for one in known if one.note.stem == names.stem_of(self.order)), None)
        others = [one for one in known if one is not mine]
        if others or (mine and self.order.tried):
            self.say("an earlier try may have made a machine: look for it, up to 40 s")
            if found := patience.until(self._there):
                return found
        return mine

    def _carried_out(self, done: list[Noted]) -> Rented:
        """A machine came of it, and no list has it."""
        if not all(find.is_carried_out(one, ()) for one in done):
            self.say("a machine of it was made just now: look for it, up to 40 s")
            if found := patience.until(self._there):
                return found
        for noted in done:
            if before := shown.ended(noted.note):
                return before
        raise refusals.used(self.order)

    def _there(self) -> Rented | None:
        """The machine of the rental, as soon as it is listed; of two the first, alone."""
        everything, known = find.seen(self.client, self.order.owner)
        there = [one for one in everything if one.stem.rental == self.order.rental]
        if not there:
            return None
        seen = [shown.rented(self.client, one, _note(one, known)) for one in there]
        alive = [one for one, now in zip(there, seen, strict=True) if now.state != "ending"]
        if not alive:
            return seen[0]
        ending.end_later_ones(self.client, alive, known, self.intend, self.say)
        return self._kept(alive[0], find.note_of(alive[0].stem, known))

    def _kept(self, ours: Ours, noted: Noted | None) -> Rented:
        """With a note that knows it: so the order counts as carried out for good."""
        if noted and not (noted.note.made and noted.note.made.id == ours.machine.id):
            noted = self._mark(ours, noted)
        return shown.rented(self.client, ours, noted.note if noted else None)

    def _mark(self, ours: Ours, noted: Noted) -> Noted:
        price = None
        if text := self.order.prices.get(ours.machine.machine_type):
            price = from_tag(text)
        note = noted.note.of("made", find.made_of(ours, noted.note, price))
        try:
            patience.once_known(lambda: notes.write(self.client, noted.script, note, self.intend))
        except MldeployError as error:  # the machine is there, and is found without it
            self.say(f"the note of {ours.machine.id} was not written: {error.what} {error.why}")
        return replace(noted, note=note)

    # Making one

    def _first_that_is_free(self, noted: Noted | None) -> Rented:
        refused: list[str] = []
        for machine_type in self.order.machine_types:
            template = templates.for_type(self.client, self.target, machine_type, self.disk_gb)
            if not self._is_free(machine_type):
                refused.append(f"{machine_type}: none available")
            else:
                noted = noted or self._noted()
                try:
                    return self._settled(machine_type, template, noted)
                except NoCapacityError as error:
                    refused.append(f"{machine_type}: {error.said or error.why}")
            self.say(f"none free: {machine_type} in {self.target.place}; trying the next")
        raise refusals.nowhere(self.order, self.target.place, refused)

    def _is_free(self, machine_type: str) -> bool:
        region = REGIONS[self.target.place]
        asked = self.client.get(
            "/machine-availability", Availability, machineType=machine_type, region=region
        )
        return asked.available

    def _noted(self) -> Noted:
        credentials = self.client.credentials
        expiry = startup.Expiry(self.target.on_expiry, credentials.key, credentials.url)
        noted = notes.begin(self.client, self.order, expiry, self.intend)
        self.made_here.append(noted.script)
        return noted

    def _settled(self, machine_type: str, template: str, noted: Noted) -> Rented:
        asked = Asked("POST /machines", machine_type, self.target.place)
        name = names.machine(noted.note.stem, self.order.expires_at)
        self.intend(CREATE, f"{machine_type} in {self.target.place}, {name}")
        body = request.machine(
            self.target,
            name=name,
            machine_type=machine_type,
            template=template,
            disk_gb=self.disk_gb,
            script=noted.script.id,
        ) | request.shutdown(self.order.expires_at, clock.now())
        event: Event | None = None
        try:
            # Its script was made a moment ago.
            made = patience.once_known(lambda: self.client.make("/machines", Change, body, asked))
        except UnknownOutcomeError as error:
            ours = self._after_a_lost_reply(error)
        else:
            ours = Ours(made.data, noted.note.stem, self.order.expires_at)
            event = made.event
        if first := self._was_second(ours, noted):
            return first
        if event and (error_said := events.outcome(self.client, event, self.say)) is not None:
            self._give_back(ours, noted, sayings.never_started(error_said, asked))
        return self._kept(ours, noted)

    def _after_a_lost_reply(self, lost: UnknownOutcomeError) -> Ours:
        def look() -> Ours | None:
            stem = names.stem_of(self.order)
            return next((one for one in self._machines() if one.stem == stem), None)

        try:
            found = patience.until(look)
        except MldeployError:  # who may not look any more does not know more than before
            found = None
        if found is None:
            raise lost
        return found

    def _was_second(self, ours: Ours, noted: Noted) -> Rented | None:
        """Has another laptop made one of this rental before? Then ours goes, and that one stays."""
        clock.sleep(SETTLE_SECONDS)
        try:
            there = [one for one in self._machines() if one.stem.rental == self.order.rental]
        except MldeployError:
            return None  # the next call looks again
        first = min([*there, ours], key=lambda one: one.age)
        if first.machine.id == ours.machine.id:
            return None
        self.say(f"another laptop was first: {first.machine.id} stays, {ours.machine.id} goes")
        failed, _ = ending.end_machines(self.client, [ours], [noted], self.intend, self.say)
        if not failed:
            self._forget(noted, gone=ours.machine.id)
        return shown.rented(self.client, first, _note(first, self._notes()))

    def _give_back(self, ours: Ours, noted: Noted, why: NoCapacityError) -> None:
        """It would be paid for, and never run."""
        name = ours.machine.id
        failed, _ = ending.end_machines(self.client, [ours], [noted], self.intend, self.say)
        if failed:
            raise UnknownOutcomeError(
                "paperspace-never-started",
                what=f"{why.what} Something of {name} is left, and is not to be deleted now.",
                why=" ".join((why.why, *failed.values())),
                do=f"mldeploy down {self.order.owner.target}",
            ) from why
        raise why

    # Small steps of the above

    def _machines(self) -> list[Ours]:
        return find.machines(self.client, self.order.owner)

    def _notes(self) -> list[Noted]:
        known = find.notes(self.client, self.order.owner)
        return [one for one in known if one.note.stem.rental == self.order.rental]

    def _forget(self, noted: Noted | None, gone: str = "") -> None:
        """The note of what was refused, unless a machine has it; `orphans` lists one that stays."""
        scripts = {one.id: one for one in [*self.made_here, *([noted.script] if noted else [])]}
        with suppress(MldeployError):
            there = [one for one in self._machines() if one.machine.id != gone]
            if noted and any(one.stem == noted.note.stem for one in there):
                return
        for script in scripts.values():
            with suppress(MldeployError):
                notes.delete(self.client, script, self.intend)


def _note(ours: Ours, known: list[Noted]) -> names.Note | None:
    noted = find.note_of(ours.stem, known)
    return noted.note if noted else None
