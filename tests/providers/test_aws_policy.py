"""The policy of `mldeploy aws policy` is enough for all that we do, no more, and tells what lacks.

Proved at the stand-in, which judges every resource that a call touches as AWS documents it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mldeploy.doctor.checks import Finding, examine
from mldeploy.errors import MldeployError
from mldeploy.prices import aws_api
from mldeploy.providers import tags
from mldeploy.providers.aws import Aws, find, policy
from mldeploy.providers.aws.explain import FORBIDDEN
from mldeploy.providers.base import Ended, Owner, Rented
from tests.cloud import iam, samples
from tests.cloud.cloud import Cloud
from tests.conftest import CHECKOUT
from tests.providers import aws_account
from tests.providers.aws_account import order, provider, said, without
from tests.providers.contract import ignore, keys

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

OWNER = Owner("shop", "cloud")
LEAST = policy.policy()
WITH_BELT = policy.policy(second_belt=True)
UNCALLED = {"iam:PassRole"}  # a right that CreateSchedule takes, and no call of its own
FOR_EVERYBODY = {"sts:GetCallerIdentity"}  # AWS asks no policy about it


@pytest.fixture(autouse=True)
def account(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    aws_account.enter(cloud, monkeypatch)
    cloud.instant()
    cloud.plan("FREE", credits="100", expires="2037-01-01T00:00:00+00:00")  # asks the most


@pytest.fixture
def role(cloud: Cloud) -> str:
    """One that EventBridge Scheduler may take, to end machines of ours."""
    return aws_account.role(cloud)


@pytest.fixture
def one_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a test is not about regions, looking at all of them takes most of its time."""
    monkeypatch.setattr(find, "regions", lambda session: [session.region])


@dataclass
class Life:
    """What becomes of a machine, step by step; ``told`` is all that a person would read."""

    cloud: Cloud
    aws: Aws
    told: list[str] = field(default_factory=list)
    made: Rented | None = None
    ended: Ended | None = None

    @property
    def steps(self) -> list[Callable[[], object]]:
        return [
            self.examine,
            self.aws.check,
            self.create,
            self.get,
            self.let_in,
            lambda: self.aws.open_ports(self.must_be, (80,), ignore),
            lambda: self.aws.admit(self.must_be, keys()[0], ignore),
            lambda: self.aws.extend(self.must_be, _later(self.must_be), ignore),
            self.list_ours,
            self.leave_things,
            self.destroy,
            lambda: aws_api.read("us-east-1", {}, self.told.append),
        ]

    def run(self, until: str = "") -> None:
        """All steps, also after one that failed; or ``until`` something was told of that."""
        for step in self.steps:
            try:
                step()
            except MldeployError as error:
                self.told.append(said(error))
            if until and self.tells_of(until):
                return

    def tells_of(self, word: str) -> bool:
        return any(word in text for text in self.told)

    @property
    def must_be(self) -> Rented:
        assert self.made, self.told
        return self.made

    def create(self) -> None:
        self.made = self.aws.create(order(self.aws, OWNER), ignore, self.told.append)

    def get(self) -> None:
        assert self.made is None or self.aws.get(OWNER) is not None

    def let_in(self) -> None:
        """From another address than before: a rule goes, and one comes."""
        self.cloud.caller_address = "198.51.100.77"
        provider(self.cloud).let_in(self.must_be, ignore)

    def examine(self) -> list[Finding]:
        found = examine(self.aws.checks())
        self.told += [f"{one.message} {one.remedy}" for one in found]
        return found

    def list_ours(self) -> None:
        self.told += [why for _, why in self.aws.list_ours().silent]

    def leave_things(self) -> None:
        """What a machine may leave behind, put there from outside."""
        ec2 = self.cloud.client("ec2")
        marks = [
            {"Key": tags.MANAGED, "Value": tags.YES},
            {"Key": tags.PROJECT, "Value": OWNER.project},
            {"Key": tags.TARGET, "Value": OWNER.target},
        ]
        (subnet, *_) = ec2.describe_subnets()["Subnets"]
        disk = ec2.create_volume(AvailabilityZone="us-east-1a", Size=8)["VolumeId"]
        interface = ec2.create_network_interface(SubnetId=subnet["SubnetId"])
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        names = [disk, interface["NetworkInterface"]["NetworkInterfaceId"], address]
        ec2.create_tags(Resources=names, Tags=marks)

    def destroy(self) -> None:
        self.ended = self.aws.destroy(OWNER, ignore, self.told.append)
        self.told += [f"{one.text}: {one.state}" for one in self.ended.left]


