"""EventBridge Scheduler ends an instance when it is due, with nobody's help."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud import lag, samples
from tests.cloud.cloud import Cloud

ENDS = {"Effect": "Allow", "Action": "ec2:TerminateInstances", "Resource": "*"}


def schedule(
    cloud: Cloud, instance: str, after: str = "DELETE", zone: str = "UTC", role: str = ""
) -> None:
    at = cloud.world.now() + timedelta(hours=1)
    asked: dict[str, Any] = {
        "Name": "end",
        "ScheduleExpression": f"at({at:%Y-%m-%dT%H:%M:%S})",
        "ScheduleExpressionTimezone": zone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": after,
        "Target": {
            "Arn": "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances",
            "RoleArn": role or samples.role(cloud, ENDS),
            "Input": json.dumps({"InstanceIds": [instance]}),
        },
    }
    cloud.learner("scheduler").create_schedule(**asked)


def names(cloud: Cloud) -> list[str]:
    return [each["Name"] for each in cloud.learner("scheduler").list_schedules()["Schedules"]]


def test_a_due_schedule_ends_its_instance(cloud: Cloud) -> None:
    cloud.instant()
    instance = samples.launched(cloud)
    schedule(cloud, instance)
    cloud.advance(3500)
    assert samples.state(cloud, instance) == "running"
    cloud.advance(200)
    assert samples.state(cloud, instance) == "terminated"


@pytest.mark.parametrize(("after", "left"), [("DELETE", []), ("NONE", ["end"])])
def test_it_is_gone_afterwards_if_that_was_asked(cloud: Cloud, after: str, left: list[str]) -> None:
    schedule(cloud, samples.launched(cloud), after)
    cloud.advance(3700)
    assert names(cloud) == left


def test_a_schedule_keeps_to_its_time_zone(cloud: Cloud) -> None:
    cloud.instant()
    instance = samples.launched(cloud)
    schedule(cloud, instance, zone="America/New_York")  # hours later than in UTC
    cloud.advance(3700)
    assert samples.state(cloud, instance) == "running"


def test_a_deleted_schedule_does_nothing(cloud: Cloud) -> None:
    cloud.instant()
    instance = samples.launched(cloud)
    schedule(cloud, instance)
    cloud.learner("scheduler").delete_schedule(Name="end")
    cloud.advance(3700)
    assert samples.state(cloud, instance) == "running"


def test_a_role_that_may_not_end_it_lets_it_run_on(cloud: Cloud) -> None:
    cloud.instant()
    instance = samples.launched(cloud)
    other = {"StringEquals": {"aws:ResourceTag/mldeploy:managed": "false"}}
    schedule(cloud, instance, role=samples.role(cloud, ENDS | {"Condition": other}))
    cloud.advance(3700)
    assert samples.state(cloud, instance) == "running"


def test_a_role_for_what_is_ours_ends_it(cloud: Cloud) -> None:
    cloud.instant()
    instance = samples.launched(cloud)
    ours = {"StringEquals": {"aws:ResourceTag/mldeploy:managed": "true"}}
    schedule(cloud, instance, role=samples.role(cloud, ENDS | {"Condition": ours}))
    cloud.advance(3700)
    assert samples.state(cloud, instance) == "terminated"


def test_a_role_that_nobody_made_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match=r"ValidationException.*assume the role"):
        schedule(cloud, "i-1", role="arn:aws:iam::123456789012:role/nobody")


def test_a_role_for_another_service_is_refused(cloud: Cloud) -> None:
    role = samples.role(cloud, ENDS, service="ec2")
    with pytest.raises(ClientError, match=r"ValidationException.*assume the role"):
        schedule(cloud, "i-1", role=role)


def test_a_new_role_is_not_known_at_first(cloud: Cloud) -> None:
    role = samples.role(cloud, ENDS)
    lag.is_new_role(cloud.world, role)
    with pytest.raises(ClientError, match=r"ValidationException.*assume the role"):
        schedule(cloud, "i-1", role=role)
    schedule(cloud, "i-1", role=role)
