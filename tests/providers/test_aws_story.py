"""The whole story on rented machines, as typed: the stand-in's machines are real ones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import Done, Workplace, until

if TYPE_CHECKING:
    from tests.cloud.cloud import Cloud

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]

TARGET = """
[targets.aws]
kind = "aws"
machine_type = "t3.small"
ttl = "1h"
max_price = 0.10
"""
HOURLY = Decimal("0.0280")  # t3.small 0.0208, 20 GB gp3 0.0022, address 0.0050


class Renter:
    """A laptop with a project whose target `aws` is the stand-in."""

    def __init__(self, place: Workplace, cloud: Cloud) -> None:
        self.place = place
        self.cloud = cloud

    def type(self, *words: str, timeout: float = 300) -> Done:
        return self.place.mldeploy(*words, timeout=timeout)

    def must(self, *words: str) -> dict[str, Any]:
        done = self.type(*words, "--json", "--yes")
        assert done.code == 0, done.stdout + done.stderr
        return done.json

    def forgotten(self, *before: str) -> list[dict[str, Any]]:
        """What `orphans` lists on AWS; this machine's practice cloud may be somebody else's now."""
        found = self.type(*before, "orphans", "--json").json["rented"]
        return [group for group in found if group["provider"] == "AWS"]

    def settings(self, **changed: str) -> None:
        file = self.place.root / "mldeploy.toml"
        text = file.read_text()
        for key, value in changed.items():
            line = f"{key} = {value}"
            text, count = re.subn(rf"^{key} = .*$", line, text, flags=re.MULTILINE)
            text += "" if count else f"{line}\n"
        file.write_text(text)


@pytest.fixture
def renter(
    workplace: Workplace,
    cloud_with_machines: Cloud,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Renter]:
    for name, value in cloud_with_machines.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    settings = workplace.root / "mldeploy.toml"
    settings.write_text(settings.read_text() + TARGET)
    yield Renter(workplace, cloud_with_machines)
    workplace.end_commands()


def of_the_cloud(cloud: Cloud) -> dict[str, int]:
    """What is there, counted from outside and in no way of ours."""
    ec2 = cloud.client("ec2")
    machines = [
        one
        for each in ec2.describe_instances()["Reservations"]
        for one in each["Instances"]
        if one["State"]["Name"] != "terminated"
    ]
    groups = ec2.describe_security_groups()["SecurityGroups"]
    return {
        "machines": len(machines),
        "disks": len(ec2.describe_volumes()["Volumes"]),
        "groups": len([one for one in groups if one["GroupName"] != "default"]),
        "keys": len(ec2.describe_key_pairs()["KeyPairs"]),
        "addresses": len(ec2.describe_addresses()["Addresses"]),
    }


def test_from_plan_to_receipt(renter: Renter) -> None:
    plan = renter.must("plan", "aws")
    assert of_the_cloud(renter.cloud)["machines"] == 0

    up = renter.must("up", "aws")
    answer = renter.must("predict", "aws")
    longer = renter.must("extend", "aws", "2h")
    renter.place.edit_service("a change")
    second = renter.must("up", "aws")
    back = renter.must("rollback", "aws")
    status = renter.must("status", "aws")
    listed = renter.forgotten()
    down = renter.must("down", "aws")

    assert (plan["price_per_hour"], plan["price_until_end"]) == ("0.0280", "0.03")
    assert up["price_per_hour"] == status["price_per_hour"] == plan["price_per_hour"]
    assert answer["release"] == up["release"]
    moved = datetime.fromisoformat(longer["expires_at"]) - datetime.fromisoformat(up["expires_at"])
    assert moved == timedelta(hours=2)
    assert second["expires_at"] == status["expires_at"] == longer["expires_at"]
    assert second["release"] != up["release"] == back["release"]
    assert second["url"] == up["url"]  # the same machine
    (group,) = listed
    assert (group["trouble"], group["price_per_hour"]) == (None, "0.0280")
    assert down["left"] == []
    (machine,) = down["machines"]
    assert sum(map(Decimal, machine["parts"].values())) == Decimal(machine["cost"])
    assert set(of_the_cloud(renter.cloud).values()) == {0}
    assert renter.must("status", "aws")["state"] == "down"


def test_the_release_is_built_while_the_machine_boots(renter: Renter) -> None:
    done = renter.type("up", "aws", "--json", "--yes")
    assert done.code == 0, done.stdout + done.stderr
    spans = {one["step"]: (one["began"], one["ended"]) for one in done.json["timeline"]}

    boots = spans["the machine boots"]
    built = next(span for step, span in spans.items() if step.startswith("release v1-"))
    assert "█" in done.stderr
    assert built[0] < boots[1], "the release was built after the boot"
    assert renter.must("down", "aws")["left"] == []


def test_the_lifetime_ends_a_machine_with_the_laptop_gone(renter: Renter) -> None:
    renter.settings(ttl='"2m"')
    renter.must("up", "aws")
    near = renter.type("status", "aws")
    machine = renter.cloud.instances()
    # Nothing of ours runs on this laptop from here on: no command, and no ssh.
    over = {"shutting-down", "terminated"}
    until(lambda: set(renter.cloud.instances().values()) <= over, seconds=240)
    after = renter.must("status", "aws")
    listed = renter.forgotten()

    assert len(machine) == 1
    assert "ends itself in" in near.stderr + near.stdout
    assert (after["state"], after["machine"]) == ("down", None)
    left = [thing["kind"] for group in listed for thing in group["things"]]
    assert "machine" not in left
    assert "disk" not in left
    assert renter.must("down", "aws")["left"] == []
    assert set(of_the_cloud(renter.cloud).values()) == {0}


def test_another_laptop_sees_it_works_on_it_and_ends_it(
    renter: Renter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    up = renter.must("up", "aws")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    renter.cloud.called_from("198.51.100.99")  # from another network as well
    seen = renter.must("status", "aws")
    answer = renter.must("predict", "aws")
    again = renter.must("up", "aws")
    # With nothing but credentials, and in no project's folder:
    ended = renter.must("-C", str(tmp_path), "orphans", "--terminate", "function-docs/aws")
    nothing = renter.forgotten("-C", str(tmp_path))

    assert seen["release"] == up["release"]
    assert answer["release"] == up["release"]
    assert again["url"] == up["url"]
    assert (ended["left"], len(ended["machines"])) == ([], 1)
    assert nothing == []
    assert set(of_the_cloud(renter.cloud).values()) == {0}


def test_above_max_price_nothing_is_made(renter: Renter) -> None:
    renter.settings(max_price="0.0279")
    done = renter.type("up", "aws", "--json", "--yes")

    assert done.code == 3
    assert done.json["error"]["code"] == "over-max-price"
    assert "0.0280" in done.json["error"]["why"]
    assert set(of_the_cloud(renter.cloud).values()) == {0}
    assert not [call for call in renter.cloud.calls if not re.match("Describe|Get", call.action)]


def test_above_the_projects_budget_nothing_is_made(renter: Renter) -> None:
    file = renter.place.root / "mldeploy.toml"
    file.write_text(file.read_text().replace("[project]\n", "[project]\nbudget = 0.02\n"))
    plan = renter.must("plan", "aws")
    done = renter.type("up", "aws", "--json", "--yes")

    assert "budget" in plan["refused"]
    assert (done.code, done.json["error"]["code"]) == (3, "over-budget")
    assert set(of_the_cloud(renter.cloud).values()) == {0}


def test_an_up_that_fails_says_what_stays_and_what_it_costs(renter: Renter) -> None:
    broken = renter.place.root / "mldeploy.toml"
    renter.settings(base='"python:none-such"')
    done = renter.type("up", "aws", "--yes")
    renter.settings(base='"python:3.11-slim-bookworm"')
    again = renter.type("up", "aws", "--yes", "--json")

    assert done.code == 1
    assert "$0.0280 an hour" in done.stderr
    assert "mldeploy down aws" in done.stderr
    assert again.code == 0, again.stdout + again.stderr
    assert of_the_cloud(renter.cloud)["machines"] == 1
    assert renter.must("down", "aws")["left"] == []
    assert json.dumps(again.json)
    assert broken.exists()
