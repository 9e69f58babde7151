"""One suite for every provider: each sentence of `mldeploy.providers.base`, held from outside.

A provider's own test module makes a :class:`Harness` and a class that inherits :class:`Contract`:

    class TestAcme(Contract):
        @pytest.fixture
        def harness(self) -> Harness:
            return AcmeHarness(…)

It works with owners of its own, so it may run against a cloud that others use. Machines need not
boot. What it made is gone after each test: :meth:`Harness.clear` looks to that.
"""

from __future__ import annotations

import secrets
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mldeploy.errors import ConfigError, FailedError, MldeployError
from mldeploy.prices import as_tag, from_tag, money
from mldeploy.providers import lifetime
from mldeploy.providers.base import ALIVE, Order, Owner, Provider, Rented, UnknownOutcomeError
from mldeploy.providers.shelf import Shelf


class Harness(ABC):
    """How the suite makes a provider, and sees its cloud past it.

    ``types`` are two machine types of the provider's, of the same architecture; ``prices`` is what
    each costs an hour with a disk of 20 GB and an address, as people read it: the suite's own
    knowledge, not the provider's. ``seconds`` is how long one call may take there. ``has_a_door``
    says that machines are logged in to.
    """

    types: tuple[str, str]
    prices: dict[str, str]
    seconds: float = 60.0
    has_a_door = True

    def __init__(self) -> None:
        self.owners: list[Owner] = []

    @abstractmethod
    def provider(self) -> Provider:
        """A new one, which knows nothing of the others: each is another laptop's."""

    def anywhere(self) -> Provider | None:
        """One that was made of nothing but credentials."""
        return type(self.provider()).anywhere()

    @abstractmethod
    def without_capacity(self, *machine_types: str) -> Provider:
        """One whose cloud has no machine of these types free."""

    @abstractmethod
    def losing_the_reply(self) -> Provider:
        """One whose first call that makes a machine works, and whose answer is lost."""

    @abstractmethod
    def machines(self, owner: Owner) -> list[str]:
        """From outside: the ids of the owner's machines that are not ended, ending ones too."""

    @abstractmethod
    def things(self, owner: Owner) -> list[str]:
        """From outside: all that is there of the owner's, and could cost something or be in the
        way: machines, disks, addresses, groups, keys."""

    @abstractmethod
    def end(self, rented: Rented) -> None:
        """The machine ends itself, as after its lifetime; it may still be at it afterwards."""

    def booted(self, rented: Rented) -> None:  # noqa: B027 - most need not
        """Let its boot be over, for a cloud in which that takes time."""

    def clear(self) -> None:
        """Remove what the test left, past the provider if need be."""
        for owner in self.owners:
            self.provider().destroy(owner, ignore, silent)

    # What the tests are made of

    def owner(self, target: str = "cloud") -> Owner:
        """One that nobody else has."""
        self.owners.append(Owner(f"test-{secrets.token_hex(4)}", target))
        return self.owners[-1]

    def order(self, owner: Owner | None = None, generation: int = 1, **changes: Any) -> Order:
        """For a new owner, unless one is named; it lives for an hour."""
        owner = owner or self.owner()
        login, host, private = keys()
        now = datetime.now(UTC).replace(microsecond=0)
        provider = self.provider()
        wanted = Order(
            owner=owner,
            rental=secrets.token_hex(5),
            generation=generation,
            machine_types=(self.types[0],),
            prices={each: as_tag(provider.price(each)) for each in self.types},
            disk_gb=20,
            ports=(),
            made_by="somebody@a-laptop",
            made_at=now,
            expires_at=now + timedelta(hours=1),
            public_key=login,
            host_key=host,
            private_host_key=private,
        )
        return replace(wanted, **changes)

    def rent(self, order: Order) -> Rented:
        return self.provider().create(order, ignore, silent)


@cache
def keys() -> tuple[str, str, str]:
    """One set for all: the suite logs in nowhere. Public login key, host's public and private."""
    with tempfile.TemporaryDirectory() as folder:
        return Shelf(Path(folder)).make_keys("test")


