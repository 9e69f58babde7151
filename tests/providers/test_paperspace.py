"""Paperspace held to the contract of a provider, on the stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mldeploy.providers import clock
from mldeploy.providers.base import Owner, Provider, Rented
from mldeploy.providers.paperspace import Paperspace as PaperspaceProvider
from mldeploy.providers.paperspace import names
from mldeploy.providers.paperspace.client import Client
from mldeploy.providers.paperspace.settings import PaperspaceTarget
from tests.conftest import until
from tests.providers.contract import Contract, Harness

if TYPE_CHECKING:
    from tests.paperspace.standin import Paperspace


class PaperspaceHarness(Harness):
    types = ("C5", "C7")
    prices = {"C5": "0.0868", "C7": "0.3068"}  # noqa: RUF012 - as the base has it

    def __init__(self, cloud: Paperspace) -> None:
        super().__init__()
        self.cloud = cloud

    def provider(self) -> Provider:
        return PaperspaceProvider(PaperspaceTarget(disk="20GB"))

    def without_capacity(self, *machine_types: str) -> Provider:
        for each in machine_types:
            self.cloud.no_capacity(each)
        return self.provider()

    def losing_the_reply(self) -> Provider:
        self.cloud.fail("POST /machines", when="after")
        return self.provider()

    def machines(self, owner: Owner) -> list[str]:
        return [
            one.id
            for one in self.cloud.ours
            if (read := names.read_machine(one.name)) and read[0].owner == owner
        ]

    def things(self, owner: Owner) -> list[str]:
        """A note of what has ended costs nothing, and says nothing secret."""
        mine = [
            one.id
            for one in self.cloud.scripts
            if (note := names.read_note(one.name, lambda *_: "")) and note.stem.owner == owner
            if note.state != "ended" or "PRIVATE KEY" in one.text or self.cloud.key in one.text
        ]
        return self.machines(owner) + mine + [one.id for one in self.cloud.addresses]

    def end(self, rented: Rented) -> None:
        """As its own timer does it."""
        client = self.provider().client  # type: ignore[attr-defined]
        client.delete(f"/machines/{rented.id}")

    def booted(self, rented: Rented) -> None:
        def runs() -> bool:
            found = self.provider().get(rented.owner)
            return bool(found and found.state == "running" and found.address)

        until(runs, seconds=20)

    def clear(self) -> None:
        self.cloud.capacity_again()
        super().clear()
        forgive_two_who_asked_at_once(self.cloud)


def forgive_two_who_asked_at_once(cloud: Paperspace) -> None:
    """The stand-in takes two questions for one where two laptops ask before either orders."""
    asked = cloud.calls_of("GET /machine-availability")
    if len(asked) >= len(cloud.calls_of("POST /machines")):
        told = cloud.account.trouble
        told[:] = [each for each in told if "nobody asked" not in each]


class TestPaperspace(Contract):
    @pytest.fixture
    def harness(self, paperspace: Paperspace, monkeypatch: pytest.MonkeyPatch) -> Harness:
        """Pauses pass in the cloud's time; nobody waits for them."""
        passed = 0.0

        def sleep(seconds: float) -> None:
            nonlocal passed
            passed += seconds
            paperspace.advance(seconds)

        monkeypatch.setattr(clock, "sleep", sleep)
        monkeypatch.setattr(clock, "monotonic", lambda: passed)
        monkeypatch.setattr(Client, "transport", paperspace.transport)
        paperspace.account.max_machines = 50
        return PaperspaceHarness(paperspace)
