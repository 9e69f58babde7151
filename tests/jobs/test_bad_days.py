"""Lines that break, laptops that never come back, machines that are taken away: nothing is lost
that could be kept, and nothing goes on costing money."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import until
from tests.jobs.bench import Bench, small_project

if TYPE_CHECKING:
    from tests.cloud.cloud import Cloud
    from tests.lab.host import Host
    from tests.lab.laptop import Laptop

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]

PATIENT = 400.0
FAR = """
[targets.far]
{}
"""


@pytest.fixture
def bench(tmp_path: Path, docker_project: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = small_project(tmp_path / "counting", docker_project)
    yield made
    made.end_commands()


def has_target(bench: Bench, text: str) -> None:
    with (bench.root / "mldeploy.toml").open("a") as settings:
        settings.write(FAR.format(text))


@pytest.fixture
def on_a_host(
    bench: Bench, laptop_home: Laptop, lab_host: Host, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    for name in ("HOME", "PATH"):
        monkeypatch.setenv(name, laptop_home.environment[name])
    has_target(bench, f'kind = "ssh"\nhost = "{laptop_home.alias}"')
    yield bench
    lab_host.restore()


def test_a_line_that_breaks_while_it_runs_leaves_no_gap_in_the_log(
    on_a_host: Bench, lab_host: Host
) -> None:
    watching = on_a_host.begin("--json", "run", "--on", "far", "--", "python count.py 150 0.1")
    until(lambda: _counted(on_a_host) > 5, PATIENT)

    lab_host.drop_connections()
    until(lambda: _counted(on_a_host) > 40, 60)
    lab_host.drop_connections()
    said, told = watching.communicate(timeout=120)

    assert watching.returncode == 0, told
    job = on_a_host.job()
    log = (on_a_host.folder(job) / "log").read_text().splitlines()
    assert len(log) == len(set(log)) == 151
    assert (on_a_host.outputs(job) / "outputs" / "step.txt").read_text() == "150"
    assert said


def _counted(bench: Bench) -> int:
    logs = list(bench.root.glob(".mldeploy/jobs/*/log"))
    return logs[0].read_text().count("\n") if logs else 0


def test_a_fetch_that_breaks_off_twice_brings_all_of_it(on_a_host: Bench, lab_host: Host) -> None:
    line = "for n in 1 2 3; do head -c 30000000 /dev/urandom > part$n; done; sha256sum part*"
    on_a_host.must("run", "--on", "far", "--detach", "--", line, timeout=PATIENT)
    until(lambda: on_a_host.job()["end"], 60)
    stop = threading.Event()
    drops = threading.Thread(target=_drop_twice, args=(lab_host, on_a_host, stop))
    drops.start()
    try:
        job = on_a_host.must("jobs", "fetch", timeout=PATIENT)
    finally:
        stop.set()
        drops.join(timeout=30)

    import hashlib

    for row in job["last"]:
        digest, name = row.split()
        content = (on_a_host.outputs(job) / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
    assert job["state"] == "fetched"


def _drop_twice(host: Host, bench: Bench, stop: threading.Event) -> None:
    """Each time when something of it has come."""
    for pause in (0.4, 0.9):
        partial = ".mldeploy/jobs/*/partial/outputs/*"
        deadline = time.monotonic() + 60
        while not list(bench.root.glob(partial)) and not stop.is_set():
            if time.monotonic() > deadline:
                return
            time.sleep(0.02)
        host.drop_connections()
        stop.wait(pause)


def test_a_full_disk_is_told_and_what_fits_comes_home(on_a_host: Bench, lab_host: Host) -> None:
    on_a_host.run("--on", "far", "--", "true", timeout=PATIENT)  # its images need room, too
    lab_host.fill_disk(60_000_000)
    fills = "echo 1 > a.txt; head -c 900000000 /dev/zero > big; code=$?; rm big; exit $code"
    try:
        job = on_a_host.run("--on", "far", "--", fills, timeout=PATIENT)
    finally:
        lab_host.empty_disk()

    assert job["end"] == "disk-full"
    assert (on_a_host.outputs(job) / "a.txt").read_text() == "1\n"
    assert "No space left on device" in "\n".join(job["last"])


def test_a_machine_whose_laptop_never_comes_back_ends_itself(bench: Bench) -> None:
    has_target(bench, 'kind = "fake"\nmachine_type = "fake.small"\nttl = "2m"')

    job = bench.must("run", "--on", "far", "--detach", "--", "sleep 900", timeout=PATIENT)
    until(lambda: _rented(bench, job["id"]) == [], 240)

    found = bench.job()
    assert (found["state"], found["end"]) == ("fetched", "machine-gone")
    assert job["machine"]


def _rented(bench: Bench, job_id: str) -> list[Any]:
    time.sleep(2)
    groups = bench.mldeploy("orphans", "--json").json["rented"]
    return [group for group in groups if job_id in str(group)]


def test_a_spot_machine_that_is_taken_back_leaves_its_checkpoints(
    bench: Bench, cloud_with_machines: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cloud_with_machines.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MLDEPLOY_CHECKPOINT_SECONDS", "2")
    has_target(bench, 'kind = "aws"\nmachine_type = "t3.small"\nspot = true\nttl = "1h"')
    line = "python count.py 900 1.0"
    watching = bench.begin("--json", "--yes", "run", "--on", "far", "--", line)
    # A file counts when two looks found it alike, as one that is being written never does.
    kept = until(lambda: list(bench.root.glob(".mldeploy/jobs/*/live/step.txt")), PATIENT)

    (machine,) = [i for i, s in cloud_with_machines.instances().items() if s == "running"]
    cloud_with_machines.interrupt(machine)
    watching.communicate(timeout=300)

    job = bench.job()
    assert job["end"] == "spot-interrupted"
    assert int(kept[0].read_text()) > 0
    assert any("loss" in row for row in job["last"])
