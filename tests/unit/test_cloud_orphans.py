"""What is there in the clouds, by owner, and which of it should be no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from mldeploy.cloud_orphans import grouped
from mldeploy.providers.base import Owner, Thing

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MACHINE = Thing(
    kind="machine",
    id="i-1",
    place="us-east-1",
    owner=Owner("docs", "aws"),
    rental="0123456789",
    state="running",
    price=Decimal("0.0258"),
    began=NOW - timedelta(hours=1),
    expires_at=NOW + timedelta(hours=3),
    end_it="aws ec2 terminate-instances --instance-ids i-1 --region us-east-1",
    page="https://example.invalid",
    made_by="me@laptop",
)
GROUP = replace(MACHINE, kind="group", id="sg-1", state="there", price=Decimal(0))


def test_a_machine_within_its_lifetime_is_listed_and_well() -> None:
    (group,) = grouped("AWS", [MACHINE, GROUP], NOW)

    assert (group.trouble, group.price, len(group.things)) == ("", Decimal("0.0258"), 2)
    told = group.as_dict()
    assert (told["price_per_hour"], told["price_per_day"]) == ("0.0258", "0.62")


@pytest.mark.parametrize(
    ("things", "why"),
    [
        ([replace(MACHINE, expires_at=NOW - timedelta(seconds=1))], "lifetime was over"),
        ([replace(MACHINE, state="stopped")], "stopped"),
        ([MACHINE, replace(MACHINE, id="i-2")], "2 machines"),
        ([replace(GROUP, kind="disk", price=Decimal("0.0022"))], "left behind"),
    ],
    ids=["overdue", "stopped", "two", "left"],
)
def test_what_should_not_be_there_says_why(things: list[Thing], why: str) -> None:
    (group,) = grouped("AWS", things, NOW)

    assert why in group.trouble


def test_what_an_ended_machine_left_is_no_trouble_while_it_costs_nothing() -> None:
    (group,) = grouped("AWS", [GROUP], NOW)

    assert (group.trouble, group.price) == ("", Decimal(0))


def test_a_machine_for_ever_is_nobodys_fault() -> None:
    (group,) = grouped("AWS", [replace(MACHINE, expires_at=None)], NOW)

    assert group.trouble == ""


def test_owners_are_kept_apart() -> None:
    other = replace(MACHINE, owner=Owner("docs", "gpu"), id="i-2")

    assert [str(one.owner) for one in grouped("AWS", [other, MACHINE], NOW)] == [
        "docs/aws",
        "docs/gpu",
    ]