def _later(rented: Rented) -> Any:
    assert rented.expires_at
    return rented.expires_at + timedelta(hours=1)


# It is enough


def test_the_whole_life_passes_with_it(cloud: Cloud) -> None:
    cloud.enforce(LEAST)
    life = Life(cloud, provider(cloud))
    for step in life.steps:
        step()
    assert life.ended
    assert life.ended.left == ()
    assert {one.kind for one in life.ended.removed} == {
        *("machine", "disk", "group", "key", "address", "network interface"),
    }
    assert not life.tells_of("not allowed")


def test_the_life_with_a_second_belt_passes_with_its_policy(
    cloud: Cloud, role: str, one_region: None
) -> None:
    cloud.enforce(WITH_BELT)
    life = Life(cloud, provider(cloud, second_belt_role=role))
    for step in life.steps:
        step()
    assert life.ended
    assert life.ended.left == ()
    assert not life.tells_of("not allowed")
    assert not life.tells_of("stays")


@pytest.mark.parametrize(
    "settings",
    [
        {"spot": True},
        {"machine_type": "g4dn.xlarge", "disk": "80GB"},
        {"machine_type": "t4g.small"},
        {"system": "amazon"},
        {"region": "eu-central-1"},
    ],
    ids=lambda settings: " ".join(map(str, settings.values())),
)
def test_every_kind_of_machine_can_be_rented_with_it(
    cloud: Cloud, one_region: None, settings: dict[str, Any]
) -> None:
    cloud.plan("PAID")
    cloud.quota(16, "L-DB2E81BA")
    cloud.enforce(LEAST)
    life = Life(cloud, provider(cloud, **settings))
    findings = life.examine()
    life.create()
    life.destroy()
    assert not [one for one in findings if one.severity in ("error", "skipped")]
    assert life.ended
    assert life.ended.left == ()


def test_another_type_can_be_rented_where_there_is_none_of_the_first(
    cloud: Cloud, one_region: None
) -> None:
    cloud.enforce(LEAST)
    cloud.plan("PAID")
    cloud.no_capacity("t3.small")
    aws = provider(cloud, or_machine_types=("t3a.small",))
    made = aws.create(order(aws, OWNER), ignore, ignore_word)
    assert made.machine_type == "t3a.small"


def ignore_word(_: str) -> None:
    """Nobody waits."""


# What lacks is named


@pytest.mark.parametrize("action", policy.actions(LEAST))
def test_what_is_not_allowed_is_named(cloud: Cloud, one_region: None, action: str) -> None:
    cloud.enforce(without(LEAST, action))
    life = Life(cloud, provider(cloud))
    life.run(until=action)
    assert life.tells_of(action), life.told
    naming = next(text for text in life.told if action in text)
    assert "mldeploy aws policy" in naming or "stays" in naming or ": " in naming
    assert "Encoded" not in " ".join(life.told)


@pytest.mark.parametrize("action", sorted({*policy.actions(WITH_BELT)} - {*policy.actions(LEAST)}))
def test_what_the_second_belt_lacks_is_named(
    cloud: Cloud, role: str, one_region: None, action: str
) -> None:
    cloud.enforce(without(WITH_BELT, action))
    life = Life(cloud, provider(cloud, second_belt_role=role))
    life.run(until=action)
    assert life.tells_of(action), life.told


