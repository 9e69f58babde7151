"""The machine that one has already: given as it is, and never taken away."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from mldeploy.config import SshTarget
from mldeploy.errors import ConfigError
from mldeploy.prices import as_tag, from_tag
from mldeploy.providers.base import Order, Owner, Provider, Rented
from mldeploy.providers.fake import FakeTarget
from mldeploy.providers.own import Own
from tests.providers.contract import EveryProvider, Harness, Journal, ignore, silent

OWNER = Owner("function-docs", "box")


@pytest.fixture
def own() -> Own:
    return Own(SshTarget(host="ubuntu@203.0.113.7:2222"))


def test_it_is_there_and_runs(own: Own) -> None:
    machine = own.get(OWNER)
    assert machine.state == "running"
    assert (machine.user, machine.address, machine.port) == ("ubuntu", "203.0.113.7", 2222)


def test_a_name_of_the_ssh_configuration_is_left_to_ssh() -> None:
    machine = Own(SshTarget(host="box")).get(OWNER)
    assert (machine.address, machine.port) == ("box", 22)
    assert machine.user


def test_it_costs_nothing(own: Own) -> None:
    assert own.price("whatever").total == Decimal(0)
    assert from_tag(as_tag(own.get(OWNER).price)).total == Decimal(0)
    assert own.sizes() == ()


def test_it_has_no_end_and_gets_none(own: Own) -> None:
    assert own.get(OWNER).expires_at is None
    with pytest.raises(ConfigError, match="no lifetime"):
        own.extend(own.get(OWNER), None, ignore)


def test_its_end_removes_nothing_and_says_so(own: Own) -> None:
    said: list[str] = []
    journal = Journal()
    ended = own.destroy(OWNER, journal, said.append)
    assert (ended.removed, ended.left, ended.machines) == ((), (), ())
    assert "stays as it is" in said[0]
    assert journal.entries == []
    assert own.get(OWNER).state == "running"


def test_nothing_of_it_is_ours(own: Own) -> None:
    assert own.list_ours().things == ()
    assert own.last_generation(OWNER) == 0


def test_the_plan_makes_nothing(own: Own) -> None:
    assert "nothing" in own.plan()[0]
    assert own.check().place == "203.0.113.7"


def test_letting_in_and_opening_change_nothing(own: Own) -> None:
    journal = Journal()
    own.let_in(own.get(OWNER), journal)
    own.open_ports(own.get(OWNER), (443,), journal)
    assert journal.entries == []


def test_another_kind_of_target_is_not_its_own() -> None:
    with pytest.raises(TypeError):
        Own(FakeTarget())


def test_ordering_it_gives_it(own: Own) -> None:
    now = datetime.now(UTC)
    order = Order(OWNER, "rental", 1, (), {}, 20, (443,), "me", now, None, "key", "host", "private")
    assert own.create(order, ignore, silent) == own.get(OWNER)


class OwnHarness(Harness):
    """Its cloud is one machine, which nobody can make or end."""

    types = ("as it is", "as it is")
    prices = {"as it is": "0.0000"}  # noqa: RUF012 - as the base has it

    def provider(self) -> Provider:
        return Own(SshTarget(host="ubuntu@203.0.113.7:2222"))

    def without_capacity(self, *machine_types: str) -> Provider:
        return self.provider()

    def losing_the_reply(self) -> Provider:
        return self.provider()

    def machines(self, owner: Owner) -> list[str]:
        return ["ubuntu@203.0.113.7:2222"]

    def things(self, owner: Owner) -> list[str]:
        return []

    def end(self, rented: Rented) -> None:
        raise AssertionError("nobody ends it")


class TestOwn(EveryProvider):
    @pytest.fixture
    def harness(self) -> Harness:
        return OwnHarness()
