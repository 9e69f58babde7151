"""Jobs in containers of this machine's Docker, typed; what is special about containers is here."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import until
from tests.jobs.bench import Bench, end_what_runs, small_project

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]


class DockerBench(Bench):
    client: docker.DockerClient
    name: str

    def containers(self) -> list[Container]:
        mine: dict[str, Any] = {"label": f"mldeploy.project={self.name}"}
        return list(self.client.containers.list(all=True, filters=mine))

    def counting(self, most: int, pause: float) -> None:
        """A job that runs, and has come as far as its first checkpoint."""
        self.must("run", "--detach", "--", f"python count.py {most} {pause}", timeout=200)
        until(lambda: self.job()["runs"])


@pytest.fixture
def bench(
    tmp_path: Path,
    docker_client: docker.DockerClient,
    docker_project: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[DockerBench]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    made = small_project(tmp_path / "counting", docker_project)
    text = (made.root / "mldeploy.toml").read_text().replace('kind = "process"', 'kind = "docker"')
    (made.root / "mldeploy.toml").write_text(text)
    found = DockerBench(made.root, 0)
    found.client, found.name = docker_client, docker_project
    yield found
    end_what_runs(found)


def test_outputs_come_home_and_the_container_goes(bench: DockerBench) -> None:
    words = ("python count.py 3 0; touch run.sh; chmod +x run.sh; id -u; echo $MLDEPLOY_JOB",)
    job = bench.run("--", *words, timeout=200)

    assert (job["end"], job["state"]) == ("succeeded", "fetched")
    assert job["last"][-2:] == ["10001", job["id"]]
    assert (bench.outputs(job) / "outputs" / "step.txt").read_text() == "3"
    assert os.access(bench.outputs(job) / "run.sh", os.X_OK)
    assert bench.containers() == []


def test_a_laptop_that_falls_asleep_loses_nothing(bench: DockerBench) -> None:
    bench.counting(60, 0.05)
    follower = bench.begin("jobs", "logs", "-f", start_new_session=True)
    until(lambda: list(bench.root.glob(".mldeploy/jobs/*/log")))
    os.killpg(follower.pid, signal.SIGKILL)
    follower.communicate(timeout=10)

    job = bench.must("jobs", "fetch")

    assert job["end"] == "succeeded"
    log = (bench.folder(job) / "log").read_text().splitlines()
    assert len(log) == len(set(log)) == 61  # no line is missing, none comes twice
    assert (bench.outputs(job) / "outputs" / "step.txt").read_text() == "60"


def test_another_laptop_sees_the_job_and_brings_it_home(bench: DockerBench) -> None:
    bench.counting(20, 0.1)
    shutil.rmtree(bench.root / ".mldeploy")

    listed = bench.must("jobs", "ls", "--on", "local")["jobs"]
    job = bench.must("jobs", "fetch", "--on", "local")

    assert [one["id"] for one in listed] == [job["id"]]
    assert job["end"] == "succeeded"
    assert (bench.outputs(job) / "outputs" / "step.txt").read_text() == "20"


def test_a_job_that_was_killed_keeps_its_checkpoints(bench: DockerBench) -> None:
    bench.counting(900, 0.02)
    (container,) = bench.containers()
    container.kill("KILL")

    job = bench.must("jobs", "fetch")
    kept = int((bench.outputs(job) / "outputs" / "step.txt").read_text())
    again = bench.run("--from", "1", "--resume", "--", f"python count.py {kept + 1} 0", timeout=200)

    assert job["end"] == "killed"
    assert again["last"][0] == f"from step {kept}"
    assert (bench.outputs(again) / "outputs" / "step.txt").read_text() == str(kept + 1)


def test_its_longest_time_holds_without_the_command_line(bench: DockerBench) -> None:
    line = "python count.py 900 0.05"
    bench.must("run", "--detach", "--max-runtime", "2s", "--", line, timeout=200)
    until(lambda: bench.job()["end"])

    assert bench.must("jobs", "fetch")["end"] == "timed-out"


def test_what_the_kernel_ended_for_want_of_memory_has_that_name(bench: DockerBench) -> None:
    line = "touch ready; sleep 3; python -c 'bytearray(600 * 10**6)'; exit $?"
    bench.must("run", "--detach", "--", line, timeout=200)
    (container,) = bench.containers()
    container.update(mem_limit="150m", memswap_limit="150m")  # as on a small machine

    job = bench.must("jobs", "fetch")

    assert job["end"] == "out-of-memory"
    assert (bench.outputs(job) / "ready").exists()


def test_a_machine_without_a_gpu_is_refused_before_anything_is_built(bench: DockerBench) -> None:
    done = bench.mldeploy("run", "--gpu", "--", "true")

    assert done.code == 1
    assert "hands no GPU to containers" in done.stderr
    assert "image" not in done.stderr
    assert bench.containers() == []


def test_data_lies_at_its_place_and_cannot_be_changed(bench: DockerBench, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.txt").write_text("picture")
    line = "cat /input/images/a.txt input/images/a.txt; touch /input/images/b || echo read-only"

    job = bench.run("--data", f"{tmp_path / 'images'}:/input/images", "--", line, timeout=200)

    assert "".join(job["last"][:1]) == "picturepicture" or "picture" in job["last"][0]
    assert "read-only" in job["last"][-1]


def test_a_secret_is_in_no_label_and_no_image_and_not_for_others_to_read(
    bench: DockerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "not-to-be-seen")
    line = "test ${#TOKEN} = 14 && echo it is there; sleep 60"
    bench.must("run", "--detach", "--env", "TOKEN", "--", line, timeout=200)
    until(lambda: "it is there" in bench.containers()[0].logs().decode())
    (container,) = bench.containers()

    assert "not-to-be-seen" not in str(container.attrs)
    assert "not-to-be-seen" not in str(container.image.attrs if container.image else "")
    record = next(bench.root.glob(".mldeploy/jobs/*/job.json"))
    assert record.stat().st_mode & 0o077 == 0
    bench.must("jobs", "stop")


def test_orphans_know_a_job_that_nobody_looks_after(bench: DockerBench) -> None:
    bench.counting(900, 0.05)

    groups = bench.must("orphans")["found"]

    mine = [group for group in groups if group["project"] == bench.name]
    assert [group["target"] for group in mine] == [f"local-job-{bench.job()['id']}"]
    bench.must("jobs", "stop")
    bench.must("jobs", "rm", "1")
    assert bench.containers() == []