def ignore(call: str, about: str) -> None:
    """An intention that nobody writes down."""


def silent(sentence: str) -> None:
    """Nobody waits."""


class Crash(BaseException):
    """As if the laptop's power failed: nothing catches it."""


class Journal:
    """Writes intentions down, and crashes before the one with the number ``fatal``, from 0."""

    def __init__(self, fatal: int | None = None) -> None:
        self.fatal = fatal
        self.entries: list[str] = []

    def __call__(self, call: str, about: str) -> None:
        if len(self.entries) == self.fatal:
            raise Crash
        self.entries.append(f"{call} {about}")


class EveryProvider:
    """What holds for all of them, also for the machine that one has already. See `Contract`."""

    @pytest.fixture
    def harness(self) -> Harness:
        raise NotImplementedError("a provider's test class says what its harness is")

    @pytest.fixture(autouse=True)
    def cleared(self, harness: Harness) -> Iterator[None]:
        yield
        harness.clear()

    def test_who_we_are_is_told(self, harness: Harness) -> None:
        account = harness.provider().check()
        assert account.id
        assert account.who
        assert account.place

    def test_the_same_order_twice_is_one_machine(self, harness: Harness) -> None:
        order = harness.order()
        first, second = harness.rent(order), harness.rent(order)
        assert second.id == first.id
        assert harness.machines(order.owner) == [first.id]

    def test_the_same_order_of_two_laptops_at_once_is_one_machine(self, harness: Harness) -> None:
        order = harness.order()
        made: list[Rented | MldeployError] = []

        def rent() -> None:
            try:
                made.append(harness.rent(order))
            except MldeployError as error:
                made.append(error)

        threads = [threading.Thread(target=rent) for _ in range(2)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(harness.seconds)
        assert len(harness.machines(order.owner)) == 1, made
        assert harness.rent(order).id == harness.machines(order.owner)[0]

    def test_the_hosts_private_key_is_in_nothing_that_is_said(self, harness: Harness) -> None:
        order, journal = harness.order(), Journal()
        said: list[str] = []
        made = harness.provider().create(order, journal, said.append)
        told = [repr(made), repr(harness.provider().list_ours()), *journal.entries, *said]
        secret = order.private_host_key.splitlines()[2]
        assert not [text for text in told if secret in text]

    def test_a_machine_whose_answer_was_lost_is_found_again(self, harness: Harness) -> None:
        order = harness.order()
        provider = harness.losing_the_reply()
        with suppress(UnknownOutcomeError):  # one that asks again by itself need not fail
            provider.create(order, ignore, silent)
        assert len(harness.machines(order.owner)) == 1
        made = harness.rent(order)
        assert harness.machines(order.owner) == [made.id]
        assert made.state in ALIVE

    def test_a_machine_that_runs_is_reached_somewhere(self, harness: Harness) -> None:
        made = harness.rent(harness.order())
        harness.booted(made)
        found = harness.provider().get(made.owner)
        assert found is not None
        assert found.address
        assert bool(found.port) is harness.has_a_door
        assert found.user

    def test_letting_in_twice_is_as_good_as_once(self, harness: Harness) -> None:
        made = harness.rent(harness.order())
        harness.booted(made)
        for _ in range(2):
            harness.provider().let_in(made, ignore)
        assert harness.machines(made.owner) == [made.id]

    def test_opening_the_same_ports_twice_is_as_good_as_once(self, harness: Harness) -> None:
        made = harness.rent(harness.order())
        harness.booted(made)
        for _ in range(2):
            harness.provider().open_ports(made, (), ignore)
        assert harness.machines(made.owner) == [made.id]

    def test_prices_are_those_of_the_table(self, harness: Harness) -> None:
        provider = harness.provider()
        told = {each: money(provider.price(each).total, an_hour=True) for each in harness.types}
        assert told == harness.prices

    def test_the_sum_of_the_parts_is_the_price(self, harness: Harness) -> None:
        price = harness.provider().price(harness.types[0])
        assert price.total == sum(amount for _, amount in price.parts())
        assert from_tag(as_tag(price)).total == price.total

    def test_the_end_of_nothing_is_no_error(self, harness: Harness) -> None:
        ended = harness.provider().destroy(harness.owner(), ignore, silent)
        assert (ended.removed, ended.left, ended.machines) == ((), (), ())

    def test_a_second_end_finds_nothing_more(self, harness: Harness) -> None:
        made = harness.rent(harness.order())
        harness.provider().destroy(made.owner, ignore, silent)
        again = harness.provider().destroy(made.owner, ignore, silent)
        assert (again.removed, again.left) == ((), ())

    def test_the_end_while_it_still_boots_is_an_end_too(self, harness: Harness) -> None:
        made = harness.rent(harness.order())
        harness.provider().destroy(made.owner, ignore, silent)
        assert harness.things(made.owner) == []


class Contract(EveryProvider):
    """And what holds for those that rent. Tests of a provider's own go into another class."""

    # Making one

    def test_an_order_is_a_machine_with_all_that_was_ordered(self, harness: Harness) -> None:
        order = harness.order()
        made = harness.rent(order)
        assert made.state in ALIVE
        assert made.machine_type == harness.types[0]
        assert _ordered(made) == _ordered_in(order)
        assert harness.machines(order.owner) == [made.id]

    def test_the_bill_begins_when_the_machine_is_made(self, harness: Harness) -> None:
        before = datetime.now(UTC) - timedelta(seconds=2)
        made = harness.rent(harness.order())
        assert before <= made.began <= datetime.now(UTC) + timedelta(seconds=2)

    def test_the_same_order_after_its_end_is_the_ended_machine_and_no_second_one(
        self, harness: Harness
    ) -> None:
        order = harness.order()
        first = harness.rent(order)
        harness.booted(first)
        harness.provider().destroy(order.owner, ignore, silent)
        again = harness.rent(order)
        assert again.state == "ended"
        assert again.id == first.id
        assert _ordered(again) == _ordered_in(order)
        assert harness.machines(order.owner) == []

    def test_a_machine_that_ended_by_itself_does_not_come_again(self, harness: Harness) -> None:
        order = harness.order()
        first = harness.rent(order)
        harness.booted(first)
        harness.end(first)
        assert harness.rent(order).state in ("ending", "ended")
        assert set(harness.machines(order.owner)) <= {first.id}

    def test_a_machine_without_an_end_says_so(self, harness: Harness) -> None:
        order = harness.order(expires_at=None)
        made = harness.rent(order)
        (thing,) = _machines_listed(harness, order.owner)
        assert made.expires_at is None
        assert thing.expires_at is None

    def test_what_is_changed_is_told_before(self, harness: Harness) -> None:
        order, journal = harness.order(), Journal()
        harness.provider().create(order, journal, silent)
        made = len(journal.entries)
        harness.provider().destroy(order.owner, journal, silent)
        assert 0 < made < len(journal.entries)

    # Where things go wrong

    def test_after_a_crash_before_any_call_the_same_order_is_one_machine(
        self, harness: Harness
    ) -> None:
        for number in _crashes(lambda intend: _make_new(harness, intend)):
            order = harness.order()
            with pytest.raises(Crash):
                harness.provider().create(order, Journal(number), silent)
            listed = {thing.id for thing in _machines_listed(harness, order.owner)}
            assert set(harness.machines(order.owner)) <= listed, f"crash {number}: one is hidden"
            made = harness.rent(order)
            assert harness.machines(order.owner) == [made.id], f"after crash {number}"
            assert made.state in ALIVE, f"after crash {number}"

    def test_after_a_crash_of_a_renting_all_of_it_can_be_taken_down(self, harness: Harness) -> None:
        for number in _crashes(lambda intend: _make_new(harness, intend)):
            order = harness.order()
            with pytest.raises(Crash):
                harness.provider().create(order, Journal(number), silent)
            ended = harness.provider().destroy(order.owner, ignore, silent)
            assert ended.left == ()
            assert harness.things(order.owner) == [], f"after crash {number}"

    def test_after_a_crash_before_any_call_of_an_end_nothing_stays(self, harness: Harness) -> None:
        def end_new(intend: Journal) -> None:
            owner = harness.rent(harness.order()).owner
            harness.provider().destroy(owner, intend, silent)

        for number in _crashes(end_new):
            owner = harness.rent(harness.order()).owner
            with pytest.raises(Crash):
                harness.provider().destroy(owner, Journal(number), silent)
            harness.provider().destroy(owner, ignore, silent)
            assert harness.things(owner) == [], f"after crash {number}"

    def test_where_there_is_no_capacity_the_next_type_is_rented_at_its_own_price(
        self, harness: Harness
    ) -> None:
        first, second = harness.types
        order = harness.order(machine_types=(first, second))
        made = harness.without_capacity(first).create(order, ignore, silent)
        assert made.machine_type == second
        assert made.price == from_tag(order.prices[second])
        assert harness.machines(order.owner) == [made.id]

    def test_where_there_is_no_capacity_at_all_nothing_is_rented(self, harness: Harness) -> None:
        order = harness.order(machine_types=harness.types)
        with pytest.raises(FailedError) as refused:
            harness.without_capacity(*harness.types).create(order, ignore, silent)
        assert refused.value.do
        assert harness.machines(order.owner) == []
        harness.provider().destroy(order.owner, ignore, silent)
        assert harness.things(order.owner) == []

    # Finding it again

    def test_there_is_no_machine_before_one_is_rented(self, harness: Harness) -> None:
        owner = harness.owner()
        assert harness.provider().get(owner) is None
        assert harness.provider().last_generation(owner) == 0

    def test_another_laptop_sees_the_machine_as_the_first_does(self, harness: Harness) -> None:
        order = harness.order()
        made = harness.rent(order)
        harness.booted(made)
        found = harness.provider().get(order.owner)
        assert found is not None
        assert found.state == "running"
        assert found.id == made.id
        assert found.machine_type == made.machine_type
        assert found.began == made.began
        assert _ordered(found) == _ordered_in(order)

    def test_the_machine_that_is_alive_comes_before_one_that_ends(self, harness: Harness) -> None:
        owner = harness.owner()
        old = harness.rent(harness.order(owner, generation=1))
        harness.booted(old)
        harness.end(old)
        new = harness.rent(harness.order(owner, generation=2))
        found = harness.provider().get(owner)
        assert found is not None
        assert found.id == new.id

    def test_there_is_no_machine_after_its_end(self, harness: Harness) -> None:
        made = harness.rent(harness.order())
        harness.provider().destroy(made.owner, ignore, silent)
        assert harness.provider().get(made.owner) is None

    def test_the_generation_of_an_ended_machine_is_remembered(self, harness: Harness) -> None:
        owner = harness.owner()
        harness.rent(harness.order(owner, generation=3))
        assert harness.provider().last_generation(owner) == 3
        harness.provider().destroy(owner, ignore, silent)
        assert harness.provider().last_generation(owner) == 3

    def test_everything_of_all_owners_is_listed(self, harness: Harness) -> None:
        first, second = harness.rent(harness.order()), harness.rent(harness.order())
        listed = harness.provider().list_ours()
        found = {thing.id: thing for thing in listed.things if thing.kind == "machine"}
        assert {first.id, second.id} <= set(found)
        assert listed.silent == ()
        for made in (first, second):
            thing = found[made.id]
            assert (thing.owner, thing.rental) == (made.owner, made.rental)
            assert thing.expires_at == made.expires_at
            assert thing.made_by == made.made_by
            assert thing.state in ALIVE
            assert thing.price > 0
            assert thing.end_it

    def test_a_machine_is_found_with_nothing_but_credentials(self, harness: Harness) -> None:
        made = harness.rent(harness.order())
        anybody = harness.anywhere()
        assert anybody is not None
        assert made.id in [thing.id for thing in anybody.list_ours().things]

    # Changing it

    def test_another_end_is_seen_by_every_laptop(self, harness: Harness) -> None:
        made = harness.rent(harness.order())
        harness.booted(made)
        later = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=5)
        for end in (later, None, later):
            harness.provider().extend(made, end, ignore)
            found = harness.provider().get(made.owner)
            assert found is not None
            assert found.expires_at == end
            (thing,) = _machines_listed(harness, made.owner)
            assert thing.expires_at == end

    # Ending it

    def test_an_end_is_over_when_the_cloud_says_so(self, harness: Harness) -> None:
        made = harness.rent(harness.order())
        harness.booted(made)
        ended = harness.provider().destroy(made.owner, ignore, silent)
        assert harness.machines(made.owner) == []
        assert harness.things(made.owner) == []
        assert ended.left == ()
        assert [machine.id for machine in ended.machines] == [made.id]
        assert made.id in [thing.id for thing in ended.removed]
        assert ended.machines[0].price == made.price
        assert ended.at >= made.began

    def test_all_machines_of_the_owner_end(self, harness: Harness) -> None:
        owner = harness.owner()
        made = [harness.rent(harness.order(owner, generation=n)) for n in (1, 2)]
        ended = harness.provider().destroy(owner, ignore, silent)
        assert {machine.id for machine in ended.machines} == {each.id for each in made}
        assert harness.things(owner) == []

    def test_nothing_of_others_ends(self, harness: Harness) -> None:
        mine = harness.owner("cloud")
        same_project = Owner(mine.project, "other")
        same_target = harness.owner("cloud")
        harness.owners.append(same_project)
        for owner in (mine, same_project, same_target):
            harness.rent(harness.order(owner))
        before = {each: harness.things(each) for each in (same_project, same_target)}
        harness.provider().destroy(mine, ignore, silent)
        after = {each: harness.things(each) for each in (same_project, same_target)}
        assert harness.machines(mine) == []
        assert after == before
        assert all(len(harness.machines(each)) == 1 for each in after)

    # What it costs

    def test_sizes_are_told_the_cheapest_first(self, harness: Harness) -> None:
        sizes = harness.provider().sizes()
        amounts = [amount for _, amount in sizes]
        assert amounts == sorted(amounts)
        assert set(harness.types) <= {size.name for size, _ in sizes}
        assert all(isinstance(amount, Decimal) for amount in amounts)

    def test_a_type_without_a_price_is_refused(self, harness: Harness) -> None:
        with pytest.raises(ConfigError) as refused:
            harness.provider().price("no.such-type")
        assert refused.value.do

    def test_the_plan_says_what_would_be_made(self, harness: Harness) -> None:
        lines = harness.provider().plan()
        assert lines
        assert any("disk" in line for line in lines)


