"""`mldeploy run --on X -- make train`, typed, on every kind of machine that is not this one.

Afterwards the local MLflow has the run, value by value as it was over there, and nothing that was
rented remains.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.jobs.bench import Bench
from tests.jobs.tracked import artifacts, told, tracked_project

if TYPE_CHECKING:
    from tests.cloud.cloud import Cloud
    from tests.lab.laptop import Laptop
    from tests.paperspace.standin import Paperspace

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(900)]

PATIENT = 600.0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, docker_projects: Any) -> Bench:
    """One project for all targets of this module, so that what is installed is shared."""
    return tracked_project(tmp_path_factory.mktemp("tracked") / "tracked", docker_projects.new())


@pytest.fixture
def bench(made: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    yield made
    made.end_commands()


def has_target(bench: Bench, text: str) -> None:
    settings = (bench.root / "mldeploy.toml").read_text().partition("\n[targets.far]")[0]
    (bench.root / "mldeploy.toml").write_text(f"{settings}\n[targets.far]\n{text}\n")


def is_home(bench: Bench, job: dict[str, Any]) -> None:
    """The run, as the job left it and as it is in the project's own store now."""
    (run,) = job["runs"]
    fetched = bench.folder(job) / "runs"
    here = told(bench.root / "mlflow.db", run["run_id"])
    there = told(fetched / "mlflow.db", run["run_id"])
    assert here == there
    assert len(here["metrics"]) == 100
    assert artifacts(bench.root / "mlruns", run["run_id"]) == artifacts(
        fetched / "mlruns", run["run_id"]
    )
    assert (job["end"], job["state"]) == ("succeeded", "fetched")
    assert job["last"][-1] == "trained"
    assert (bench.outputs(job) / "weights.bin").stat().st_size == 256 * 4000


def test_on_docker(bench: Bench) -> None:
    has_target(bench, 'kind = "docker"')

    is_home(bench, bench.run("--on", "far", "--", "make", "train", timeout=PATIENT))


def test_on_a_host_behind_ssh(
    bench: Bench, laptop_home: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "PATH"):
        monkeypatch.setenv(name, laptop_home.environment[name])
    has_target(bench, f'kind = "ssh"\nhost = "{laptop_home.alias}"')

    is_home(bench, bench.run("--on", "far", "--", "make", "train", timeout=PATIENT))


def test_on_the_practice_cloud(bench: Bench) -> None:
    has_target(bench, 'kind = "fake"\nmachine_type = "fake.small"\nttl = "1h"')

    job = bench.run("--on", "far", "--", "make", "train", timeout=PATIENT)

    is_home(bench, job)
    assert job["machine"]
    rented = bench.mldeploy("orphans", "--json").json["rented"]
    assert not any(bench.job(job["job"])["id"] in str(group) for group in rented)


def test_on_aws(bench: Bench, cloud_with_machines: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in cloud_with_machines.environment.items():
        monkeypatch.setenv(name, value)
    has_target(bench, 'kind = "aws"\nmachine_type = "t3.small"\nttl = "1h"')

    job = bench.run("--on", "far", "--", "make", "train", timeout=PATIENT)

    is_home(bench, job)
    ec2 = cloud_with_machines.client("ec2")
    states = [
        one["State"]["Name"]
        for each in ec2.describe_instances()["Reservations"]
        for one in each["Instances"]
    ]
    assert states == ["terminated"]
    assert ec2.describe_volumes()["Volumes"] == []
    assert ec2.describe_key_pairs()["KeyPairs"] == []
    assert float(job["cost"]) < 0.02


def test_on_paperspace(bench: Bench, paperspace_with_machines: Paperspace) -> None:
    has_target(bench, 'kind = "paperspace"\nmachine_type = "C5"\nttl = "1h"')

    job = bench.run("--on", "far", "--", "make", "train", timeout=PATIENT)

    is_home(bench, job)
    assert paperspace_with_machines.ours == []
    assert paperspace_with_machines.bill().running == ()
    assert float(job["cost"]) < 0.10
