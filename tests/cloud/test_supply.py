"""What an account may have, and what there is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud import samples
from tests.cloud.cloud import Cloud
from tests.cloud.quotas import FAMILIES, STANDARD, family_of

SPOT = {"MarketType": "spot", "SpotOptions": {"SpotInstanceType": "one-time"}}
G_AND_VT = "L-DB2E81BA"


def gpu(cloud: Cloud, **changes: Any) -> str:
    image = samples.image(cloud, samples.GPU)
    return samples.launched(cloud, InstanceType="g4dn.xlarge", ImageId=image, **changes)


def quota(cloud: Cloud, code: str) -> float:
    quotas = cloud.learner("service-quotas")
    found = quotas.get_service_quota(ServiceCode="ec2", QuotaCode=code)
    return float(found["Quota"]["Value"])


def test_a_new_account_may_run_no_gpu(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match=r"VcpuLimitExceeded.*limit of 0 "):
        gpu(cloud)
    assert quota(cloud, G_AND_VT) == 0
    cloud.quota(4, G_AND_VT)
    assert gpu(cloud)
    assert quota(cloud, G_AND_VT) == 4


def test_what_runs_counts_until_it_ends(cloud: Cloud) -> None:
    cloud.instant()
    cloud.quota(4)
    first, _ = samples.launched(cloud), samples.launched(cloud)
    with pytest.raises(ClientError, match="VcpuLimitExceeded"):
        samples.launched(cloud)
    cloud.learner("ec2").terminate_instances(InstanceIds=[first])
    samples.launched(cloud)


def test_spot_has_a_quota_of_its_own(cloud: Cloud) -> None:
    cloud.quota(4, G_AND_VT)
    with pytest.raises(ClientError, match="MaxSpotInstanceCountExceeded"):
        gpu(cloud, InstanceMarketOptions=SPOT)
    instance = samples.launched(cloud, InstanceMarketOptions=SPOT)
    assert samples.seen(cloud, instance)["InstanceLifecycle"] == "spot"


def test_a_spot_launch_leaves_a_request_with_its_tags(cloud: Cloud) -> None:
    cloud.instant()
    tags = [{"ResourceType": "spot-instances-request", "Tags": samples.OURS}]
    instance = samples.launched(cloud, InstanceMarketOptions=SPOT, TagSpecifications=tags)
    ec2 = cloud.learner("ec2")
    (request,) = ec2.describe_spot_instance_requests()["SpotInstanceRequests"]
    assert request["InstanceId"] == instance
    assert request["State"] == "active"
    assert request["Tags"] == samples.OURS
    assert (
        samples.seen(cloud, instance)["SpotInstanceRequestId"] == (request["SpotInstanceRequestId"])
    )
    ec2.cancel_spot_instance_requests(SpotInstanceRequestIds=[request["SpotInstanceRequestId"]])
    assert samples.state(cloud, instance) == "running"


def test_a_spot_instance_can_be_taken_back(cloud: Cloud) -> None:
    cloud.instant()
    instance = samples.launched(cloud, InstanceMarketOptions=SPOT)
    cloud.interrupt(instance)
    assert samples.seen(cloud, instance)["StateReason"]["Code"] == "Server.SpotInstanceTermination"
    (request,) = cloud.client("ec2").describe_spot_instance_requests()["SpotInstanceRequests"]
    assert request["State"] == "closed"


def test_a_quota_is_of_its_region(cloud: Cloud) -> None:
    cloud.quota(0, region="eu-central-1")
    samples.launched(cloud)
    with pytest.raises(ClientError, match="VcpuLimitExceeded"):
        samples.launched(cloud, region="eu-central-1")


def test_an_unknown_quota_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="NoSuchResourceException"):
        quota(cloud, "L-00000000")


@pytest.mark.parametrize(
    ("instance_type", "family"),
    [("t3.small", STANDARD), ("g5.xlarge", FAMILIES[1]), ("gr6.4xlarge", FAMILIES[1])]
    + [("p4d.24xlarge", FAMILIES[2]), ("inf2.xlarge", FAMILIES[3]), ("i4i.large", STANDARD)],
)
def test_a_type_is_of_a_family(instance_type: str, family: object) -> None:
    assert family_of(instance_type) is family


def test_no_capacity_is_an_error_of_the_server(cloud: Cloud) -> None:
    cloud.no_capacity("t3.small", "us-east-1a")
    subnets = cloud.client("ec2").describe_subnets()["Subnets"]
    by_zone = {each["AvailabilityZone"]: each["SubnetId"] for each in subnets}
    with pytest.raises(ClientError, match="InsufficientInstanceCapacity") as refused:
        samples.launched(cloud, SubnetId=by_zone["us-east-1a"])
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    instance = samples.launched(cloud, SubnetId=by_zone["us-east-1b"])
    assert samples.seen(cloud, instance)["Placement"]["AvailabilityZone"] == "us-east-1b"


def test_aws_chooses_a_zone_that_has_capacity(cloud: Cloud) -> None:
    cloud.no_capacity("t3.small", "us-east-1a")
    instance = samples.launched(cloud)
    assert samples.seen(cloud, instance)["Placement"]["AvailabilityZone"] == "us-east-1b"


def test_spot_capacity_may_be_missing_alone(cloud: Cloud) -> None:
    cloud.no_capacity(market="spot")
    with pytest.raises(ClientError, match="InsufficientInstanceCapacity"):
        samples.launched(cloud, InstanceMarketOptions=SPOT)
    samples.launched(cloud)


def test_a_type_may_not_be_offered_in_a_zone(cloud: Cloud) -> None:
    cloud.not_offered("t3.small", "us-east-1b")
    with pytest.raises(ClientError, match=r"Unsupported.*us-east-1b"):
        samples.launched(cloud, Placement={"AvailabilityZone": "us-east-1b"})
    offered = cloud.learner("ec2").describe_instance_type_offerings(
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": ["t3.small"]}],
    )["InstanceTypeOfferings"]
    zones = {each["Location"] for each in offered}
    assert "us-east-1b" not in zones
    assert "us-east-1a" in zones


def test_the_free_plan_has_few_types(cloud: Cloud) -> None:
    cloud.plan("FREE", credits="87.5", expires="2027-01-15T00:00:00+00:00")
    samples.launched(cloud)
    with pytest.raises(ClientError, match=r"InvalidParameterCombination.*Free Tier"):
        samples.launched(cloud, InstanceType="m5.large")
    told = cloud.learner("freetier").get_account_plan_state()
    assert told["accountPlanType"] == "FREE"
    assert Decimal(str(told["accountPlanRemainingCredits"]["amount"])) == Decimal("87.5")
    assert told["accountPlanExpirationDate"].isoformat().startswith("2027-01-15")


def test_the_paid_plan_says_so(cloud: Cloud) -> None:
    assert cloud.learner("freetier").get_account_plan_state()["accountPlanType"] == "PAID"


def test_a_dry_run_tells_neither_quota_nor_capacity(cloud: Cloud) -> None:
    cloud.no_capacity()
    cloud.quota(0)
    with pytest.raises(ClientError, match="DryRunOperation"):
        samples.launched(cloud, DryRun=True)
