"""The schedule that ends a machine too: one for each owner, and as the machine's end is moved."""

from __future__ import annotations

from typing import Any

import pytest

from mldeploy.providers.aws import belt
from mldeploy.providers.base import Owner
from tests.cloud.cloud import Cloud
from tests.providers import aws_account
from tests.providers.aws_account import order, provider
from tests.providers.contract import ignore

pytestmark = pytest.mark.slow

OWNER = Owner("shop", "cloud")


@pytest.fixture(autouse=True)
def account(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    aws_account.enter(cloud, monkeypatch)
    cloud.instant()


def schedules(cloud: Cloud) -> list[dict[str, Any]]:
    client = cloud.client("scheduler")
    names = [one["Name"] for one in client.list_schedules()["Schedules"]]
    return [client.get_schedule(Name=name) for name in names]


def test_a_machine_that_is_to_live_for_ever_is_not_ended_by_its_old_schedule(
    cloud: Cloud,
) -> None:
    aws = provider(cloud, second_belt_role=aws_account.role(cloud))
    made = aws.create(order(aws, OWNER), ignore, lambda _: None)
    assert len(schedules(cloud)) == 1

    aws.extend(made, None, ignore)

    assert schedules(cloud) == []


def test_a_schedule_is_a_little_after_the_machines_own_end(cloud: Cloud) -> None:
    aws = provider(cloud, second_belt_role=aws_account.role(cloud))
    made = aws.create(order(aws, OWNER), ignore, lambda _: None)

    (one,) = schedules(cloud)

    assert made.expires_at
    ends = made.expires_at.timestamp() + belt.LATER_SECONDS
    assert one["ScheduleExpression"] == f"at({aws_account.as_schedule(ends)})"
    assert made.id in one["Target"]["Input"]


def test_every_owner_has_a_schedule_of_its_own() -> None:
    names = {
        belt.name_of(owner)
        for owner in (
            Owner("a-b", "c"),
            Owner("a", "b-c"),
            Owner("a" * 60, "one"),
            Owner("a" * 60, "two"),
        )
    }

    assert len(names) == 4
    assert max(map(len, names)) <= 64
    assert all(name.startswith("mldeploy-end-") for name in names)
