"""From RunInstances to a login and back: the stand-in with real machines behind it."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.cloud import samples
from tests.cloud.cloud import Cloud
from tests.conftest import until

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="a machine's disk is mounted: needs root"),
]


def reaches(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=2):
            return True
    except OSError:
        return False


def public_key() -> bytes:
    return (
        Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    )


def allow_ssh_from(cloud: Cloud, group: str, source: str) -> None:
    rule: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    cloud.learner("ec2").authorize_security_group_ingress(
        GroupId=group, IpPermissions=[rule | {"IpRanges": [{"CidrIp": source}]}]
    )


def test_an_instance_is_launched_reached_and_ends_itself(
    cloud_with_machines: Cloud, tmp_path: Path
) -> None:
    cloud = cloud_with_machines
    cloud.instant()
    cloud.client("ec2").import_key_pair(KeyName="a", PublicKeyMaterial=public_key())
    group = samples.group(cloud)
    instance = samples.launched(
        cloud,
        KeyName="a",
        NetworkInterfaces=[{"DeviceIndex": 0, "AssociatePublicIpAddress": True, "Groups": [group]}],
    )

    until(lambda: samples.state(cloud, instance) == "running", 300)
    address = samples.seen(cloud, instance)["PublicIpAddress"]

    assert not reaches(address, 22)
    allow_ssh_from(cloud, group, "203.0.113.10/32")
    until(lambda: reaches(address, 22), 120)
    cloud.caller_address = "198.51.100.1"  # as after a change of the network at home
    until(lambda: not reaches(address, 22), 60)

    cloud.machines.exec(instance, ["shutdown", "-h", "now"])
    until(lambda: samples.state(cloud, instance) == "terminated", 120)
    assert cloud.client("ec2").describe_volumes()["Volumes"] == []
