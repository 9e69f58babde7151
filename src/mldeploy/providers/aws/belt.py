"""A second thing that ends a machine at its expiry: a one-time schedule in AWS itself.

The machine's own timer needs a kernel that works. Who wants more names a role in mldeploy.toml
(`second_belt_role`) that EventBridge Scheduler may take to terminate machines of ours.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from mldeploy.errors import MldeployError
from mldeploy.providers.aws.errors import DuplicateError, NotThereError
from mldeploy.providers.aws.session import Session
from mldeploy.providers.base import Intend, Owner, Rented

PREFIX = "mldeploy-end"
LATER_SECONDS = 120  # after the machine's own end, which is the ordinary one
TERMINATE = "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances"


def name_of(owner: Owner) -> str:
    """Schedules' names take 64 characters of a small set; the owner's own are of it.

    The digest keeps apart what a dash joins: a-b's c and a's b-c.
    """
    digest = hashlib.sha256(str(owner).encode()).hexdigest()[:8]
    return f"{PREFIX}-{owner.project}-{owner.target}"[:55] + f"-{digest}"


def buckle(session: Session, rented: Rented, expires_at: datetime | None, intend: Intend) -> None:
    """Make or move the schedule. For a machine without an end there is to be none, not even the
    one of its old end."""
    role = session.target.second_belt_role
    if role is None:
        return
    if expires_at is None:
        _delete(session, session.region, rented.owner, intend)
        return
    at = datetime.fromtimestamp(expires_at.timestamp() + LATER_SECONDS, UTC)
    what: dict[str, Any] = {
        "Name": name_of(rented.owner),
        "ScheduleExpression": f"at({at:%Y-%m-%dT%H:%M:%S})",
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {
            "Arn": TERMINATE,
            "RoleArn": role,
            "Input": json.dumps({"InstanceIds": [rented.id]}),
        },
    }
    intend("scheduler:CreateSchedule", what["Name"])
    try:
        session.call("scheduler", "create_schedule", **what)
    except DuplicateError:
        intend("scheduler:UpdateSchedule", what["Name"])
        session.call("scheduler", "update_schedule", **what)


def unbuckle(session: Session, place: str, owner: Owner, intend: Intend) -> str:
    """Remove it; returns why it stays, if it does. It ends nothing then: its machine is gone."""
    if session.target.second_belt_role is None:
        return ""
    try:
        _delete(session, place, owner, intend)
    except MldeployError as error:
        return f"the schedule {name_of(owner)} stays, and removes itself: {error.what}"
    return ""


def _delete(session: Session, place: str, owner: Owner, intend: Intend) -> None:
    intend("scheduler:DeleteSchedule", name_of(owner))
    with suppress(NotThereError):
        session.call("scheduler", "delete_schedule", place, Name=name_of(owner))
