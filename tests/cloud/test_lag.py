"""What was just made is not known everywhere at once."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud import samples
from tests.cloud.cloud import Cloud

BY_TAG: Any = [{"Name": "tag:mldeploy:managed", "Values": ["true"]}]


def found(cloud: Cloud) -> list[str]:
    told = cloud.learner("ec2").describe_instances(Filters=BY_TAG)["Reservations"]
    return [each["Instances"][0]["InstanceId"] for each in told]


def test_a_new_instance_is_not_found_at_first(cloud: Cloud) -> None:
    cloud.lagging(instance_by_id=2, instance_by_filter=2)
    instance = samples.launched(cloud)
    for _ in range(2):
        with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
            cloud.learner("ec2").describe_instances(InstanceIds=[instance])
        assert found(cloud) == []
    cloud.learner("ec2").describe_instances(InstanceIds=[instance])
    assert found(cloud) == [instance]


def test_a_new_instance_cannot_be_ended_at_first(cloud: Cloud) -> None:
    instance = samples.launched(cloud)
    with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
        cloud.learner("ec2").terminate_instances(InstanceIds=[instance])
    cloud.learner("ec2").terminate_instances(InstanceIds=[instance])


def test_its_token_finds_it_at_once(cloud: Cloud) -> None:
    assert samples.launched(cloud, ClientToken="a") == samples.launched(cloud, ClientToken="a")


def test_from_outside_all_is_seen_at_once(cloud: Cloud) -> None:
    assert samples.state(cloud, samples.launched(cloud)) == "pending"


def test_a_new_group_is_not_found_at_first(cloud: Cloud) -> None:
    ec2 = cloud.learner("ec2")
    group = ec2.create_security_group(GroupName="a", Description="of a test")["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    allow = {"GroupId": group, "IpPermissions": [rule | {"IpRanges": [{"CidrIp": "1.2.3.4/32"}]}]}
    with pytest.raises(ClientError, match=r"InvalidGroup\.NotFound"):
        ec2.authorize_security_group_ingress(**allow)
    ec2.authorize_security_group_ingress(**allow)
    by_name: Any = [{"Name": "group-name", "Values": ["a"]}]
    assert ec2.describe_security_groups(Filters=by_name)["SecurityGroups"] == []
    assert len(ec2.describe_security_groups(Filters=by_name)["SecurityGroups"]) == 1


def test_a_new_group_cannot_be_launched_into_at_first(cloud: Cloud) -> None:
    group = cloud.learner("ec2").create_security_group(GroupName="a", Description="b")["GroupId"]
    nic = {"DeviceIndex": 0, "Groups": [group]}
    with pytest.raises(ClientError, match=r"InvalidGroup\.NotFound"):
        samples.launched(cloud, NetworkInterfaces=[nic])
    samples.launched(cloud, NetworkInterfaces=[nic])


def test_the_tagging_api_learns_later(cloud: Cloud) -> None:
    samples.launched(cloud)
    tagging = cloud.learner("resourcegroupstaggingapi")
    assert tagging.get_resources()["ResourceTagMappingList"] == []
    kinds = [
        each["ResourceARN"].rsplit(":")[-1].split("/")[0]
        for each in tagging.get_resources()["ResourceTagMappingList"]
    ]
    assert sorted(kinds) == ["instance", "network-interface", "volume"]