def _crashes(act: Callable[[Journal], None]) -> range:
    """The numbers of the intended calls of an act, which is carried out once to count them."""
    journal = Journal()
    act(journal)
    assert journal.entries, "nothing was told before it was done"
    return range(len(journal.entries))


def _make_new(harness: Harness, intend: Journal) -> None:
    harness.provider().create(harness.order(), intend, silent)


def _machines_listed(harness: Harness, owner: Owner) -> list[Any]:
    things = harness.provider().list_ours().things
    return [thing for thing in things if thing.owner == owner and thing.kind == "machine"]


def _ordered(made: Rented) -> dict[str, Any]:
    """What of a machine was decided by its order."""
    return {
        "owner": made.owner,
        "rental": made.rental,
        "generation": made.generation,
        "expires_at": made.expires_at,
        "price": made.price,
        "made_by": made.made_by,
        "host_key": made.host_key,
    }


def _ordered_in(order: Order) -> dict[str, Any]:
    return {
        "owner": order.owner,
        "rental": order.rental,
        "generation": order.generation,
        "expires_at": order.expires_at,
        "price": from_tag(order.prices[order.machine_types[0]]),
        "made_by": order.made_by,
        "host_key": order.host_key,
    }


def soon(seconds: float) -> datetime:
    """A moment so far ahead, as files and tags have it."""
    end = lifetime.end_of(datetime.now(UTC), timedelta(seconds=seconds + 1))
    assert end
    return end