def test_the_remedy_of_a_belt_that_lacks_is_the_belts_policy(
    cloud: Cloud, role: str, one_region: None
) -> None:
    cloud.enforce(LEAST)
    aws = provider(cloud, second_belt_role=role)
    made = aws.create(order(aws, OWNER), ignore, ignore_word)  # it ends itself all the same
    with pytest.raises(MldeployError) as refused:
        aws.extend(made, _later(made), ignore)
    assert "scheduler:CreateSchedule" in refused.value.what
    assert "aws policy --second-belt" in refused.value.do


# It is no more than that


def test_every_action_in_it_is_used_and_none_is_used_beyond_it(cloud: Cloud, role: str) -> None:
    cloud.enforce(WITH_BELT)
    life = Life(cloud, provider(cloud, second_belt_role=role))
    for step in life.steps:
        step()
    asked = aws_account.actions(cloud) - FOR_EVERYBODY
    assert asked == set(policy.actions(WITH_BELT)) - UNCALLED


def test_it_is_a_policy_that_aws_takes() -> None:
    for made in (LEAST, WITH_BELT):
        iam.check_document(made)
        assert len("".join(json.dumps(made).split())) <= iam.LONGEST
    assert not [a for a in policy.actions(WITH_BELT) if "*" in a]


def test_only_what_looks_is_allowed_without_a_condition() -> None:
    """But for what a launch uses, and the names that the belt's own are."""
    free = [
        one["Action"] for one in LEAST["Statement"] if one["Resource"] == ["*"] and not _bound(one)
    ]
    changing = [a for actions in free for a in actions if not a.split(":")[1].startswith(LOOKS)]
    assert changing == []


LOOKS = ("Describe", "Get")


def _bound(statement: dict[str, Any]) -> bool:
    return "Condition" in statement


# It can't touch what is others'


@pytest.fixture
def others(cloud: Cloud) -> dict[str, str]:
    """A machine, a group and a disk that carry none of our tags."""
    ec2 = cloud.client("ec2")
    return {
        "instance": samples.launched(cloud, TagSpecifications=[]),
        "group": samples.group(cloud, "theirs"),
        "disk": ec2.create_volume(AvailabilityZone="us-east-1a", Size=8)["VolumeId"],
        "key": str(ec2.create_key_pair(KeyName="theirs")["KeyName"]),
        "address": ec2.allocate_address(Domain="vpc")["AllocationId"],
    }


