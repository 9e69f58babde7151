"""What tests ask of the stand-in: one launch as the product makes it, to vary."""

from __future__ import annotations

import json
from typing import Any

from tests.cloud.cloud import Cloud
from tests.cloud.world import FIRST_REGION

UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/{}/hvm/ebs-gp3/ami-id"
GPU = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"
OURS = [{"Key": "mldeploy:managed", "Value": "true"}]
FOR_ALL = [
    {"ResourceType": kind, "Tags": OURS} for kind in ("instance", "volume", "network-interface")
]


def image(cloud: Cloud, parameter: str = UBUNTU.format("amd64"), region: str = FIRST_REGION) -> str:
    found = cloud.client("ssm", region=region).get_parameter(Name=parameter)
    return str(found["Parameter"]["Value"])


def role(cloud: Cloud, *statements: dict[str, Any], service: str = "scheduler") -> str:
    """The ARN of a new role for a service, with these rights."""
    iam = cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}}
    made = iam.create_role(
        RoleName="ends",
        AssumeRolePolicyDocument=_document(trust | {"Action": "sts:AssumeRole"}),
    )
    if statements:
        rights = _document(*statements)
        iam.put_role_policy(RoleName="ends", PolicyName="a", PolicyDocument=rights)
    arn = str(made["Role"]["Arn"])
    cloud.world.unseen.pop(arn, None)
    return arn


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def group(cloud: Cloud, name: str = "ours") -> str:
    """A security group, known everywhere."""
    made = cloud.client("ec2").create_security_group(GroupName=name, Description="of a test")
    cloud.world.unseen.pop(made["GroupId"], None)
    return str(made["GroupId"])


def request(cloud: Cloud, region: str = FIRST_REGION, **changes: Any) -> dict[str, Any]:
    """The parameters of a RunInstances that works."""
    asked = {
        "ImageId": image(cloud, region=region),
        "InstanceType": "t3.small",
        "MinCount": 1,
        "MaxCount": 1,
        "InstanceInitiatedShutdownBehavior": "terminate",
        "TagSpecifications": FOR_ALL,
    }
    return asked | changes


def launched(cloud: Cloud, region: str = FIRST_REGION, **changes: Any) -> str:
    """The id of a new instance."""
    asked = request(cloud, region, **changes)
    made = cloud.learner("ec2", region=region).run_instances(**asked)
    return str(made["Instances"][0]["InstanceId"])


def seen(cloud: Cloud, instance_id: str, region: str = FIRST_REGION) -> dict[str, Any]:
    """The instance as it really is."""
    found = cloud.client("ec2", region=region).describe_instances(InstanceIds=[instance_id])
    instance: dict[str, Any] = found["Reservations"][0]["Instances"][0]
    return instance


def state(cloud: Cloud, instance_id: str) -> str:
    return str(seen(cloud, instance_id)["State"]["Name"])
