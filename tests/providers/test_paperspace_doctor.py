"""What `doctor` and the plan say of a target at Paperspace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from mldeploy.doctor.checks import Finding, examine
from mldeploy.errors import ConfigError
from mldeploy.providers.paperspace import Paperspace as PaperspaceProvider
from mldeploy.providers.paperspace.client import Client
from mldeploy.providers.paperspace.settings import PaperspaceTarget

if TYPE_CHECKING:
    from tests.paperspace.standin import Paperspace


@pytest.fixture
def cloud(paperspace: Paperspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paperspace]:
    monkeypatch.setattr(Client, "transport", paperspace.transport)
    yield paperspace
    paperspace.forgive()


def looked(**settings: Any) -> dict[str, Finding]:
    provider = PaperspaceProvider(PaperspaceTarget(**settings))
    return {one.check: one for one in examine(provider.checks())}


def test_a_good_account_has_nothing_to_mend(cloud: Paperspace) -> None:
    found = looked()
    assert {one.severity for one in found.values()} == {"ok"}
    assert "PAPERSPACE_API_KEY" in found["api key"].message
    assert cloud.key not in str(found)
    assert "t0nspur5" in found["machine type"].message
    assert "does not tell" in found["account"].message  # 404: that call is in no document


def test_a_wrong_key_is_told_once(cloud: Paperspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERSPACE_API_KEY", "wrong")
    found = looked()
    assert found["identity"].severity == "error"
    assert "belongs to nobody" in found["identity"].message
    assert {one.check for one in found.values() if one.severity == "skipped"} >= {
        "account", "machine type", "available",
    }  # fmt: skip


def test_no_key_is_told(cloud: Paperspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAPERSPACE_API_KEY")
    assert looked()["api key"].severity == "error"
    assert PaperspaceProvider.anywhere() is None


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        ({"hasPaymentMethod": False}, "means of payment"),
        ({"isInGoodStanding": False, "messages": ["An invoice is open."]}, "An invoice is open."),
        ({"isAdminLocked": True}, "locked"),
    ],
)
def test_an_account_that_may_rent_nothing(
    cloud: Paperspace, standing: dict[str, Any], words: str
) -> None:
    good = {
        "hasPaymentMethod": True,
        "isAdminLocked": False,
        "isInGoodStanding": True,
        "messages": [],
    }
    cloud.account.standing = good
    assert looked()["account"].message == "in good standing, with a means of payment"
    cloud.account.standing = good | standing
    found = looked()["account"]
    assert found.severity == "error"
    assert words in found.message


def test_a_type_that_is_not_there_has_the_nearest_names(cloud: Paperspace) -> None:
    found = looked(machine_type="A400")["machine type"]
    assert found.severity == "error"
    assert "A4000" in found.message


def test_a_type_that_is_not_free_now_is_a_warning(cloud: Paperspace) -> None:
    cloud.no_capacity("C5")
    assert looked()["available"].severity == "warning"
    assert looked(or_machine_types=("C7",))["available"].severity == "ok"


def test_a_template_must_fit_the_type(cloud: Paperspace) -> None:
    assert looked(template_id="t0nspur5")["machine type"].severity == "ok"
    assert looked(template_id="twnlo3zj")["machine type"].severity == "error"
    assert looked(template_id="my-own")["machine type"].severity == "warning"


def test_a_team_that_is_full_is_told(cloud: Paperspace) -> None:
    cloud.account.max_machines = 1
    cloud.somebody_elses()
    found = looked()["machines"]
    assert found.severity == "error"
    assert "may have 1" in found.message


def test_prices_and_limits(cloud: Paperspace) -> None:
    assert looked(max_price=0.05)["price"].severity == "error"
    assert looked(ttl="forever")["price"].severity == "warning"
    stops = looked(on_expiry="stop")["price"]
    assert stops.severity == "warning"
    assert "$5.00 a month" in stops.message


def test_a_dearer_disk_and_one_that_nobody_sells(cloud: Paperspace) -> None:
    provider = PaperspaceProvider(PaperspaceTarget(disk="60GB"))
    assert provider.price("C5").disk * 730 == pytest.approx(7, abs=0.01)
    assert "disk of 100 GB" in " ".join(provider.plan())
    with pytest.raises(ConfigError, match="9000 GB"):
        PaperspaceProvider(PaperspaceTarget(disk="9000GB")).price("C5")


def plan(**settings: Any) -> str:
    return "\n".join(PaperspaceProvider(PaperspaceTarget(**settings)).plan())


def test_the_plan_says_what_nobody_expects() -> None:
    usual = plan()
    assert "API key, in a file on the machine that root alone reads" in usual
    assert "no firewall" in usual
    stops = plan(on_expiry="stop")
    assert "API key" not in stops
    assert "STOPS" in stops
    assert "$5.00 a month" in stops
    static = plan(public_address="static")
    assert "leaves the static address behind: $3.00 a month" in static
    assert "ssh alone" in plan(private=True)


def test_a_region_may_be_named_in_either_way() -> None:
    for region in ("ams1", "Europe (AMS1)"):
        target = PaperspaceTarget(region=region)
        assert target.place == "ams1"
        assert "Europe (AMS1)" in PaperspaceProvider(target).plan()[0]
