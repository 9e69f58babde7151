"""The least that mldeploy needs in an account, as IAM reads it. Pure.

What only looks may look everywhere: EC2's lists know no narrower right. What makes something must
put our tag on it in the same call, and what ends something finds our tag there: machines of others
can't be touched with it.
"""

from __future__ import annotations

from typing import Any

from mldeploy.providers import tags

Statement = dict[str, Any]
MADE_WITH_TAGS = ("RunInstances", "CreateSecurityGroup", "ImportKeyPair")

LOOK = (
    "ec2:DescribeAddresses",
    "ec2:DescribeImages",
    "ec2:DescribeInstances",
    "ec2:DescribeInstanceTypeOfferings",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeKeyPairs",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRegions",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVolumes",
    "ec2:DescribeVpcs",
    "servicequotas:GetServiceQuota",
    "freetier:GetAccountPlanState",
    "pricing:GetProducts",
)
END = (
    "ec2:TerminateInstances",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:RevokeSecurityGroupIngress",
    "ec2:DeleteSecurityGroup",
    "ec2:DeleteKeyPair",
    "ec2:DeleteVolume",
    "ec2:DeleteNetworkInterface",
    "ec2:ReleaseAddress",
    "ec2:CreateTags",  # a new expiry
    "ec2-instance-connect:SendSSHPublicKey",
)
BELT = ("scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule")


def policy(*, second_belt: bool = False) -> dict[str, Any]:
    """With ``second_belt`` also what a schedule in AWS needs."""
    statements = [
        _allow("Look", LOOK, ["*"]),
        _allow(
            "ReadImagesIds",
            ("ssm:GetParameter",),
            ["arn:aws:ssm:*::parameter/aws/service/*"],
        ),
        _allow(
            "MakeWithOurTag",
            ("ec2:RunInstances",),
            _arns("instance", "volume", "network-interface", "spot-instances-request"),
            _requested(),
        ),
        _allow(
            "UseWhatAMachineNeeds",
            ("ec2:RunInstances",),
            [
                "arn:aws:ec2:*::image/*",
                "arn:aws:ec2:*::snapshot/*",
                *_arns("subnet", "security-group", "key-pair"),
            ],
        ),
        _allow(
            "MakeGroupAndKeyWithOurTag",
            ("ec2:CreateSecurityGroup", "ec2:ImportKeyPair"),
            _arns("security-group", "key-pair"),
            _requested(),
        ),
        _allow("MakeGroupInNetwork", ("ec2:CreateSecurityGroup",), _arns("vpc")),
        _allow(
            "TagWhatIsBeingMade",
            ("ec2:CreateTags",),
            ["arn:aws:ec2:*:*:*/*"],
            {"StringEquals": {"ec2:CreateAction": list(MADE_WITH_TAGS)}},
        ),
        _allow("ChangeAndEndOurs", END, ["*"], _ours()),
    ]
    if second_belt:
        name = "arn:aws:scheduler:*:*:schedule/default/mldeploy-end-*"
        statements.append(_allow("SecondBelt", BELT, [name]))
        statements.append(
            _allow(
                "HandOverTheBeltsRole",
                ("iam:PassRole",),
                ["arn:aws:iam::*:role/mldeploy-*"],
                {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
            )
        )
    return {"Version": "2012-10-17", "Statement": statements}


def actions(made: dict[str, Any]) -> list[str]:
    """Every action that a policy allows, once."""
    return sorted({action for one in made["Statement"] for action in one["Action"]})


def _allow(
    sid: str, what: tuple[str, ...], on: list[str], when: dict[str, Any] | None = None
) -> Statement:
    made: Statement = {"Sid": sid, "Effect": "Allow", "Action": list(what), "Resource": on}
    return made | ({"Condition": when} if when else {})


def _arns(*kinds: str) -> list[str]:
    return [f"arn:aws:ec2:*:*:{kind}/*" for kind in kinds]


def _requested() -> dict[str, Any]:
    return {"StringEquals": {f"aws:RequestTag/{tags.MANAGED}": tags.YES}}


def _ours() -> dict[str, Any]:
    return {"StringEquals": {f"aws:ResourceTag/{tags.MANAGED}": tags.YES}}
