"""Regions that an account has to switch on first."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.cloud import samples
from tests.cloud.cloud import Cloud

OFF = "eu-south-1"


def test_a_region_that_is_off_knows_no_key(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="AuthFailure"):
        cloud.learner("ec2", region=OFF).describe_vpcs()
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        cloud.learner("sts", region=OFF).get_caller_identity()
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        cloud.learner("ssm", region=OFF).get_parameter(Name=samples.UBUNTU.format("amd64"))


def test_a_region_that_was_switched_on_is_as_the_others(cloud: Cloud) -> None:
    cloud.opt_in(OFF)
    assert samples.launched(cloud, region=OFF)


def test_ec2_tells_the_regions_that_are_on(cloud: Cloud) -> None:
    ec2 = cloud.learner("ec2")
    on = {each["RegionName"]: each["OptInStatus"] for each in ec2.describe_regions()["Regions"]}
    assert on["us-east-1"] == "opt-in-not-required"
    assert OFF not in on
    every = ec2.describe_regions(AllRegions=True)["Regions"]
    assert {each["RegionName"]: each["OptInStatus"] for each in every}[OFF] == "not-opted-in"
    cloud.opt_in(OFF)
    on = {each["RegionName"]: each["OptInStatus"] for each in ec2.describe_regions()["Regions"]}
    assert on[OFF] == "opted-in"


def test_the_account_service_says_it_in_other_words(cloud: Cloud) -> None:
    account = cloud.learner("account")
    told = account.list_regions(RegionOptStatusContains=["DISABLED"])["Regions"]
    assert {"RegionName": OFF, "RegionOptStatus": "DISABLED"} in told
    account.enable_region(RegionName=OFF)
    assert account.get_region_opt_status(RegionName=OFF)["RegionOptStatus"] == "ENABLED"
