"""A policy enforced on calls: each resource that a call touches is asked about."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud import samples
from tests.cloud.cloud import Cloud

pytestmark = pytest.mark.slow

TAGGED = {"StringEquals": {"aws:RequestTag/mldeploy:managed": "true"}}
OURS = {"StringEquals": {"aws:ResourceTag/mldeploy:managed": "true"}}
CREATED = ("instance", "volume", "network-interface")
USED = ("image", "subnet", "security-group", "key-pair")


def arn(kind: str) -> str:
    return f"arn:aws:ec2:*:*:{kind}/*"


def allow(*actions: str, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource} | more


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


LAUNCHES = (
    allow("ec2:RunInstances", resource=[arn(k) for k in CREATED], Condition=TAGGED),
    allow("ec2:RunInstances", resource=[arn(k) for k in USED]),
    allow(
        "ec2:CreateTags",
        resource=[arn(k) for k in CREATED],
        Condition={"StringEquals": {"ec2:CreateAction": "RunInstances"}},
    ),
)


def test_without_a_policy_everything_is_allowed(cloud: Cloud) -> None:
    samples.launched(cloud)


def test_a_launch_needs_every_resource(cloud: Cloud) -> None:
    cloud.enforce(policy(*LAUNCHES))
    samples.launched(cloud)


@pytest.mark.parametrize("kind", [*CREATED, *USED])
def test_a_launch_is_refused_for_one_resource_that_is_not_allowed(cloud: Cloud, kind: str) -> None:
    cloud.client("ec2").create_key_pair(KeyName="a")
    deny = allow("ec2:RunInstances", resource=arn(kind)) | {"Effect": "Deny"}
    cloud.enforce(policy(*LAUNCHES, deny))
    with pytest.raises(ClientError, match=f":{kind}/.*explicit deny") as refused:
        samples.launched(cloud, KeyName="a")
    assert refused.value.response["Error"]["Code"] == "UnauthorizedOperation"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert cloud.instances() == {}


def test_a_launch_without_its_tag_is_refused(cloud: Cloud) -> None:
    cloud.enforce(policy(*LAUNCHES))
    with pytest.raises(ClientError, match=r"ec2:RunInstances on resource: .*:instance/\*"):
        samples.launched(cloud, TagSpecifications=[])


def test_a_launch_with_tags_needs_create_tags(cloud: Cloud) -> None:
    cloud.enforce(policy(*LAUNCHES[:2]))
    with pytest.raises(ClientError, match="not authorized to perform: ec2:CreateTags"):
        samples.launched(cloud)


def test_a_spot_launch_touches_its_request_too(cloud: Cloud) -> None:
    cloud.enforce(policy(*LAUNCHES))
    with pytest.raises(ClientError, match="spot-instances-request"):
        samples.launched(cloud, InstanceMarketOptions={"MarketType": "spot"})


def test_a_belt_on_types_must_be_for_instances_alone(cloud: Cloud) -> None:
    only = {"StringNotEquals": {"ec2:InstanceType": ["t3.micro"]}}
    belt = {"Effect": "Deny", "Action": "ec2:RunInstances", "Condition": only}
    cloud.enforce(policy(*LAUNCHES, belt | {"Resource": arn("instance")}))
    samples.launched(cloud, InstanceType="t3.micro")
    with pytest.raises(ClientError, match="explicit deny"):
        samples.launched(cloud)
    cloud.enforce(policy(*LAUNCHES, belt | {"Resource": "*"}))
    with pytest.raises(ClientError, match="explicit deny"):
        samples.launched(cloud, InstanceType="t3.micro")


def test_a_dry_run_tells_what_is_allowed(cloud: Cloud) -> None:
    cloud.enforce(policy(*LAUNCHES))
    with pytest.raises(ClientError, match="DryRunOperation"):
        samples.launched(cloud, DryRun=True)
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        samples.launched(cloud, DryRun=True, TagSpecifications=[])


def test_only_what_is_ours_can_be_ended(cloud: Cloud) -> None:
    cloud.instant()
    ours, other = samples.launched(cloud), samples.launched(cloud, TagSpecifications=[])
    cloud.enforce(policy(allow("ec2:TerminateInstances", resource=arn("instance"), Condition=OURS)))
    ec2 = cloud.learner("ec2")
    ec2.terminate_instances(InstanceIds=[ours])
    with pytest.raises(ClientError, match=f"instance/{other}"):
        ec2.terminate_instances(InstanceIds=[other])
    with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
        ec2.terminate_instances(InstanceIds=["i-0123456789abcdef0"])


def test_groups_and_keys_are_made_with_their_tags(cloud: Cloud) -> None:
    made = [arn("security-group"), arn("key-pair")]
    by = {"StringEquals": {"ec2:CreateAction": ["CreateSecurityGroup", "CreateKeyPair"]}}
    cloud.enforce(
        policy(
            allow("ec2:CreateSecurityGroup", "ec2:CreateKeyPair", resource=made, Condition=TAGGED),
            allow("ec2:CreateSecurityGroup", resource=arn("vpc")),
            allow("ec2:CreateTags", resource=made, Condition=by),
            allow("ec2:DeleteKeyPair", "ec2:DeleteSecurityGroup", resource=made, Condition=OURS),
        )
    )
    ec2 = cloud.learner("ec2")
    cloud.lagging(group_by_id=0)
    tags = {
        kind: [{"ResourceType": kind, "Tags": samples.OURS}]
        for kind in ("security-group", "key-pair")
    }
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        ec2.create_security_group(GroupName="a", Description="b")
    ec2.create_security_group(
        GroupName="a", Description="b", TagSpecifications=tags["security-group"]
    )
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        ec2.create_key_pair(KeyName="a")
    ec2.create_key_pair(KeyName="a", TagSpecifications=tags["key-pair"])
    ec2.delete_key_pair(KeyName="a")
    found: Any = [{"Name": "group-name", "Values": ["a"]}]
    (group,) = cloud.client("ec2").describe_security_groups(Filters=found)["SecurityGroups"]
    ec2.delete_security_group(GroupId=group["GroupId"])


def test_public_parameters_belong_to_nobody(cloud: Cloud) -> None:
    name = samples.UBUNTU.format("amd64")
    public = "arn:aws:ssm:*::parameter/aws/service/*"
    cloud.enforce(policy(allow("ssm:GetParameter", resource=public)))
    cloud.learner("ssm").get_parameter(Name=name)
    with pytest.raises(ClientError, match=r"AccessDeniedException.*parameter/mine"):
        cloud.learner("ssm").get_parameter(Name="/mine")


@pytest.mark.parametrize(
    ("service", "method", "arguments", "action"),
    [
        ("ec2", "describe_vpcs", {}, "ec2:DescribeVpcs"),
        ("pricing", "get_products", {"ServiceCode": "AmazonEC2"}, "pricing:GetProducts"),
        ("freetier", "get_account_plan_state", {}, "freetier:GetAccountPlanState"),
        ("resourcegroupstaggingapi", "get_resources", {}, "tag:GetResources"),
        (
            "service-quotas",
            "get_service_quota",
            {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"},
            "servicequotas:GetServiceQuota",
        ),
        ("account", "list_regions", {}, "account:ListRegions"),
    ],
)
def test_every_service_has_its_name_in_policies(
    cloud: Cloud, service: str, method: str, arguments: dict[str, str], action: str
) -> None:
    call = getattr(cloud.learner(service), method)
    cloud.enforce(policy(allow("s3:ListBucket")))
    with pytest.raises(ClientError, match=f"not authorized to perform: {action}"):
        call(**arguments)
    cloud.enforce(policy(allow(action)))
    call(**arguments)


def test_who_one_is_everybody_may_ask(cloud: Cloud) -> None:
    cloud.enforce(policy(allow("s3:ListBucket")))
    told = cloud.learner("sts").get_caller_identity()
    assert told["Arn"] == "arn:aws:iam::123456789012:user/learner"


def test_a_schedule_hands_a_role_over(cloud: Cloud) -> None:
    asked: dict[str, Any] = {
        "Name": "end",
        "ScheduleExpression": "at(2036-11-20T10:00:00)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances",
            "RoleArn": samples.role(cloud),
        },
    }
    cloud.enforce(policy(allow("scheduler:CreateSchedule")))
    with pytest.raises(ClientError, match=r"iam:PassRole on resource: .*:role/ends"):
        cloud.learner("scheduler").create_schedule(**asked)
    to = {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
    role = "arn:aws:iam::*:role/ends"
    passes = allow("iam:PassRole", resource=role, Condition=to)
    cloud.enforce(policy(allow("scheduler:CreateSchedule"), passes))
    cloud.learner("scheduler").create_schedule(**asked)


@pytest.mark.parametrize("terse", [False, True])
def test_a_denial_can_be_decoded_by_who_may(cloud: Cloud, terse: bool) -> None:
    cloud.denials_are_terse(terse)
    cloud.enforce(policy(allow("ec2:Describe*")))
    with pytest.raises(ClientError, match="Encoded authorization failure message: ") as refused:
        samples.launched(cloud)
    message = refused.value.response["Error"]["Message"]
    assert ("ec2:RunInstances" in message) != terse
    encoded = message.rpartition(": ")[2]
    with pytest.raises(ClientError, match="AccessDenied"):
        cloud.learner("sts").decode_authorization_message(EncodedMessage=encoded)
    cloud.enforce(policy(allow("sts:DecodeAuthorizationMessage")))
    told = cloud.learner("sts").decode_authorization_message(EncodedMessage=encoded)
    assert json.loads(told["DecodedMessage"])["context"]["action"] == "ec2:RunInstances"


def test_from_outside_no_policy_counts(cloud: Cloud) -> None:
    cloud.enforce(policy(allow("s3:ListBucket")))
    cloud.client("ec2").describe_vpcs()
