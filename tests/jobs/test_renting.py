"""Before a machine is rented for a job: what is said, asked and refused, and that nothing stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.jobs.bench import Bench

if TYPE_CHECKING:
    from tests.cloud.cloud import Cloud

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def renting(bench: Bench, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Bench:
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(bench.root.parent / "state"))
    with (bench.root / "mldeploy.toml").open("a") as settings:
        settings.write('\n[targets.aws]\nkind = "aws"\nmachine_type = "t3.small"\nttl = "4h"\n')
    return bench


def test_a_gpu_that_the_account_may_not_have_is_refused_with_the_quotas_name(
    renting: Bench, cloud: Cloud
) -> None:
    cloud.quota(0, "L-DB2E81BA")

    done = renting.mldeploy("--yes", "run", "--on", "aws", "--gpu", "--", "true")

    assert done.code == 3, done.stderr
    assert "0 virtual CPUs for the family G and VT" in done.stderr
    assert "L-DB2E81BA" in done.stderr
    assert cloud.instances() == {}
    assert renting.job()["end"] == "not-started"


def test_without_a_yes_nothing_is_rented_and_what_it_would_cost_was_said(
    renting: Bench, cloud: Cloud
) -> None:
    done = renting.mldeploy("run", "--on", "aws", "--max-runtime", "1h", "--", "true")

    assert done.code == 3
    assert "its command gets 1 h; then it is ended" in done.stderr
    assert "until 1 h 45 min after now" in done.stderr
    assert "with $0.05 at most" in done.stderr
    assert "mldeploy run --from 1" in done.stderr
    assert cloud.instances() == {}


def test_a_machine_type_above_the_most_is_refused(renting: Bench, cloud: Cloud) -> None:
    settings = renting.root / "mldeploy.toml"
    settings.write_text(settings.read_text() + "max_price = 0.05\n")

    gpu = renting.mldeploy("--yes", "run", "--on", "aws", "--gpu", "--", "true")
    big = renting.mldeploy(
        "--yes", "run", "--on", "aws", "--machine-type", "c7i.2xlarge", "--", "true"
    )

    assert (gpu.code, big.code) == (2, 3)
    assert "max_price" in gpu.stderr + big.stderr
    assert cloud.instances() == {}


def test_data_that_a_new_machine_can_not_have_is_said_before_it_is_rented(
    renting: Bench, cloud: Cloud
) -> None:
    named = renting.mldeploy("--yes", "run", "--on", "aws", "--data", "a/1:/input", "--", "true")
    path = renting.mldeploy("--yes", "run", "--on", "aws", "--data", "./no:/input", "--", "true")

    assert (named.code, path.code) == (2, 2)
    assert "mldeploy.toml names no bucket" in named.stderr
    assert "There is no ./no here" in path.stderr
    assert cloud.instances() == {}


def test_what_was_cut_off_in_the_middle_is_ended_by_a_stop(renting: Bench, cloud: Cloud) -> None:
    """The command line is killed a moment after the machine was rented."""
    import os
    import signal

    from tests.conftest import until

    command = renting.begin("--yes", "run", "--on", "aws", "--", "true", start_new_session=True)
    until(lambda: cloud.instances(), 60)
    os.killpg(command.pid, signal.SIGKILL)
    command.communicate(timeout=10)

    renting.must("jobs", "stop", timeout=100)

    assert set(cloud.instances().values()) <= {"terminated", "shutting-down"}
    assert renting.job()["end"] == "not-started"
