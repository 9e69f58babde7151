"""Names, descriptions and tags that EC2 does not take."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud import samples
from tests.cloud.cloud import Cloud


@pytest.mark.parametrize("description", ["the learner's", "für alle", "a" * 256, "a > b"])
def test_a_description_has_few_letters(cloud: Cloud, description: str) -> None:
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        cloud.learner("ec2").create_security_group(GroupName="a", Description=description)


def test_the_description_of_a_rule_too(cloud: Cloud) -> None:
    group = samples.group(cloud)
    ranges = [{"CidrIp": "203.0.113.10/32", "Description": "the learner's"}]
    rule: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": ranges}
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        cloud.learner("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])


@pytest.mark.parametrize(
    ("kind", "key", "value", "code"),
    [
        ("instance", "aws:mine", "a", "InvalidParameterValue"),
        ("instance", "a" * 129, "a", "InvalidParameterValue"),
        ("instance", "a", "a" * 257, "InvalidParameterValue"),
        ("security-group", "a", "a", "InvalidParameterValue"),
        ("spot-instances-request", "a", "a", "InvalidParameterCombination"),
    ],
)
def test_tags_that_are_not_taken(cloud: Cloud, kind: str, key: str, value: str, code: str) -> None:
    tags = [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value}]}]
    with pytest.raises(ClientError) as refused:
        samples.launched(cloud, TagSpecifications=tags)
    assert refused.value.response["Error"]["Code"] == code
    assert cloud.instances() == {}


def test_the_longest_tag_is_taken(cloud: Cloud) -> None:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "a" * 128, "Value": "a" * 256}]}]
    assert samples.launched(cloud, TagSpecifications=tags)
