"""EventBridge Scheduler: moto keeps the schedules and never runs one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.cloud import life, roles
from tests.cloud.calls import Call

if TYPE_CHECKING:
    from tests.cloud.world import World

TERMINATE = "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances"


def run_due(world: World) -> None:
    """Carry out the one-time schedules whose time has come."""
    from moto.scheduler.models import scheduler_backends

    from tests.cloud.world import ACCOUNT

    if ACCOUNT not in dict.keys(scheduler_backends):
        return
    for region in list(dict.values(scheduler_backends[ACCOUNT])):
        for group in region.schedule_groups.values():
            for schedule in list(group.schedules.values()):
                if _is_due(schedule, world.now()):
                    _run(world, schedule)
                    if _goes(schedule):
                        group.delete_schedule(schedule.name)


def _is_due(schedule: Any, now: datetime) -> bool:
    expression: str = schedule.schedule_expression
    if not expression.startswith("at(") or schedule.state != "ENABLED":
        return False
    if getattr(schedule, "ran", False):
        return False
    zone = ZoneInfo(schedule.schedule_expression_timezone)
    at = datetime.fromisoformat(expression[3:-1]).replace(tzinfo=zone)
    return at.astimezone(UTC) <= now


def _run(world: World, schedule: Any) -> None:
    schedule.ran = True
    if schedule.target["Arn"].lower() != TERMINATE.lower():
        return
    ids = json.loads(schedule.target.get("Input", "{}")).get("InstanceIds", [])
    for found in [world.lives[each] for each in ids if each in world.lives]:
        call = Call(
            service="ec2",
            action="TerminateInstances",
            region=found.region,
            params={"InstanceId": [found.id]},
            key="",
            at=world.now(),
            principal=schedule.target["RoleArn"],
        )
        # Without the right the real one fails where nobody looks: the instance runs on.
        if roles.allows(world, call.principal, call):
            life.terminate(world, found)


def _goes(schedule: Any) -> bool:
    return str(schedule.action_after_completion) == "DELETE"
