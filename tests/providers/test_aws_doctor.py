"""What `doctor` finds at AWS before anything is rented: each check, and its failing side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from mldeploy import config
from mldeploy.doctor import project as project_doctor
from mldeploy.doctor import rented
from mldeploy.doctor.checks import Finding, examine, mend
from mldeploy.prices import Price
from mldeploy.project import Project
from mldeploy.providers import clock
from mldeploy.providers.aws import Aws, doctor_account, doctor_machine, network, policy
from mldeploy.providers.base import Owner, Rented, Thing
from mldeploy.ui import Ui
from tests.cloud import samples
from tests.cloud.cloud import Cloud
from tests.cloud.world import LEARNERS_SECRET
from tests.conftest import SETTINGS
from tests.providers import aws_account
from tests.providers.aws_account import order, provider, without
from tests.providers.contract import ignore

pytestmark = pytest.mark.slow

OWNER = Owner("a", "cloud")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def account(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    aws_account.enter(cloud, monkeypatch)
    cloud.instant()


def found(aws: Aws) -> dict[str, Finding]:
    return {one.check: one for one in examine(aws.checks())}


def rent(aws: Aws, **changes: Any) -> Rented:
    return aws.create(order(aws, OWNER, **changes), ignore, lambda _: None)


# All of them


def test_in_a_good_account_nothing_is_wrong(cloud: Cloud) -> None:
    findings = found(provider(cloud))

    bad = {name: one for name, one in findings.items() if one.severity in ("error", "skipped")}
    assert bad == {}
    assert list(findings) == [
        *("credentials", "identity", "clock", "region", "machine type", "price", "price table"),
        *("own address", "plan", "quota", "network", "image", "permissions", "orphans"),
    ]


@pytest.mark.parametrize("settings", [{}, {"spot": True}], ids=["ordinary", "spot"])
def test_no_check_changes_anything(cloud: Cloud, settings: dict[str, Any]) -> None:
    found(provider(cloud, **settings))

    changing = [call for call in cloud.calls if not call.action.startswith(("Describe", "Get"))]
    assert {call.action for call in changing} == {
        *("RunInstances", "CreateSecurityGroup", "ImportKeyPair"),
    }
    assert all(call.dry_run for call in changing)
    assert cloud.instances() == {}
    assert cloud.client("ec2").describe_key_pairs()["KeyPairs"] == []


def test_of_the_credentials_nothing_is_said_but_where_they_are(cloud: Cloud) -> None:
    findings = found(provider(cloud))

    assert "AWS_ACCESS_KEY_ID" in findings["credentials"].message
    assert "user learner in account 123456789012" in findings["identity"].message
    assert LEARNERS_SECRET not in str(findings)
    assert cloud.environment["AWS_ACCESS_KEY_ID"] not in str(findings)


# Who asks, when and where


def test_without_credentials_nothing_else_is_asked(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)

    findings = found(Aws(provider(cloud).target))

    assert findings["credentials"].severity == "error"
    assert "aws configure" in findings["credentials"].remedy
    assert {one.severity for name, one in findings.items() if name != "credentials"} == {"skipped"}
    assert cloud.calls == []


def test_a_key_that_aws_does_not_know_is_found_by_its_first_use(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7STRANGE")

    findings = found(Aws(provider(cloud).target))

    assert findings["credentials"].severity == "ok"
    assert findings["identity"].severity == "error"
    assert "aws configure" in findings["identity"].remedy
    assert findings["clock"].severity == "ok"
    assert findings["region"].severity == "skipped"


def test_a_clock_for_which_aws_refuses_us_is_named(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.fail(
        "GetCallerIdentity", "SignatureDoesNotMatch", message="Signature expired", status=403
    )
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) - timedelta(minutes=20))

    findings = found(provider(cloud))

    assert findings["identity"].severity == "error"
    assert findings["clock"].severity == "error"
    assert "behind" in findings["clock"].message


@pytest.mark.parametrize(
    ("off", "severity", "word"),
    [
        (0, "ok", "the same"),
        (50, "ok", "the same"),
        (-50, "ok", "the same"),
        (90, "warning", "89 s ahead of"),
        (-90, "warning", "89 s behind"),
        (400, "error", "399 s ahead of"),
        (-400, "error", "399 s behind"),
    ],
)
def test_a_clock_is_wrong_by_what_the_second_and_the_way_leave_open(
    off: int, severity: str, word: str
) -> None:
    asked = NOW + timedelta(seconds=off)

    one = doctor_account.clock_of(format_datetime(NOW), asked, asked + timedelta(seconds=1))

    assert one.severity == severity
    assert word in one.message


def test_a_clock_that_nobody_can_compare_is_no_fault() -> None:
    assert doctor_account.clock_of("", NOW, NOW).severity == "ok"


def test_a_region_that_is_none_is_named_with_the_nearest(cloud: Cloud) -> None:
    findings = found(provider(cloud, region="eu-centrl-1"))

    assert findings["identity"].severity == "ok"
    assert findings["region"].severity == "error"
    assert 'region = "eu-central-1"' in findings["region"].remedy
    assert findings["quota"].severity == "skipped"


def test_a_region_that_is_off_is_told_apart_from_a_bad_key(cloud: Cloud) -> None:
    aws = provider(cloud, region="af-south-1")
    off = found(aws)
    cloud.opt_in("af-south-1")
    on = found(provider(cloud, region="af-south-1"))

    assert (off["identity"].severity, off["region"].severity) == ("ok", "error")
    assert "switch it on" in off["region"].remedy
    assert on["region"].severity == "ok"


def test_who_may_ask_one_region_only_is_asked_there(cloud: Cloud) -> None:
    cloud.fail("DescribeRegions", "UnauthorizedOperation", region="us-east-1")

    assert found(provider(cloud, region="eu-west-1"))["region"].severity == "ok"


# What it is and costs


def test_a_type_that_the_region_does_not_have_is_named(cloud: Cloud) -> None:
    findings = found(provider(cloud, machine_type="t3.smal"))

    assert findings["machine type"].severity == "error"
    assert "mldeploy prices --region us-east-1" in findings["machine type"].remedy
    assert findings["price"].severity == "skipped"


def test_a_second_choice_that_there_is_not_is_a_warning(cloud: Cloud) -> None:
    cloud.not_offered("t3a.small")
    findings = found(provider(cloud, or_machine_types=("t3a.small",)))

    assert findings["machine type"].severity == "warning"
    assert "t3a.small" in findings["machine type"].message
    assert findings["permissions"].severity == "ok"


def test_a_price_above_the_limit_is_an_error(cloud: Cloud) -> None:
    findings = found(provider(cloud, max_price=0.02))

    assert findings["price"].severity == "error"
    assert "$0.0280 an hour: above max_price, $0.0200" in findings["price"].message


def test_the_dearest_of_the_types_counts(cloud: Cloud) -> None:
    findings = found(provider(cloud, or_machine_types=("c5.large",), max_price=0.05))

    assert findings["price"].severity == "error"
    assert "c5.large" in findings["price"].message


def test_the_price_is_told_until_the_end(cloud: Cloud) -> None:
    forever = found(provider(cloud, ttl="forever"))["price"]

    assert found(provider(cloud))["price"].message.endswith("$0.11 until it ends itself")
    assert forever.severity == "warning"
    assert "$20.43 a month" in forever.message


@pytest.mark.parametrize(("days", "severity"), [(89, "ok"), (91, "warning")])
def test_old_prices_are_a_warning(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, days: int, severity: str
) -> None:
    aws = provider(cloud)
    dated = aws._table.in_region("us-east-1").dated
    then = datetime(dated.year, dated.month, dated.day, tzinfo=UTC) + timedelta(days=days)
    monkeypatch.setattr(clock, "now", lambda: then)

    one = found(aws)["price table"]

    assert one.severity == severity
    assert (one.remedy == "mldeploy prices update --region us-east-1") == (severity == "warning")


# What the account may have


def test_the_paid_plan_is_told(cloud: Cloud) -> None:
    assert "Paid plan" in found(provider(cloud))["plan"].message


@pytest.mark.parametrize(
    ("machine_type", "credits", "expires", "status", "severity", "word"),
    [
        ("t3.small", "100", "2037-01-01", "ACTIVE", "ok", "a t3.small is allowed"),
        ("c5.large", "100", "2037-01-01", "ACTIVE", "error", "only c7i-flex.large, m7i-flex.large"),
        ("t3.small", "4.2", "2037-01-01", "ACTIVE", "warning", "$4.20 of credits"),
        ("t3.small", "100", "soon", "ACTIVE", "warning", "closes the account"),
        ("t3.small", "0", "2026-01-01", "EXPIRED", "error", "it is over"),
    ],
)
def test_the_free_plan_is_told_with_what_is_left_of_it(
    cloud: Cloud,
    machine_type: str,
    credits: str,  # noqa: A002
    expires: str,
    status: Any,
    severity: str,
    word: str,
) -> None:
    soon = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    ends = soon if expires == "soon" else f"{expires}T00:00:00+00:00"
    cloud.plan("FREE", credits=credits, expires=ends, status=status)

    one = found(provider(cloud, machine_type=machine_type))["plan"]

    assert one.severity == severity
    assert word in one.message
    assert (one.remedy == "") == (severity == "ok")


@pytest.mark.parametrize("code", ["AccessDeniedException", "UnknownOperationException"])
def test_a_plan_that_can_not_be_asked_about_is_no_fault(cloud: Cloud, code: str) -> None:
    cloud.fail("GetAccountPlanState", code)

    one = found(provider(cloud))["plan"]

    assert one.severity == "ok"
    assert "not known" in one.message


@pytest.mark.parametrize(
    ("settings", "code", "severity"),
    [
        ({}, "L-1216C47A", "error"),
        ({"spot": True}, "L-34B43A08", "error"),
        ({"spot": True}, "L-1216C47A", "ok"),
        ({"machine_type": "g4dn.xlarge"}, "L-DB2E81BA", "error"),
    ],
)
def test_a_quota_of_nothing_is_an_error_with_the_place_to_ask(
    cloud: Cloud, settings: dict[str, Any], code: str, severity: str
) -> None:
    cloud.quota(0, code)

    one = found(provider(cloud, **settings))["quota"]

    assert one.severity == severity
    if severity == "error":
        assert "0 virtual CPUs" in one.message
        assert f"/servicequotas/home/services/ec2/quotas/{code}" in one.remedy
        assert "days" in one.remedy


def test_what_runs_counts_against_the_quota(cloud: Cloud) -> None:
    cloud.quota(4)
    samples.launched(cloud, TagSpecifications=[])
    room = found(provider(cloud))["quota"]
    samples.launched(cloud, TagSpecifications=[])
    full = found(provider(cloud))["quota"]
    spot = found(provider(cloud, spot=True))["quota"]

    assert "needs 2 of 4 virtual CPUs" in room.message
    assert "2 are in use" in room.message
    assert (room.severity, full.severity, spot.severity) == ("ok", "error", "ok")


def test_a_quota_that_our_own_machine_uses_up_is_no_error(cloud: Cloud) -> None:
    cloud.quota(2)
    made = rent(provider(cloud))

    one = found(provider(cloud))["quota"]

    assert one.severity == "warning"
    assert made.id in one.message


def test_a_machine_of_an_unknown_type_is_counted_by_its_own_cpus(cloud: Cloud) -> None:
    aws = provider(cloud)
    machine = doctor_machine.Machine(aws.session, aws.target, aws._table)

    assert machine._cpus_of({"InstanceType": "t99.huge", "CpuOptions": {"CoreCount": 4}}) == 4


# Where it stands, and with what


def test_a_network_that_is_not_there_is_made_by_the_fix(cloud: Cloud) -> None:
    cloud.without_default_vpc()
    checks = provider(cloud).checks()
    before = examine(checks)

    after = mend(checks, before, Ui())

    by_name = {one.check: one for one in before}
    assert by_name["network"].severity == "error"
    assert by_name["network"].fix is not None
    assert "aws ec2 create-default-vpc" in by_name["network"].fix.description
    assert by_name["permissions"].severity == "skipped"
    assert {one.severity for one in after} <= {"ok", "warning"}
    assert len(cloud.calls_of("CreateDefaultVpc")) == 1


def test_a_network_without_a_part_where_the_type_is_gets_one(cloud: Cloud) -> None:
    ec2 = cloud.client("ec2")
    for subnet in ec2.describe_subnets()["Subnets"]:
        if subnet["AvailabilityZone"] != "us-east-1e":  # which has no t3.small
            ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    checks = provider(cloud).checks()

    (one,) = [each for each in examine(checks) if each.check == "network"]

    assert one.severity == "error"
    assert one.fix is not None
    assert "create-default-subnet --availability-zone us-east-1a" in one.remedy


def test_who_may_not_make_a_network_is_told_who_may(cloud: Cloud) -> None:
    cloud.without_default_vpc()
    cloud.fail("CreateDefaultVpc", "UnauthorizedOperation", message="not authorized to perform: "
               "ec2:CreateDefaultVpc on resource: *")  # fmt: skip
    checks = provider(cloud).checks()

    after = {one.check: one for one in mend(checks, examine(checks), Ui())}

    assert "ec2:CreateDefaultVpc" in after["network"].message
    assert "who administers the account" in after["network"].remedy


def test_the_own_address_is_told(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    known = found(provider(cloud))["own address"]
    set_by_hand = found(provider(cloud, ssh_from="203.0.113.0/24"))["own address"]
    monkeypatch.setenv(network.ADDRESS_VARIABLE, f"{cloud.endpoint}/lab/no-such-thing")
    unknown = found(provider(cloud))["own address"]

    assert "203.0.113.10" in known.message
    assert "203.0.113.0/24" in set_by_hand.message
    assert unknown.severity == "error"
    assert "ssh_from" in unknown.remedy


def test_an_image_that_is_bigger_than_the_disk_is_told(cloud: Cloud) -> None:
    cloud.quota(8, "L-DB2E81BA")
    small = found(provider(cloud, machine_type="g4dn.xlarge"))["image"]
    enough = found(provider(cloud, machine_type="g4dn.xlarge", disk="80GB"))["image"]

    assert small.severity == "warning"
    assert small.remedy == 'disk = "75GB" in mldeploy.toml'
    assert enough.severity == "ok"


def test_an_image_that_is_not_published_is_an_error(cloud: Cloud) -> None:
    cloud.fail("GetParameter", "ParameterNotFound", times=2)

    findings = found(provider(cloud))

    assert findings["image"].severity == "error"
    assert 'system = "amazon"' in findings["image"].remedy


@pytest.mark.parametrize("action", ["RunInstances", "CreateSecurityGroup", "ImportKeyPair"])
def test_who_may_not_rent_is_told_which_right_lacks(cloud: Cloud, action: str) -> None:
    cloud.enforce(without(policy.policy(), f"ec2:{action}"))

    one = found(provider(cloud))["permissions"]

    assert one.severity == "error"
    assert f"ec2:{action}" in one.message
    assert "mldeploy aws policy" in one.remedy


# What is there


def test_what_should_have_ended_is_told(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    aws = provider(cloud)
    made = rent(aws)
    at_first = found(aws)["orphans"]
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(hours=2))

    overdue = found(aws)["orphans"]

    assert (at_first.severity, overdue.severity) == ("ok", "warning")
    assert "1 machine of mldeploy" in at_first.message
    assert made.id in overdue.message
    assert overdue.remedy.startswith("mldeploy orphans")


THING = Thing("disk", "vol-1", "us-east-1", OWNER, "r1", "available", Decimal("0.01"), NOW, NOW,
              "aws …", "https://…")  # fmt: skip


@pytest.mark.parametrize(
    ("things", "severity", "word"),
    [
        ([], "ok", "0 machines"),
        ([THING], "warning", "disk vol-1 in us-east-1 has no machine: $0.0100 an hour"),
        ([replace(THING, kind="key", price=Decimal(0))], "ok", "0 machines"),
        (
            [THING, replace(THING, kind="machine", id="i-1", expires_at=NOW + timedelta(hours=1))],
            "ok",
            "1 machine of",
        ),
        (
            [THING, replace(THING, kind="machine", id="i-1", expires_at=NOW - timedelta(hours=1))],
            "warning",
            "machine i-1 in us-east-1 is past its end",
        ),
        ([replace(THING, kind="machine", id="i-1", expires_at=None)], "ok", "1 machine of"),
    ],
)
def test_what_costs_without_a_reason_is_told(things: list[Thing], severity: str, word: str) -> None:
    one = doctor_machine.orphans_of(things, NOW, "us-east-1")

    assert one.severity == severity
    assert word in one.message


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:iam::123456789012:user/ada", "user ada"),
        ("arn:aws:iam::123456789012:root", "the root user"),
        ("arn:aws:sts::123456789012:assumed-role/work/ada@example.org", "role work, as ada@exam"),
    ],
)
def test_people_are_named_as_the_console_does(arn: str, name: str) -> None:
    assert doctor_account._name_of(arn).startswith(name)


# The machine itself

ZERO = Decimal(0)
MACHINE = Rented("i-1", OWNER, "r1", 1, "running", "t3.small", "us-east-1a", "192.0.2.1", 22, "u",
                 "key", NOW, NOW + timedelta(hours=3), Price(Decimal("0.02"), ZERO, ZERO,
                 NOW.date(), "a table"), "ada", page="https://…")  # fmt: skip


@pytest.mark.parametrize(
    ("machine", "severity", "word", "remedy"),
    [
        (None, "ok", "none is rented", ""),
        (MACHINE, "ok", "$0.0200 an hour, and ends itself in 3 h", ""),
        (replace(MACHINE, state="starting", address=None), "ok", "is starting", ""),
        (
            replace(MACHINE, expires_at=NOW + timedelta(minutes=10)),
            "warning",
            "ends itself in 10 min",
            "mldeploy extend cloud 2h",
        ),
        (replace(MACHINE, expires_at=None), "warning", "it has no end", "mldeploy down cloud"),
        (
            replace(MACHINE, expires_at=NOW - timedelta(minutes=10)),
            "error",
            "should have ended itself at 2026-11-20 11:50 UTC",
            "mldeploy down cloud",
        ),
        (replace(MACHINE, state="stopped"), "error", "Somebody stopped it", "mldeploy down cloud"),
    ],
)
def test_a_machine_is_told_with_its_end(
    machine: Rented | None, severity: str, word: str, remedy: str
) -> None:
    one = rented.of_machine(machine, NOW)

    assert one.severity == severity
    assert word in one.message
    assert remedy in one.remedy


# As part of `mldeploy doctor`


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = tmp_path / "mldeploy.toml"
    path.write_text(f'{SETTINGS}[targets.cloud]\nkind = "aws"\nregion = "us-east-1"\n')
    return Project(tmp_path, config.load(path))


Names = Callable[[], list[str]]


@pytest.fixture
def names(project: Project) -> Names:
    return lambda: [
        one.name for one in project_doctor.checks(project, *project.config.target("cloud"))
    ]


def test_without_a_machine_nothing_is_asked_of_one(project: Project, names: Names) -> None:
    listed = names()

    assert listed[-1] == "machine"
    assert "permissions" in listed
    assert not {"port", "service", "engine", "login"} & set(listed)


def test_with_a_machine_the_way_to_it_is_looked_at_too(
    cloud: Cloud, project: Project, names: Names
) -> None:
    aws = provider(cloud)
    made = rent(aws)
    cloud.client("ec2").describe_instances()
    assert aws.get(made.owner)

    listed = names()

    assert listed.index("permissions") < listed.index("machine") < listed.index("login")
    assert listed.index("engine") < listed.index("port") < listed.index("service")
    assert "lifetime" in listed
    assert len(listed) == len(set(listed)), "mend knows checks by their names"


def test_a_machine_that_can_not_be_asked_for_is_one_more_finding(
    cloud: Cloud, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    checks = project_doctor.checks(project, *project.config.target("cloud"))

    by_name = {
        one.check: one
        for one in examine([one for one in checks if one.name in ("credentials", "machine")])
    }

    assert by_name["credentials"].severity == "error"
    assert by_name["machine"].severity == "error"
    assert [one.needs for one in checks if one.name == "machine"] == ["identity"]
