"""The keys of a target on the practice cloud."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from mldeploy import config
from mldeploy.errors import ConfigError
from mldeploy.providers.fake import Fake, FakeTarget, play_money
from mldeploy.providers.fake.rights import NAMES, granted
from tests.conftest import SETTINGS


def parsed(more: str = "") -> config.Target:
    text = SETTINGS + f'[targets.cloud]\nkind = "fake"\n{more}'
    found = config.parse(tomllib.loads(text), text, Path("mldeploy.toml"))
    return found.targets["cloud"]


def test_all_but_the_kind_may_be_left_out() -> None:
    target = parsed()
    assert isinstance(target, FakeTarget)
    assert (target.machine_type, target.published, target.ttl) == ("fake.small", 8443, "4h")
    assert target.certificate == "own"
    assert target.fault is None


def test_a_fault_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError) as refused:
        parsed('fault = "flood"')
    assert "lost-reply" in refused.value.why


def test_a_type_that_is_not_had_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as refused:
        Fake(FakeTarget()).price("fake.smal")
    assert "fake.small" in refused.value.do


def test_the_plan_says_that_nothing_is_paid() -> None:
    assert any("play money" in line for line in Fake(FakeTarget()).plan())


def test_the_price_of_the_disk_is_that_of_its_size() -> None:
    twenty, forty = (play_money.price("fake.small", gb).disk for gb in (20, 40))
    assert abs(forty - 2 * twenty) < play_money.FINEST * 2


def test_sizes_are_in_the_order_of_their_price() -> None:
    amounts = [amount for _, amount in play_money.MACHINES]
    assert amounts == sorted(amounts)


def test_a_machine_gets_no_right_that_this_computer_lacks() -> None:
    everything = (1 << len(NAMES)) - 1
    without_admin = everything & ~(1 << NAMES.index("SYS_ADMIN"))
    assert "SYS_ADMIN" in granted(everything)
    assert "SYS_ADMIN" not in granted(without_admin)
    assert "SYS_MODULE" not in granted(everything)
