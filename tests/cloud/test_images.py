"""The public parameters, and the images that they name."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud import samples
from tests.cloud.cloud import Cloud
from tests.cloud.images import CANONICAL, IMAGES


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-southeast-2"])
def test_every_parameter_names_an_image_of_its_region(cloud: Cloud, region: str) -> None:
    for image in IMAGES:
        found = samples.image(cloud, image.parameter, region)
        ec2 = cloud.learner("ec2", region=region)
        (described,) = ec2.describe_images(ImageIds=[found])["Images"]
        assert described["RootDeviceName"] == image.root
        assert described["Architecture"] == image.architecture
        assert described["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == image.size


def test_ubuntus_are_canonicals(cloud: Cloud) -> None:
    found = cloud.learner("ec2").describe_images(Owners=[CANONICAL])["Images"]
    assert {image["Architecture"] for image in found} == {"x86_64", "arm64"}


def test_an_unknown_parameter_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="ParameterNotFound"):
        cloud.learner("ssm").get_parameter(Name="/aws/service/canonical/ubuntu/99")


def test_an_image_for_another_architecture_is_refused(cloud: Cloud) -> None:
    arm = samples.image(cloud, samples.UBUNTU.format("arm64"))
    with pytest.raises(ClientError, match=r"'x86_64'.*does not match.*'arm64'") as refused:
        samples.launched(cloud, ImageId=arm)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert samples.launched(cloud, ImageId=arm, InstanceType="t4g.small")


def test_a_disk_smaller_than_the_image_is_refused(cloud: Cloud) -> None:
    gpu = samples.image(cloud, samples.GPU)
    small = [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 30, "VolumeType": "gp3"}}]
    with pytest.raises(ClientError, match=r"InvalidBlockDeviceMapping.*expect size >= 75GB"):
        samples.launched(cloud, ImageId=gpu, BlockDeviceMappings=small)


def test_a_disk_with_the_name_of_another_image_is_a_second_one(cloud: Cloud) -> None:
    wrong = [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 30, "VolumeType": "gp3"}}]
    instance = samples.launched(cloud, BlockDeviceMappings=wrong)
    disks = samples.seen(cloud, instance)["BlockDeviceMappings"]
    assert {disk["DeviceName"] for disk in disks} == {"/dev/sda1", "/dev/xvda"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ImageId": "ami-0123456789abcdef0"}, "InvalidAMIID.NotFound"),
        ({"KeyName": "nobody's"}, "InvalidKeyPair.NotFound"),
        ({"InstanceType": "t9.small"}, "InvalidParameterValue"),
        ({"SecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidGroup.NotFound"),
        ({"UserData": "x" * 16385}, "InvalidParameterValue"),
        ({"NetworkInterfaces": [{"AssociatePublicIpAddress": True}]}, "InvalidParameterValue"),
        (
            {"NetworkInterfaces": [{"DeviceIndex": 0}], "SubnetId": "subnet-1"},
            "InvalidParameterCombination",
        ),
    ],
)
def test_what_cannot_be_launched_is_refused(
    cloud: Cloud, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        samples.launched(cloud, **changes)
    assert refused.value.response["Error"]["Code"] == code
    assert cloud.instances() == {}


def test_user_data_of_16384_bytes_is_taken(cloud: Cloud) -> None:
    assert samples.launched(cloud, UserData="x" * 16384)
