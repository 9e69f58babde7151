"""One token is one launch: what keeps a retry from buying a second machine."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.cloud import samples
from tests.cloud.cloud import Cloud


def test_the_same_token_and_request_is_the_same_reservation(cloud: Cloud) -> None:
    asked = samples.request(cloud, ClientToken="one")
    first = cloud.learner("ec2").run_instances(**asked)
    again = cloud.learner("ec2").run_instances(**asked)

    assert again["ReservationId"] == first["ReservationId"]
    assert [each["InstanceId"] for each in again["Instances"]] == list(cloud.instances())


def test_a_token_outlives_its_instance(cloud: Cloud) -> None:
    cloud.instant()
    asked = samples.request(cloud, ClientToken="one")
    instance = cloud.learner("ec2").run_instances(**asked)["Instances"][0]["InstanceId"]
    cloud.learner("ec2").terminate_instances(InstanceIds=[instance])

    again = cloud.learner("ec2").run_instances(**asked)["Instances"][0]

    assert again["InstanceId"] == instance
    assert again["State"]["Name"] == "terminated"


def test_the_same_token_for_another_request_is_refused(cloud: Cloud) -> None:
    samples.launched(cloud, ClientToken="one")
    with pytest.raises(ClientError, match="IdempotentParameterMismatch") as refused:
        samples.launched(cloud, ClientToken="one", InstanceType="t3.micro")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert len(cloud.instances()) == 1


def test_a_token_counts_in_its_region(cloud: Cloud) -> None:
    samples.launched(cloud, ClientToken="one")
    samples.launched(cloud, region="eu-central-1", ClientToken="one")
    assert len(cloud.instances()) == 2


def test_a_refused_launch_does_not_use_up_its_token(cloud: Cloud) -> None:
    cloud.no_capacity("t3.small")
    asked = samples.request(cloud, ClientToken="one")
    with pytest.raises(ClientError, match="InsufficientInstanceCapacity"):
        cloud.learner("ec2").run_instances(**asked)
    cloud.capacity_again()
    cloud.learner("ec2").run_instances(**asked)
    assert len(cloud.instances()) == 1