@pytest.mark.parametrize(
    ("method", "what"),
    [
        ("terminate_instances", {"InstanceIds": ["instance"]}),
        ("delete_security_group", {"GroupId": "group"}),
        ("delete_volume", {"VolumeId": "disk"}),
        ("delete_key_pair", {"KeyName": "key"}),
        ("release_address", {"AllocationId": "address"}),
        (
            "create_tags",
            {"Resources": ["instance"], "Tags": [{"Key": tags.MANAGED, "Value": tags.YES}]},
        ),
        ("stop_instances", {"InstanceIds": ["instance"]}),
        (
            "authorize_security_group_ingress",
            {"GroupId": "group", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
             "CidrIp": "0.0.0.0/0"},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_others_can_not_be_touched(
    cloud: Cloud, others: dict[str, str], method: str, what: dict[str, Any]
) -> None:
    cloud.enforce(LEAST)
    with pytest.raises(ClientError) as refused:
        getattr(cloud.learner("ec2"), method)(**_named(what, others))
    assert refused.value.response["Error"]["Code"] == "UnauthorizedOperation"


def _named(what: dict[str, Any], others: dict[str, str]) -> dict[str, Any]:
    def one(value: Any) -> Any:
        if isinstance(value, list):
            return [one(each) for each in value]
        return others.get(value, value) if isinstance(value, str) else value

    return {name: one(value) for name, value in what.items()}


def test_ssh_keys_can_not_be_sent_to_others_machines(cloud: Cloud, others: dict[str, str]) -> None:
    cloud.enforce(LEAST)
    with pytest.raises(ClientError, match="SendSSHPublicKey"):
        cloud.learner("ec2-instance-connect").send_ssh_public_key(
            InstanceId=others["instance"], InstanceOSUser="ubuntu", SSHPublicKey=keys()[0]
        )


@pytest.mark.parametrize("spot", [False, True], ids=["ordinary", "spot"])
def test_nothing_can_be_launched_without_our_tag(cloud: Cloud, spot: bool) -> None:
    cloud.enforce(LEAST)
    market: Any = {"InstanceMarketOptions": {"MarketType": "spot"}} if spot else {}
    with pytest.raises(ClientError, match="not authorized to perform: ec2:RunInstances"):
        samples.launched(cloud, TagSpecifications=[], **market)


@pytest.mark.parametrize("left_out", ["instance", "volume", "network-interface"])
def test_nothing_of_a_launch_can_stay_without_our_tag(cloud: Cloud, left_out: str) -> None:
    cloud.enforce(LEAST)
    tagged = [one for one in samples.FOR_ALL if one["ResourceType"] != left_out]
    with pytest.raises(ClientError, match="not authorized to perform: ec2:RunInstances"):
        samples.launched(cloud, TagSpecifications=tagged)


def test_no_group_and_no_key_can_be_made_without_our_tag(cloud: Cloud) -> None:
    cloud.enforce(LEAST)
    ec2 = cloud.learner("ec2")
    with pytest.raises(ClientError, match="ec2:CreateSecurityGroup"):
        ec2.create_security_group(GroupName="a", Description="b")
    with pytest.raises(ClientError, match="ec2:ImportKeyPair"):
        ec2.import_key_pair(KeyName="a", PublicKeyMaterial=keys()[0].encode())


def test_other_roles_can_not_be_handed_over(cloud: Cloud) -> None:
    cloud.enforce(WITH_BELT)
    asked: dict[str, Any] = {
        "Name": "mldeploy-end-a-b",
        "ScheduleExpression": "at(2036-11-20T10:00:00)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances",
            "RoleArn": "arn:aws:iam::123456789012:role/administrator",
        },
    }
    with pytest.raises(ClientError, match="iam:PassRole"):
        cloud.learner("scheduler").create_schedule(**asked)
    with pytest.raises(ClientError, match="scheduler:CreateSchedule"):
        cloud.learner("scheduler").create_schedule(**asked | {"Name": "another"})


# Its page

PAGE = (CHECKOUT / "docs" / "aws-permissions.md").read_text(encoding="utf-8")
ONLY_SMALL_ONES, TRUST, MAY = map(json.loads, re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))


def test_the_page_tells_of_every_statement() -> None:
    told = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)

    assert told == [one["Sid"] for one in WITH_BELT["Statement"]]


def test_the_pages_belt_on_types_holds(cloud: Cloud, one_region: None) -> None:
    cloud.plan("PAID")
    cloud.enforce(LEAST | {"Statement": [*LEAST["Statement"], ONLY_SMALL_ONES]})
    small, big = provider(cloud), provider(cloud, machine_type="c5.large")

    small.create(order(small, OWNER), ignore, ignore_word)
    with pytest.raises(MldeployError) as refused:
        big.create(order(big, Owner("shop", "big")), ignore, ignore_word)

    assert refused.value.do == FORBIDDEN


def test_the_pages_role_ends_a_machine_whose_own_end_fails(cloud: Cloud, one_region: None) -> None:
    iam_client = cloud.client("iam")
    made = iam_client.create_role(
        RoleName="mldeploy-ends", AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    iam_client.put_role_policy(
        RoleName="mldeploy-ends", PolicyName="ends", PolicyDocument=json.dumps(MAY)
    )
    cloud.enforce(WITH_BELT)
    aws = provider(cloud, second_belt_role=made["Role"]["Arn"])
    rented = aws.create(order(aws, OWNER), ignore, ignore_word)

    cloud.advance(3600 + 100)
    before = cloud.instances()[rented.id]
    cloud.advance(100)
    cloud.tick()

    assert before in {"pending", "running"}
    assert cloud.instances()[rented.id] in {"shutting-down", "terminated"}
