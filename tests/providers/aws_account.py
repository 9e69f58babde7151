"""A learner's account at the stand-in for AWS, for tests that look at the provider from outside."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mldeploy.errors import MldeployError
from mldeploy.prices import as_tag
from mldeploy.providers import clock
from mldeploy.providers.aws import Aws, session
from mldeploy.providers.aws.session import Session
from mldeploy.providers.aws.settings import AwsTarget
from mldeploy.providers.base import Order, Owner
from tests.cloud.cloud import Cloud
from tests.providers.contract import keys

ROLE = "arn:aws:iam::123456789012:role/mldeploy-belt"
_CLIENTS: dict[str, Session] = {}  # by endpoint: making them anew takes longer than any test


def enter(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in that account, with nobody's settings, and without waiting."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(session, "ATTEMPTS", 1)
    passed = [0.0]

    def sleep(seconds: float) -> None:
        passed[0] += seconds

    monkeypatch.setattr(clock, "sleep", sleep)
    monkeypatch.setattr(clock, "monotonic", lambda: passed[0])


def provider(cloud: Cloud, **settings: Any) -> Aws:
    """A new one, which knows nothing of what others did."""
    made = Aws(AwsTarget(**{"region": "us-east-1"} | settings))
    known = _CLIENTS.setdefault(cloud.endpoint, made.session)
    if known is not made.session:
        made.session._clients = known._clients
        made.session.__dict__["_boto"] = known._boto
    return made


def said(error: MldeployError) -> str:
    return f"{error.what} {error.why} {error.do}"


def actions(cloud: Cloud) -> set[str]:
    """What was asked of AWS, as policies name it."""
    return {call.name for call in cloud.calls}


def without(policy: dict[str, Any], action: str) -> dict[str, Any]:
    """The policy, less one action; a statement of nothing else goes with it."""
    kept: Iterable[dict[str, Any]] = (
        one | {"Action": [each for each in one["Action"] if each != action]}
        for one in policy["Statement"]
    )
    return policy | {"Statement": [one for one in kept if one["Action"]]}


def order(aws: Aws, owner: Owner, generation: int = 1, **changes: Any) -> Order:
    """One machine of the types that the target names, for an hour."""
    login, host, private = keys()
    now = datetime.now(UTC).replace(microsecond=0)
    types = aws.target.machine_types
    wanted = Order(
        owner=owner,
        rental=secrets.token_hex(5),
        generation=generation,
        machine_types=types,
        prices={each: as_tag(aws.price(each)) for each in types},
        disk_gb=aws.target.disk_gb,
        ports=(443,),
        made_by="ada@laptop",
        made_at=now,
        expires_at=now + timedelta(hours=1),
        public_key=login,
        host_key=host,
        private_host_key=private,
    )
    return replace(wanted, **changes)


def role(cloud: Cloud) -> str:
    """One that EventBridge Scheduler may take, to end machines of ours."""
    client = cloud.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "scheduler.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    may = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "ec2:TerminateInstances", "Resource": "*"},
        ],
    }
    client.create_role(RoleName="mldeploy-belt", AssumeRolePolicyDocument=json.dumps(trust))
    client.put_role_policy(
        RoleName="mldeploy-belt", PolicyName="ends", PolicyDocument=json.dumps(may)
    )
    return ROLE


def as_schedule(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}"
