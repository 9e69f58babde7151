"""Where a job runs, and on what kind of machine: decisions on values."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mldeploy.config import ProcessTarget
from mldeploy.doctor.checks import Check, Finding, ok
from mldeploy.errors import ConfigError, RefusedError
from mldeploy.jobs import places
from mldeploy.jobs.record import Job, Order
from mldeploy.prices import Size
from mldeploy.providers.fake.settings import FakeTarget

GIB = 2**30


def job(**order: object) -> Job:
    return Job("3-ab12", Order("true", "practice", **order), "2026-01-01T00:00:00+00:00", "me")  # type: ignore[arg-type]


def test_what_was_asked_for_gets_time_around_it() -> None:
    assert places.terms(FakeTarget(ttl="4h"), 3600) == (3600, "105m")


def test_without_a_wish_the_lifetime_of_the_target_leaves_time_to_fetch() -> None:
    assert places.terms(FakeTarget(ttl="4h"), None) == (3 * 3600 + 900, "4h")


def test_of_a_short_lifetime_half_is_for_the_command() -> None:
    assert places.terms(FakeTarget(ttl="30m"), None) == (900, "30m")


def test_a_machine_without_an_end_has_a_job_without_one() -> None:
    assert places.terms(FakeTarget(ttl="forever"), None) == (None, "forever")


def test_on_a_machine_of_ones_own_nothing_is_limited_unasked() -> None:
    assert places.terms(ProcessTarget(), None) == (None, None)


def test_the_machine_of_a_job_publishes_nothing() -> None:
    target = FakeTarget(ttl="4h", or_machine_types=("fake.arm",))

    rented = places.rented_for(target, job(machine_type="fake.large", ttl="20m", python="3.12"))

    assert (rented.private, rented.ttl) == (True, "20m")
    assert rented.machine_types == ("fake.large",)
    assert rented.base == "python:3.12-slim-bookworm"


SIZES = [
    (Size("big", 8, 32 * GIB, "x86_64", "1 x NVIDIA A10G, 24 GB"), Decimal("1.0")),
    (Size("small", 4, 16 * GIB, "x86_64", "1 x NVIDIA T4, 16 GB"), Decimal("0.5")),
    (Size("arm", 4, 16 * GIB, "aarch64", "1 x NVIDIA T4G, 16 GB"), Decimal("0.4")),
    (Size("amd", 4, 16 * GIB, "x86_64", "1 x AMD Radeon, 8 GB"), Decimal("0.3")),
    (Size("plain", 4, 16 * GIB, "x86_64", ""), Decimal("0.1")),
]


def test_the_cheapest_gpu_that_images_fit_is_taken() -> None:
    assert places.gpu_type(FakeTarget(machine_type="plain"), SIZES, None) == "small"


def test_the_targets_own_gpu_is_kept() -> None:
    assert places.gpu_type(FakeTarget(machine_type="big"), SIZES, None) == "big"


def test_a_gpu_above_the_most_is_refused_with_its_price() -> None:
    with pytest.raises(ConfigError) as caught:
        places.gpu_type(FakeTarget(machine_type="plain"), SIZES, Decimal("0.2"))

    assert "small, costs $0.50" in caught.value.what


def test_where_there_is_no_gpu_it_is_said() -> None:
    with pytest.raises(ConfigError) as caught:
        places.gpu_type(FakeTarget(machine_type="plain"), SIZES[-1:], None)

    assert caught.value.code == "no-gpu-type"


def test_a_quota_of_nothing_is_said_before_anything_is_asked() -> None:
    no = Finding("quota", "error", "The quota is 0 for the family G.", "ask for more: a page")

    with pytest.raises(RefusedError) as caught:
        places.refuse_without_room([Check("quota", lambda: no)], "g4dn.xlarge")

    assert ("family G" in caught.value.why, caught.value.do) == (True, "ask for more: a page")
    places.refuse_without_room([Check("quota", lambda: ok("quota", "enough"))], "g4dn.xlarge")
