"""What it would have cost, and what no good client does."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.paperspace.asks import MACHINE, Asks
from tests.paperspace.standin import Paperspace

CENT = Decimal("0.01")


@pytest.fixture
def clocked(paperspace: Paperspace) -> Paperspace:
    """Only the test moves the clock."""
    paperspace.stand_still()
    paperspace.instant()
    return paperspace


def test_nothing_costs_nothing(paperspace: Paperspace) -> None:
    bill = paperspace.bill()
    assert bill.total == bill.an_hour == 0
    assert bill.running == ()


def test_a_machine_costs_while_it_is_on_and_its_disk_while_it_is_there(
    clocked: Paperspace, ask: Asks
) -> None:
    machine = ask.machine(machineType="P4000")
    clocked.advance(2 * 3600)
    assert clocked.bill().machines.quantize(CENT) == Decimal("1.02")
    ask("PATCH", f"/machines/{machine}/stop", {})
    clocked.settle()
    clocked.advance(728 * 3600)
    bill = clocked.bill()
    assert bill.machines.quantize(CENT) == Decimal("1.02")
    assert bill.storage.quantize(CENT) == Decimal("5.00")
    assert bill.machine_time == timedelta(hours=2)
    ask("PATCH", f"/machines/{machine}/start", {})
    clocked.advance(3600)
    assert clocked.bill().machines.quantize(CENT) == Decimal("1.53")
    ask("DELETE", f"/machines/{machine}")
    clocked.settle()
    assert clocked.bill().running == ()
    at_the_end = clocked.bill().total
    clocked.advance(3600)
    assert clocked.bill().total == at_the_end


def test_the_bill_begins_with_the_order_not_with_the_machine_that_is_ready(
    clocked: Paperspace, ask: Asks
) -> None:
    clocked.paced(starting=3600)
    ask.order(machineType="P4000")
    clocked.advance(3600)
    assert clocked.bill().machines.quantize(CENT) == Decimal("0.51")


def test_a_bill_can_be_had_for_later(clocked: Paperspace, ask: Asks) -> None:
    ask.machine(machineType="P4000")
    later = clocked.bill(clocked.now() + timedelta(hours=10))
    assert later.machines.quantize(CENT) == Decimal("5.10")


def test_what_others_have_is_not_on_our_bill(paperspace: Paperspace) -> None:
    paperspace.somebody_elses()
    paperspace.somebody_elses_address()
    assert paperspace.bill().running == ()


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [("DELETE", "", None), ("PATCH", "/stop", {}), ("PUT", "", {"name": "mldeploy-mine"})],
)
def test_to_touch_what_is_somebody_elses_is_trouble(
    paperspace: Paperspace, ask: Asks, method: str, tail: str, body: object
) -> None:
    machine = paperspace.somebody_elses("mldeploy-lookalike")
    ask(method, f"/machines/{machine.id}{tail}", body)
    (trouble,) = paperspace.trouble
    assert f"{machine.id} (mldeploy-lookalike), which is not ours" in trouble
    paperspace.forgive()


def test_to_touch_other_peoples_scripts_and_addresses_is_trouble(
    paperspace: Paperspace, ask: Asks
) -> None:
    ask("DELETE", f"/startup-scripts/{paperspace.somebody_elses_script().id}")
    ask("DELETE", f"/public-ips/{paperspace.somebody_elses_address().id}")
    assert len(paperspace.trouble) == 2
    paperspace.forgive()


def test_an_order_without_a_question_a_name_of_ours_or_discretion_is_trouble(
    paperspace: Paperspace, ask: Asks
) -> None:
    ask("POST", "/machines", MACHINE | {"name": "box", "emailPassword": True})
    assert [each.split(" box")[1] for each in paperspace.trouble] == [
        ", and nobody asked whether there is one",
        ", which is no name of ours",
        " with a password by mail",
    ]
    paperspace.forgive()


def test_a_question_is_good_for_one_order_and_not_for_ever(
    paperspace: Paperspace, ask: Asks
) -> None:
    about = {"machineType": "C5", "region": "ny2"}
    for _ in range(2):  # of two laptops
        ask("GET", "/machine-availability", **about)
    for name in ("mldeploy-a", "mldeploy-b"):
        ask("POST", "/machines", MACHINE | {"name": name})
    assert paperspace.trouble == []
    ask("GET", "/machine-availability", **about)
    paperspace.advance(3600)
    ask("POST", "/machines", MACHINE | {"name": "mldeploy-c"})
    assert len(paperspace.trouble) == 1
    paperspace.forgive()


def test_two_machines_of_one_rental_are_trouble_until_one_is_gone(
    paperspace: Paperspace, ask: Asks
) -> None:
    first = "mldeploy-a-cloud-p1-g1-0a1b2c"
    ask.machine(name=f"{first}-aaaaaa-20261123T120000Z")
    second = ask.machine(name=f"{first}-bbbbbb-never")
    ask.machine(name="mldeploy-a-cloud-p1-g2-0a1b2d-aaaaaa-never")
    assert paperspace.trouble == [f"2 machines of {first}"]
    ask("DELETE", f"/machines/{second}")
    paperspace.settle()
    assert paperspace.trouble == []
