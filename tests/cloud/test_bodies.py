"""Instances with a machine behind each, here with a fake that only writes down what it is told."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.cloud import samples
from tests.cloud.cloud import Cloud
from tests.conftest import until


@dataclass
class FakeMachines:
    """Boots when `gate` is set."""

    gate: threading.Event = field(default_factory=threading.Event)
    launched: dict[str, tuple[bytes, list[str]]] = field(default_factory=dict)
    open: dict[str, set[int]] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    keys: list[tuple[str, str, int]] = field(default_factory=list)
    broken: bool = False

    def launch(self, instance_id: str, *, user_data: bytes, public_keys: Sequence[str]) -> str:
        self.gate.wait(10)
        if self.broken:
            raise OSError("no machine today")
        self.launched[instance_id] = (user_data, list(public_keys))
        return "172.17.0.9"

    def allow(self, instance_id: str, ports: Collection[int]) -> None:
        self.open[instance_id] = set(ports)

    def add_key(self, instance_id: str, user: str, public_key: str, seconds: int) -> None:
        self.keys.append((instance_id, user, seconds))

    def terminate(self, instance_id: str) -> None:
        self.ended.append(instance_id)

    def stop(self, instance_id: str) -> None: ...
    def start(self, instance_id: str) -> None: ...
    def reboot(self, instance_id: str) -> None: ...
    def close(self) -> None: ...


@pytest.fixture
def machines(cloud: Cloud) -> Iterator[FakeMachines]:
    fake = FakeMachines()
    fake.gate.set()
    cloud.instant()
    cloud.attach_machines(fake)
    yield fake
    fake.gate.set()
    cloud.detach_machines()


def is_in(cloud: Cloud, instance: str, state: str) -> None:
    until(lambda: samples.state(cloud, instance) == state)


def allow(cloud: Cloud, group: str, port: int, source: str) -> None:
    rule: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
    cloud.learner("ec2").authorize_security_group_ingress(
        GroupId=group, IpPermissions=[rule | {"IpRanges": [{"CidrIp": source}]}]
    )


def test_an_instance_is_pending_until_its_machine_has_an_address(
    cloud: Cloud, machines: FakeMachines
) -> None:
    machines.gate.clear()
    instance = samples.launched(cloud)
    assert samples.state(cloud, instance) == "pending"
    machines.gate.set()
    is_in(cloud, instance, "running")
    assert samples.seen(cloud, instance)["PublicIpAddress"] == "172.17.0.9"


def test_a_machine_gets_its_user_data_and_key(cloud: Cloud, machines: FakeMachines) -> None:
    public = cloud.client("ec2").create_key_pair(KeyName="a", KeyType="ed25519")
    instance = samples.launched(cloud, KeyName="a", UserData="#!/bin/sh\n")
    is_in(cloud, instance, "running")
    user_data, keys = machines.launched[instance]
    assert user_data == b"#!/bin/sh\n"
    assert keys[0].startswith("ssh-ed25519 ")
    assert public["KeyName"] == "a"


def test_groups_decide_what_can_be_reached(cloud: Cloud, machines: FakeMachines) -> None:
    group = samples.group(cloud)
    allow(cloud, group, 22, "203.0.113.10/32")
    allow(cloud, group, 80, "198.51.100.0/24")
    instance = samples.launched(cloud, SecurityGroupIds=[group])
    is_in(cloud, instance, "running")
    assert machines.open[instance] == {22}
    allow(cloud, group, 443, "0.0.0.0/0")
    until(lambda: machines.open[instance] == {22, 443})
    cloud.caller_address = "198.51.100.7"
    until(lambda: machines.open[instance] == {80, 443})


def test_what_is_ended_by_a_call_ends(cloud: Cloud, machines: FakeMachines) -> None:
    instance = samples.launched(cloud)
    is_in(cloud, instance, "running")
    cloud.learner("ec2").terminate_instances(InstanceIds=[instance])
    until(lambda: machines.ended == [instance])


def test_what_ended_itself_is_terminated(cloud: Cloud, machines: FakeMachines) -> None:
    instance = samples.launched(cloud)
    is_in(cloud, instance, "running")
    cloud.ended_itself(instance)
    is_in(cloud, instance, "terminated")
    until(lambda: machines.ended == [instance])


def test_an_instance_that_is_ended_while_it_boots_leaves_no_machine(
    cloud: Cloud, machines: FakeMachines
) -> None:
    machines.gate.clear()
    instance = samples.launched(cloud)
    cloud.learner("ec2").terminate_instances(InstanceIds=[instance])
    until(lambda: machines.ended == [instance])
    machines.gate.set()
    until(lambda: machines.ended == [instance, instance])


def test_a_machine_that_does_not_boot_is_a_failed_launch(
    cloud: Cloud, machines: FakeMachines
) -> None:
    machines.broken = True
    instance = samples.launched(cloud)
    is_in(cloud, instance, "terminated")
    reason = samples.seen(cloud, instance)["StateReason"]
    assert reason["Code"] == "Server.InternalError"


def test_a_due_schedule_ends_a_machine_with_nobody_asking(
    cloud: Cloud, machines: FakeMachines
) -> None:
    from tests.cloud.test_schedules import schedule

    instance = samples.launched(cloud)
    is_in(cloud, instance, "running")
    schedule(cloud, instance)
    cloud.world.skew += cloud.world.pace.remembered
    until(lambda: machines.ended == [instance])


def test_a_key_may_be_sent_for_a_minute(cloud: Cloud, machines: FakeMachines) -> None:
    instance = samples.launched(cloud)
    is_in(cloud, instance, "running")
    connect = cloud.learner("ec2-instance-connect")
    sent = connect.send_ssh_public_key(
        InstanceId=instance, InstanceOSUser="ubuntu", SSHPublicKey="ssh-ed25519 " + "A" * 80
    )
    assert sent["Success"]
    assert machines.keys == [(instance, "ubuntu", 60)]
    assert cloud.ssh_keys[0]["instance"] == instance
