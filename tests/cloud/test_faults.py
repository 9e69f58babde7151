"""What goes wrong on purpose goes wrong as on AWS."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.cloud import samples
from tests.cloud.cloud import Cloud

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("RequestLimitExceeded", 503),
        ("Throttling", 400),
        ("InternalError", 500),
        ("AuthFailure", 401),
        ("OptInRequired", 401),
        ("Blocked", 401),
        ("PendingVerification", 400),
        ("ExpiredToken", 400),
        ("RequestExpired", 400),
        ("InsufficientFreeAddressesInSubnet", 400),
    ],
)
def test_a_call_fails_as_often_as_was_asked(cloud: Cloud, code: str, status: int) -> None:
    cloud.fail("DescribeInstances", code, times=2)
    ec2 = cloud.learner("ec2")
    for _ in range(2):
        with pytest.raises(ClientError) as refused:
            ec2.describe_instances()
        assert refused.value.response["Error"]["Code"] == code
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    ec2.describe_instances()


@pytest.mark.parametrize(
    ("service", "method", "arguments", "code"),
    [
        ("sts", "get_caller_identity", {}, "ExpiredToken"),
        ("ssm", "get_parameter", {"Name": "a"}, "ExpiredTokenException"),
        ("scheduler", "list_schedules", {}, "ExpiredTokenException"),
        ("resourcegroupstaggingapi", "get_resources", {}, "ExpiredTokenException"),
    ],
)
def test_every_protocol_has_its_own_words(
    cloud: Cloud, service: str, method: str, arguments: dict[str, str], code: str
) -> None:
    cloud.fail("*", "ExpiredToken")
    with pytest.raises(ClientError) as refused:
        getattr(cloud.learner(service), method)(**arguments)
    assert refused.value.response["Error"]["Code"] == code


def test_boto3_tries_again_what_aws_means_to_be_tried_again(cloud: Cloud) -> None:
    cloud.fail("DescribeInstances", "RequestLimitExceeded", times=2)
    cloud.learner("ec2", attempts=3).describe_instances()
    assert len(cloud.calls_of("DescribeInstances")) == 3


def test_a_cut_before_changes_nothing(cloud: Cloud) -> None:
    cloud.fail("RunInstances")
    with pytest.raises(ConnectionClosedError):
        samples.launched(cloud)
    assert cloud.instances() == {}


def test_a_lost_reply_is_of_a_call_that_was_carried_out(cloud: Cloud) -> None:
    cloud.fail("RunInstances", when="after")
    asked = samples.request(cloud, ClientToken="one")
    with pytest.raises(ConnectionClosedError):
        cloud.learner("ec2").run_instances(**asked)
    (bought,) = cloud.instances()
    again = cloud.learner("ec2").run_instances(**asked)["Instances"][0]["InstanceId"]
    assert again == bought


def test_an_error_may_be_told_of_a_call_that_was_carried_out(cloud: Cloud) -> None:
    cloud.fail("RunInstances", "InternalError", when="after")
    with pytest.raises(ClientError, match="InternalError"):
        samples.launched(cloud)
    assert len(cloud.instances()) == 1


def test_a_fault_may_come_later_and_in_one_region(cloud: Cloud) -> None:
    cloud.fail("ec2:Describe*", "Unavailable", skip=1, region="us-east-1")
    cloud.learner("ec2", region="eu-central-1").describe_vpcs()
    cloud.learner("ec2").describe_vpcs()
    with pytest.raises(ClientError, match="Unavailable"):
        cloud.learner("ec2").describe_vpcs()


def test_a_dry_run_passes_a_fault_unless_it_is_for_dry_runs_too(cloud: Cloud) -> None:
    cloud.fail("RunInstances", "InternalError")
    with pytest.raises(ClientError, match="DryRunOperation"):
        samples.launched(cloud, DryRun=True)
    with pytest.raises(ClientError, match="InternalError"):
        samples.launched(cloud)
    cloud.fail("RunInstances", "InternalError", dry_runs=True)
    with pytest.raises(ClientError, match="InternalError"):
        samples.launched(cloud, DryRun=True)


def test_from_outside_nothing_fails(cloud: Cloud) -> None:
    cloud.fail("*", "InternalError", times=100)
    cloud.client("ec2").describe_vpcs()
    assert cloud.calls == []


def test_a_call_can_take_long(cloud: Cloud) -> None:
    cloud.delay("DescribeVpcs", 0.3)
    begun = time.monotonic()
    cloud.learner("ec2").describe_vpcs()
    assert time.monotonic() - begun >= 0.3


@pytest.mark.parametrize(
    ("service", "method", "arguments", "unknown", "wrong_secret"),
    [
        ("ec2", "describe_vpcs", {}, "AuthFailure", "AuthFailure"),
        ("sts", "get_caller_identity", {}, "InvalidClientTokenId", "SignatureDoesNotMatch"),
        (
            "ssm",
            "get_parameter",
            {"Name": "a"},
            "UnrecognizedClientException",
            "InvalidSignatureException",
        ),
    ],
)
def test_a_wrong_key_and_a_wrong_secret_are_told_apart(
    cloud: Cloud,
    service: str,
    method: str,
    arguments: dict[str, str],
    unknown: str,
    wrong_secret: str,
) -> None:
    nobodys = cloud.client_with(service, key="AKIASOMEBODYELSE0000", secret="any")
    with pytest.raises(ClientError, match=unknown):
        getattr(nobodys, method)(**arguments)
    with pytest.raises(ClientError, match=wrong_secret):
        getattr(cloud.client_with(service, secret="wrong"), method)(**arguments)


def test_calls_are_logged_with_what_was_asked(cloud: Cloud) -> None:
    samples.launched(cloud)
    (call,) = cloud.calls_of("RunInstances")
    assert call.params["InstanceType"] == "t3.small"
    assert call.params["TagSpecification"][0]["Tag"] == samples.OURS
    assert call.principal == "arn:aws:iam::123456789012:user/learner"


def test_an_account_without_a_default_vpc(cloud: Cloud) -> None:
    cloud.without_default_vpc()
    with pytest.raises(ClientError, match="VPCIdNotSpecified"):
        samples.launched(cloud)
    assert cloud.learner("ec2").describe_vpcs()["Vpcs"] == []


def test_a_default_vpc_can_be_made_again(cloud: Cloud) -> None:
    cloud.without_default_vpc()
    cloud.learner("ec2").create_default_vpc()
    assert samples.launched(cloud)


def test_a_default_vpc_without_subnets(cloud: Cloud) -> None:
    cloud.without_default_vpc(subnets_alone=True)
    with pytest.raises(ClientError, match="MissingInput"):
        samples.launched(cloud)
    assert len(cloud.learner("ec2").describe_vpcs()["Vpcs"]) == 1
