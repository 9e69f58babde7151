"""States take a while, and what hangs on an instance goes with it or stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from tests.cloud import samples
from tests.cloud.cloud import Cloud


def states(cloud: Cloud, instance: str, count: int) -> list[str]:
    """As somebody sees them who asks again and again."""
    ec2 = cloud.learner("ec2")
    found = []
    for _ in range(count):
        told = ec2.describe_instances(InstanceIds=[instance])["Reservations"]
        found.append(told[0]["Instances"][0]["State"]["Name"])
    return found


def test_an_instance_is_pending_before_it_runs(cloud: Cloud) -> None:
    cloud.lagging(instance_by_id=0)
    cloud.paced(pending_describes=2)
    made = cloud.learner("ec2").run_instances(**samples.request(cloud))["Instances"][0]
    assert made["State"]["Name"] == "pending"
    assert "PublicIpAddress" not in made
    assert states(cloud, made["InstanceId"], 4) == ["pending", "pending", "running", "running"]
    assert samples.seen(cloud, made["InstanceId"])["PublicIpAddress"].startswith("192.0.2.")


def test_an_instance_is_pending_for_a_time(cloud: Cloud) -> None:
    cloud.instant()
    cloud.paced(pending=60)
    instance = samples.launched(cloud)
    assert states(cloud, instance, 3) == ["pending"] * 3
    cloud.advance(61)
    assert states(cloud, instance, 1) == ["running"]


def test_an_address_may_come_after_the_state(cloud: Cloud) -> None:
    cloud.instant()
    cloud.paced(addressless=1)
    instance = samples.launched(cloud)
    ec2 = cloud.learner("ec2")
    told = [
        ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        for _ in range(2)
    ]
    assert [each["State"]["Name"] for each in told] == ["running", "running"]
    assert ["PublicIpAddress" in each for each in told] == [False, True]


def test_ending_takes_a_while_and_is_remembered_for_an_hour(cloud: Cloud) -> None:
    cloud.instant()
    cloud.paced(ending_describes=1)
    instance = samples.launched(cloud)
    (told,) = cloud.learner("ec2").terminate_instances(InstanceIds=[instance])[
        "TerminatingInstances"
    ]
    assert told["CurrentState"]["Name"] == "shutting-down"
    assert states(cloud, instance, 2) == ["shutting-down", "terminated"]
    (told,) = cloud.learner("ec2").terminate_instances(InstanceIds=[instance])[
        "TerminatingInstances"
    ]
    assert told["CurrentState"]["Name"] == "terminated"

    cloud.advance(3601)

    with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
        states(cloud, instance, 1)


@pytest.mark.parametrize(
    ("behavior", "ends_as"), [("terminate", "terminated"), ("stop", "stopped")]
)
def test_a_shutdown_inside_ends_as_was_asked(cloud: Cloud, behavior: str, ends_as: str) -> None:
    cloud.instant()
    instance = samples.launched(cloud, InstanceInitiatedShutdownBehavior=behavior)
    cloud.ended_itself(instance)
    assert samples.state(cloud, instance) == ends_as


def test_a_shutdown_inside_is_told_as_the_reason(cloud: Cloud) -> None:
    cloud.instant()
    instance = samples.launched(cloud)
    cloud.ended_itself(instance)
    reason = samples.seen(cloud, instance)["StateReason"]
    assert reason["Code"] == "Client.InstanceInitiatedShutdown"


def test_a_stopped_instance_starts_with_another_address(cloud: Cloud) -> None:
    cloud.instant()
    instance = samples.launched(cloud)
    first = samples.seen(cloud, instance)["PublicIpAddress"]
    cloud.learner("ec2").stop_instances(InstanceIds=[instance])
    assert samples.state(cloud, instance) == "stopped"
    assert "PublicIpAddress" not in samples.seen(cloud, instance)
    cloud.learner("ec2").start_instances(InstanceIds=[instance])
    assert samples.seen(cloud, instance)["PublicIpAddress"] != first


def test_the_disk_goes_with_its_instance_unless_it_is_to_stay(cloud: Cloud) -> None:
    cloud.instant()
    stays = [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 9, "DeleteOnTermination": False}}]
    instance = samples.launched(cloud, BlockDeviceMappings=stays)
    ec2 = cloud.client("ec2")
    assert {v["Size"]: v["State"] for v in ec2.describe_volumes()["Volumes"]} == {
        8: "in-use",
        9: "in-use",
    }
    cloud.learner("ec2").terminate_instances(InstanceIds=[instance])
    (left,) = ec2.describe_volumes()["Volumes"]
    assert (left["Size"], left["State"]) == (9, "available")
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_all_that_is_launched_has_its_tags(cloud: Cloud) -> None:
    samples.launched(cloud)
    ec2 = cloud.client("ec2")
    (nic,) = ec2.describe_network_interfaces()["NetworkInterfaces"]
    (disk,) = ec2.describe_volumes()["Volumes"]
    assert nic["TagSet"] == disk["Tags"] == samples.OURS


def test_a_group_in_use_cannot_be_deleted(cloud: Cloud) -> None:
    cloud.instant()
    cloud.paced(ending_describes=1)
    group = samples.group(cloud)
    nic = {"DeviceIndex": 0, "AssociatePublicIpAddress": True, "Groups": [group]}
    instance = samples.launched(cloud, NetworkInterfaces=[nic])
    ec2 = cloud.learner("ec2")
    assert samples.seen(cloud, instance)["SecurityGroups"][0]["GroupId"] == group
    ec2.terminate_instances(InstanceIds=[instance])
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_security_group(GroupId=group)
    ec2.describe_instances(InstanceIds=[instance])
    ec2.delete_security_group(GroupId=group)


def test_the_tagging_api_knows_key_pairs_and_those_that_are_gone(cloud: Cloud) -> None:
    cloud.instant()
    instance = samples.launched(cloud)
    tags = [{"ResourceType": "key-pair", "Tags": samples.OURS}]
    cloud.learner("ec2").create_key_pair(KeyName="a", TagSpecifications=tags)
    cloud.learner("ec2").terminate_instances(InstanceIds=[instance])
    cloud.tick()

    found = cloud.learner("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "mldeploy:managed", "Values": ["true"]}]
    )["ResourceTagMappingList"]

    kinds = {each["ResourceARN"].split(":")[-1].split("/")[0] for each in found}
    assert kinds == {"instance", "key-pair"}


def test_an_instance_is_launched_when_the_clouds_clock_says(cloud: Cloud) -> None:
    cloud.advance(86400)
    launched = samples.seen(cloud, samples.launched(cloud))["LaunchTime"]
    assert abs(launched - cloud.world.now()) < timedelta(minutes=1)
