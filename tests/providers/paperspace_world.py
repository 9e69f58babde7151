"""A world to rent in without waiting: the real runbooks, the stand-in for Paperspace, and time.

Requests go to the stand-in without a network, and every one of them takes a moment of a clock that
is ours: what waits makes that clock go on, and the cloud's with it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mldeploy import cloud_orphans, project
from mldeploy.config import RentedTarget
from mldeploy.errors import MldeployError
from mldeploy.prices import table
from mldeploy.providers import clock, ending, installed, patience, renting
from mldeploy.providers.base import Ended, Owner, Rented
from mldeploy.providers.paperspace import costs, events, names
from mldeploy.providers.paperspace import ending as paperspace_ending
from mldeploy.providers.paperspace.client import Client
from mldeploy.providers.renting import Desk
from mldeploy.providers.shelf import Shelf
from tests.paperspace import life
from tests.paperspace.account import Machine
from tests.paperspace.standin import Paperspace
from tests.providers.laptops import Crash, Told

OWNER = Owner("a", "cloud")
A_REQUEST_TAKES = 0.1  # seconds
SETTINGS = """\
[project]
name = "{owner.project}"
service = "a.service:A"
model = "a@champion"
[targets.{owner.target}]
kind = "paperspace"
region = "{region}"
machine_type = "{machine_type}"
or_machine_types = [{others}]
public_address = "{address}"
ttl = "{ttl}"
"""


@dataclass
class World:
    """``on_intend`` is called with the number of a journal's entry since `count_anew`, the call and
    what it is about, before it is written; ``on_request`` with "before" and "after" each request,
    and its number."""

    cloud: Paperspace
    root: Path
    on_intend: Callable[[int, str, str], None] | None = None
    on_request: Callable[[str, int], None] | None = None
    intended: list[tuple[str, str]] = field(default_factory=list)
    requests: int = 0
    region: str = "ny2"
    machine_type: str = "C5"
    others: tuple[str, ...] = ("C7",)
    address: str = "dynamic"
    ttl: str = "4h"
    notes: list[str] = field(default_factory=list)

    # Who is where

    def desk(self) -> Desk:
        folder = self.root / "project"
        folder.mkdir(parents=True, exist_ok=True)
        others = ", ".join(f'"{each}"' for each in self.others)
        settings = SETTINGS.format(
            owner=OWNER,
            region=self.region,
            machine_type=self.machine_type,
            others=others,
            address=self.address,
            ttl=self.ttl,
        )
        (folder / "mldeploy.toml").write_text(settings)
        found = project.find(folder)
        rented = found.config.targets[OWNER.target]
        assert isinstance(rented, RentedTarget)
        ui = Told()
        self.notes = ui.notes
        return Desk.of(found, OWNER.target, rented, ui)

    @contextmanager
    def at(self, laptop: str) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_STATE_HOME", str(self.root / f"laptop-{laptop}"))
            yield

    # What a person does

    def up(self, laptop: str = "A") -> Rented | None:
        """And log in, as `up` does next, once it has booted."""
        with self.at(laptop):
            desk = self.desk()
            made = renting.rent(desk)
            if found := made or desk.provider.get(OWNER):
                intend = desk.shelf(desk.provider.check()).intend
                desk.provider.let_in(found, intend)
                if (now := desk.provider.get(OWNER)) and now.state == "running":
                    desk.provider.open_ports(now, (), intend)
            return made

    def down(self, laptop: str = "A") -> Ended:
        with self.at(laptop):
            return ending.end(self.desk())

    def extend(self, by: timedelta, laptop: str = "A") -> Rented | None:
        with self.at(laptop):
            desk = self.desk()
            machine = desk.provider.get(OWNER)
            if machine is None or machine.expires_at is None or machine.state == "ending":
                return None
            renting.extend(desk, machine, machine.expires_at + by)
            return machine

    def get(self, laptop: str = "A") -> Rented | None:
        with self.at(laptop):
            return self.desk().provider.get(OWNER)

    def orphans(self, laptop: str = "O") -> cloud_orphans.Looked:
        with self.at(laptop):
            return cloud_orphans.look(clock.now())

    def crashing(self, what: Callable[[], object]) -> bool:
        """Do it; was there a crash? Errors for people are no surprise."""
        try:
            what()
        except (Crash, KeyboardInterrupt):
            return True
        except MldeployError as error:
            self.notes.append(f"error {error.code}: {error.what} {error.why}")
        finally:
            self.on_intend = self.on_request = None
        return False

    def forgets(self, laptop: str) -> None:
        """A laptop without state: a new one, or a run of CI."""
        shutil.rmtree(self.root / f"laptop-{laptop}", ignore_errors=True)

    # Faults

    def count_anew(self) -> None:
        self.intended.clear()
        self.requests = 0

    def crash_at(self, entry: int, kind: type[BaseException] = Crash) -> None:
        def crash(number: int, call: str, about: str) -> None:
            if number == entry:
                raise kind(call)

        self.count_anew()
        self.on_intend = crash

    def crash_at_request(self, request: int, moment: str) -> None:
        def crash(when: str, number: int) -> None:
            if (when, number) == (moment, request):
                raise KeyboardInterrupt

        self.count_anew()
        self.on_request = crash

    def lagging(self, looks: int) -> None:
        self.cloud.lagging(by_id=min(looks, 2), in_lists=looks, gone_in_lists=looks)

    def settled(self) -> None:
        """Nothing goes wrong any more, and the lists know all."""
        self.lagging(0)
        self.cloud.account.faults.waiting.clear()
        self.cloud.account.stuck.clear()
        self.cloud.capacity_again()
        for things in (self.cloud.account.machines, self.cloud.account.scripts):
            for one in things.values():
                one.unseen_by_id = one.unseen_in_lists = one.still_listed = 0
        self.on_intend = self.on_request = None

    def advance(self, time: timedelta) -> None:
        self.cloud.advance(time.total_seconds())

    def machine_ends_itself(self) -> None:
        """Its lifetime is over: as its own timer does it."""
        for one in self.alive():
            life.delete(self.cloud.account, one)
        self.cloud.tick()

    # From outside, past lags and faults

    def alive(self) -> list[Machine]:
        """What is paid for and not going."""
        return [one for one in self.cloud.ours if not _goes(one)]

    def leftovers(self) -> list[str]:
        """All but machines that is ours, and more than a note of what has ended."""
        found = [one.id for one in self.cloud.addresses]
        for one in self.cloud.scripts:
            note = names.read_note(one.name, lambda *_: "")
            assert note is not None, one.name
            secret = "PRIVATE KEY" in one.text or self.cloud.key in one.text
            if note.state != "ended" or secret:
                found.append(one.id)
        return found

    def check(self) -> None:
        """In no case two machines, in no case one that `orphans` does not list."""
        alive = self.alive()
        assert len(alive) <= 1, [one.name for one in alive]
        self.all_are_listed()

    def all_are_listed(self) -> None:
        for one in self.alive():
            assert one.id in self._listed(), f"orphans does not list {one.name}"

    def _listed(self) -> set[str]:
        """What `orphans` lists when nothing goes wrong; faults and lags stay for who comes next."""
        account = self.cloud.account
        kept = account.faults.waiting, self.on_request
        account.faults.waiting, self.on_request = [], None
        lags = {one.id: one.unseen_in_lists for one in account.machines.values()}
        for one in account.machines.values():
            one.unseen_in_lists = 0
        try:
            looked = self.orphans()
        finally:
            account.faults.waiting, self.on_request = kept
            for name, looks in lags.items():
                account.machines[name].unseen_in_lists = looks
        assert not looked.silent
        return {each.id for group in looked.groups for each in group.things}


def _goes(machine: Machine) -> bool:
    return machine.event is not None and machine.event.name == "deactivate"


@contextmanager
def world_in(cloud: Paperspace, root: Path) -> Iterator[World]:
    """Everything of a process that the world needs to be otherwise."""
    world = World(cloud, root)
    cloud.stand_still(datetime.fromisoformat("2026-11-23T12:00:00+00:00"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment.items():
            patch.setenv(name, value)
        patch.setenv("HOME", str(root))
        patch.setattr(Client, "transport", _transport(world))
        patch.setattr(clock, "now", cloud.now)
        patch.setattr(clock, "monotonic", lambda: cloud.account.skew.total_seconds())
        patch.setattr(clock, "sleep", cloud.advance)
        _quickly(patch, world)
        yield world


def _transport(world: World) -> httpx.BaseTransport:
    inner = world.cloud.transport

    def handle(request: httpx.Request) -> httpx.Response:
        world.requests += 1
        number = world.requests
        world.cloud.advance(A_REQUEST_TAKES)
        if world.on_request:
            world.on_request("before", number)
        answer = inner.handle_request(request)
        if world.on_request:
            world.on_request("after", number)
        return answer

    return httpx.MockTransport(handle)


def public_key() -> str:
    """A new one, a thousand times quicker than ssh-keygen; nobody logs in."""
    key = Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


_prices, _installed = cache(table), cache(installed)
_own = {"paperspace": installed()["paperspace"]}


def _quickly(patch: pytest.MonkeyPatch, world: World) -> None:
    """Keys are made quickly, and who waits looks less often."""

    def make_keys(shelf: Shelf, comment: str) -> tuple[str, str, str]:
        shelf.login_key.parent.mkdir(parents=True, exist_ok=True)
        shelf.login_key.write_text(comment)
        return public_key(), public_key(), "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n"

    def intend(shelf: Shelf, call: str, about: str) -> None:
        number = len(world.intended)
        world.intended.append((call, about))
        if world.on_intend:
            world.on_intend(number, call, about)
        write(shelf, call, about)

    write = Shelf.intend
    patch.setattr(Shelf, "make_keys", make_keys)
    patch.setattr(Shelf, "intend", intend)
    patch.setattr("mldeploy.providers.shelf.os.fsync", lambda _: None)
    patch.setattr("mldeploy.providers.paperspace.provider.table", _prices)
    patch.setattr(costs, "table", _prices)
    patch.setattr("mldeploy.providers.installed", _installed)
    patch.setattr(cloud_orphans, "installed", lambda: _own)
    patch.setattr(patience, "PAUSE_SECONDS", 5.0)
    patch.setattr(events, "LOOK_SECONDS", 10.0)
    patch.setattr(paperspace_ending, "LOOK_SECONDS", 20.0)
    patch.setattr(paperspace_ending, "SETTLE_SECONDS", 30.0)
    patch.setattr(ending, "LOOK_SECONDS", 20.0)


def anew(world: World, looks: int = 0) -> None:
    """An empty account, and laptops that know nothing."""
    account = world.cloud.account
    world.settled()
    for things in (account.machines, account.events, account.scripts, account.addresses):
        things.clear()
    account.meters.clear()
    world.cloud.forget_calls()
    for laptop in ("A", "B", "C", "O"):
        world.forgets(laptop)
    world.lagging(looks)
    world.count_anew()
