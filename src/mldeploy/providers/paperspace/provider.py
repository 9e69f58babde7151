"""Paperspace behind the contract of a provider."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from mldeploy.config import RentedTarget, SshTarget
from mldeploy.prices import Price, Size, Table, table
from mldeploy.providers import clock
from mldeploy.providers.base import (
    ALIVE,
    Account,
    Ended,
    Intend,
    Listed,
    Order,
    Owner,
    Provider,
    Rented,
    Say,
)
from mldeploy.providers.paperspace import (
    costs,
    credentials,
    ending,
    find,
    launch,
    names,
    notes,
    plan,
    request,
    shown,
)
from mldeploy.providers.paperspace.client import Client
from mldeploy.providers.paperspace.errors import KeyRefusedError, NotThereError
from mldeploy.providers.paperspace.find import Noted, Ours
from mldeploy.providers.paperspace.records import Session
from mldeploy.providers.paperspace.sayings import NEW_KEY
from mldeploy.providers.paperspace.settings import PaperspaceTarget

if TYPE_CHECKING:
    from mldeploy.doctor.checks import Check


class Paperspace(Provider):
    """Machines of one team; what is ours is found in all its regions at once."""

    kind = "paperspace"
    title = "Paperspace"
    makes = launch.CREATE
    settings = PaperspaceTarget
    target: PaperspaceTarget
    # Its sshd answers before the startup script has given it the key that we know.
    shows_its_key_late = True
    boot_seconds = 960  # a machine with a GPU takes its time

    def __init__(self, target: RentedTarget | SshTarget) -> None:
        super().__init__(target)
        self._notes: dict[names.Stem, Noted] = {}

    @classmethod
    def anywhere(cls) -> Paperspace | None:
        return cls(PaperspaceTarget()) if credentials.find() else None

    @cached_property
    def client(self) -> Client:
        return Client(credentials.must_be())

    def check(self) -> Account:
        who = self.session
        return Account(who.team.id, who.user.email or who.user.id, self.target.place)

    @cached_property
    def session(self) -> Session:
        """Raises KeyRefusedError: who is not logged in gets a good answer with nothing in it."""
        found = self.client.get("/auth/session", Session | None)  # type: ignore[arg-type]
        if found is None:
            raise KeyRefusedError(
                "paperspace-unauthorized",
                what="Paperspace does not accept this API key.",
                why=f"It was found in {self.client.credentials.source}, and belongs to nobody.",
                do=NEW_KEY,
            )
        return found

    # Prices

    @cached_property
    def _table(self) -> Table:
        return table(self.kind)

    @property
    def _disk_gb(self) -> int:
        return self._table.disk_step(self.target.place, self.target.disk_gb)

    def sizes(self) -> Sequence[tuple[Size, Decimal]]:
        return self._table.sizes(self.target.place)

    def price(self, machine_type: str) -> Price:
        static = self.target.public_address == "static"
        return costs.price(
            self._table, self.target.place, machine_type, self.target.disk_gb, static=static
        )

    def plan(self) -> Sequence[str]:
        size = self._table.size(self.target.place, self.target.machine_type)
        return plan.lines(self.target, size, self._disk_gb, self.price(size.name))

    # The machine

    def create(self, order: Order, intend: Intend, say: Say) -> Rented:
        disk_gb = self._table.disk_step(self.target.place, order.disk_gb)
        return launch.Launch(self.client, self.target, order, disk_gb, intend, say).run()

    def get(self, owner: Owner) -> Rented | None:
        there = self._seen(owner)
        seen = [shown.rented(self.client, one, self._note(one)) for one in there]
        here = [one for one in seen if one.place == self.target.place]
        alive = [one for one in here if one.state in ALIVE]
        # Of two of one generation the first that was made, as `create` has it.
        return max(
            alive or here, key=lambda one: (one.generation, -one.began.timestamp()), default=None
        )

    def last_generation(self, owner: Owner) -> int:
        there, known = find.seen(self.client, owner)
        seen = [one.stem.generation for one in there]
        seen += [one.note.stem.generation for one in known if find.is_carried_out(one, there)]
        return max(seen, default=0)

    def let_in(self, rented: Rented, intend: Intend) -> None:
        """Everybody reaches its port 22: there is nothing to open.

        It is what every command does that works on the machine, so what a command left undone that
        was ended in the middle is done here.
        """
        everything, known = find.seen(self.client, rented.owner)
        there = [one for one in everything if one.stem.rental == rented.rental]
        there = [one for one in there if not self._is_ending(one)]
        ending.end_later_ones(self.client, there, known, intend, lambda _: None)
        for one in there[:1]:
            noted = find.note_of(one.stem, known)
            if noted and not (noted.note.made and noted.note.made.id == one.machine.id):
                note = noted.note.of("made", find.made_of(one, noted.note))
                notes.write(self.client, noted.script, note, intend)
        notes.remember(self.client, there[:1], find.notes(self.client, rented.owner), intend)

    def open_ports(self, rented: Rented, ports: tuple[int, ...], intend: Intend) -> None:
        """Paperspace has no firewall for a machine: what listens there, everybody reaches.

        Who calls this has logged in, so the machine has heard what it was told, and the script that
        told it is emptied: there are secrets in it.
        """
        for noted in find.notes(self.client, rented.owner):
            made = noted.note.made
            if noted.note.state == "made" and made and made.id == rented.id:
                notes.write(
                    self.client,
                    noted.script,
                    noted.note.of("told", made),
                    intend,
                    text=notes.EMPTY,
                )

    def extend(self, rented: Rented, expires_at: datetime | None, intend: Intend) -> None:
        ours = self._by_id(rented)
        body = {"name": names.machine(ours.stem, expires_at)}
        intend("paperspace:UpdateMachine", rented.id)
        now = rented.began if expires_at is None else min(rented.began, clock.now())
        self.client.put(f"/machines/{rented.id}", object, body | request.shutdown(expires_at, now))

    def destroy(self, owner: Owner, intend: Intend, say: Say) -> Ended:
        return ending.destroy(self.client, owner, intend, say)

    def list_ours(self) -> Listed:
        place = "all regions"
        return Listed(tuple(shown.things(self.client)), asked=(place,))

    def checks(self) -> list[Check]:
        from mldeploy.providers.paperspace import doctor

        return doctor.checks(self)

    # Small steps of the above

    def _seen(self, owner: Owner) -> list[Ours]:
        """Asked again and again while a machine boots: a note that is known is not read again."""
        there = find.machines(self.client, owner)
        known = [self._notes.get(one.stem) for one in there]
        if there and all(one and one.note.has_machine for one in known):
            return there
        there, notes = find.seen(self.client, owner)
        found = {one.stem: find.note_of(one.stem, notes) for one in there}
        self._notes |= {stem: noted for stem, noted in found.items() if noted}
        return there

    def _note(self, ours: Ours) -> names.Note | None:
        noted = self._notes.get(ours.stem)
        return noted.note if noted else None

    def _is_ending(self, ours: Ours) -> bool:
        return shown.state_of(self.client, ours.machine, None)[0] == "ending"

    def _by_id(self, rented: Rented) -> Ours:
        found = find.by_id(self.client, rented.id)
        if found is None:
            raise NotThereError(
                "paperspace-not-found",
                what=f"The machine {rented.id} is not there.",
                why="It has ended meanwhile.",
                do=f"mldeploy up {rented.owner.target}   (rents another one)",
            )
        return found
