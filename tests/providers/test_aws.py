"""EC2 held to the contract of a provider, on the stand-in."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from mldeploy.providers import clock, tags
from mldeploy.providers.aws import Aws, session
from mldeploy.providers.aws.settings import AwsTarget
from mldeploy.providers.base import Owner, Provider, Rented
from tests.conftest import until
from tests.providers.contract import Contract, Harness

if TYPE_CHECKING:
    from tests.cloud.cloud import Cloud


pytestmark = pytest.mark.slow


class AwsHarness(Harness):
    types = ("t3.small", "t3.medium")
    prices = {"t3.small": "0.0280", "t3.medium": "0.0488"}  # noqa: RUF012 - as the base has it

    def __init__(self, cloud: Cloud) -> None:
        super().__init__()
        self.cloud = cloud

    def provider(self) -> Provider:
        return Aws(AwsTarget())

    def without_capacity(self, *machine_types: str) -> Provider:
        for each in machine_types:
            self.cloud.no_capacity(type=each)
        return self.provider()

    def losing_the_reply(self) -> Provider:
        """Of all of boto3's repeats: with one of them it is no loss."""
        self.cloud.fail("RunInstances", when="after", times=3)
        return self.provider()

    def machines(self, owner: Owner) -> list[str]:
        found = self._list("describe_instances", owner)
        there = [one for each in found["Reservations"] for one in each["Instances"]]
        return [one["InstanceId"] for one in there if one["State"]["Name"] != "terminated"]

    def things(self, owner: Owner) -> list[str]:
        lists = {
            "describe_volumes": ("Volumes", "VolumeId"),
            "describe_security_groups": ("SecurityGroups", "GroupId"),
            "describe_key_pairs": ("KeyPairs", "KeyName"),
            "describe_addresses": ("Addresses", "AllocationId"),
            "describe_network_interfaces": ("NetworkInterfaces", "NetworkInterfaceId"),
        }
        found = self.machines(owner)
        for method, (key, name) in lists.items():
            found += [one[name] for one in self._list(method, owner)[key]]
        return found

    def end(self, rented: Rented) -> None:
        self.cloud.ended_itself(rented.id)

    def booted(self, rented: Rented) -> None:
        """It runs when it was looked at often enough."""
        until(lambda: self.provider().get(rented.owner).state == "running", seconds=20)  # type: ignore[union-attr]

    def clear(self) -> None:
        self.cloud.capacity_again()
        super().clear()

    def _list(self, method: str, owner: Owner) -> dict[str, Any]:
        marks = ((tags.PROJECT, owner.project), (tags.TARGET, owner.target))
        wanted = [{"Name": f"tag:{name}", "Values": [value]} for name, value in marks]
        found: dict[str, Any] = getattr(self.cloud.client("ec2"), method)(Filters=wanted)
        return found


class TestAws(Contract):
    @pytest.fixture
    def harness(self, as_learner: Cloud, monkeypatch: pytest.MonkeyPatch) -> Harness:
        """Pauses pass in the cloud's time; nobody waits for them. What its lists show too late has
        tests of its own: here they are prompt."""
        from tests.cloud import regions

        as_learner.lagging(**dict.fromkeys(vars(as_learner.lag), 0))
        monkeypatch.setattr(regions, "names", lambda: ["eu-west-1", "us-east-1"])
        passed = 0.0

        def sleep(seconds: float) -> None:
            nonlocal passed
            passed += seconds
            as_learner.advance(seconds)

        monkeypatch.setattr(clock, "sleep", sleep)
        monkeypatch.setattr(clock, "monotonic", lambda: passed)
        monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)  # between repeats
        _make_once(monkeypatch, as_learner)
        return AwsHarness(as_learner)


_rsa_key = cache(rsa.generate_private_key)  # moto makes one for each disk that is encrypted
_clients: dict[tuple[str, str, str], Any] = {}


def _make_once(patch: pytest.MonkeyPatch, cloud: Cloud) -> None:
    """Clients and keys: making them is most of what such a test would do."""
    make = session.Session.client

    def client(one: session.Session, service: str, region: str | None = None) -> Any:
        name = (cloud.endpoint, service, region or one.region)
        if name not in _clients:
            _clients[name] = make(one, service, region)
        return _clients[name]

    patch.setattr(rsa, "generate_private_key", _rsa_key)
    patch.setattr(session.Session, "client", client)
