"""Jobs as containers of a Docker engine, on this machine or on one behind SSH.

A job's container is left where it is when it has ended: what it made lies in it until it was
fetched. Nothing restarts it: a command that trains must not run twice unasked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldeploy.engines import docker_exec
from mldeploy.engines.docker_client import told
from mldeploy.engines.docker_log import Place, is_old
from mldeploy.engines.docker_names import PROJECT, RECORD, ROLE
from mldeploy.engines.docker_repeat import repeated
from mldeploy.errors import FailedError, MldeployError
from mldeploy.jobs import container_files
from mldeploy.jobs.base import ASK_SECONDS, SUPERVISOR, CutError, Line, Runner, Seen
from mldeploy.jobs.container_files import JOB, TOOLS, USER, files_for, links_for
from mldeploy.jobs.record import Job
from mldeploy.jobs.told import ROLE_JOB, environment_of, labels_of, name_of, refuse_without_gpu
from mldeploy.machines.base import Machine
from mldeploy.project import Project

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

    from mldeploy.data.base import Bind
    from mldeploy.ui import Ui

PYTHON = "/opt/venv/bin/python"
MOST_LOG = "500m"  # a job that prints for ever must not fill the machine's disk
PACK_SECONDS = 600


class ContainerRunner(Runner):
    def __init__(self, project: Project, machine: Machine, where: str) -> None:
        self.project = project
        self.machine = machine
        self.where = where
        self.image = ""  # known from `prepare` on

    @property
    def client(self) -> docker.DockerClient:
        return self.machine.connect()

    # Before

    def make_ready(self, ui: Ui, *, gpu: bool) -> None:
        self.machine.make_ready(ui)
        if gpu:
            with told():
                refuse_without_gpu(self.client.info(), self.where)

    def prepare(self, job: Job, code: Path, ui: Ui) -> None:
        from mldeploy.jobs import images

        steps = images.of(self.project, job, code)
        with told():
            self.machine.make(steps, ui)
        self.image = steps[-1].tag

    def start(self, job: Job, binds: Sequence[Bind], resumed: Path | None) -> None:
        with told():
            container = self._container(job) or self._create(job, self.image, binds)
            if container.status == "created":
                container_files.put(container, "/", files_for(job, resumed), links_for(binds))
                container.start()

    # Meanwhile

    def look(self, job: Job) -> Seen:
        with told():
            container = self._container(job)
            if container is None or container.status == "created":
                return Seen("none", {})
            state = container.attrs["State"]
            if state["Running"] or state.get("Restarting"):
                return Seen("running", {"began": state["StartedAt"]})
            noted = json.loads(self._text(container, f"{JOB}/state.json") or "{}")
            if noted.get("state") == "ended":
                return Seen("ended", noted)
            more = {"oom": bool(state.get("OOMKilled")), "code": state.get("ExitCode")}
            return Seen("died", noted | more | {"ended": state.get("FinishedAt")})

    def lines(self, job: Job, after: str) -> Iterator[Line]:
        """A mark is the engine's stamp of a line, and how many lines had the same one."""
        container = self._must_be(job)
        stamp, _, count = after.partition(" ")
        seen, place = Place(stamp, int(count or 0)), Place(stamp, int(count or 0))
        kept = b""
        with _cut_as_such():
            for chunk in container.logs(
                stream=True, follow=True, timestamps=True, since=seen.second
            ):
                *whole, kept = (kept + chunk).split(b"\n")
                for line in whole:
                    at, _, text = line.decode("utf-8", "replace").partition(" ")
                    if is_old(at, seen):
                        continue
                    place.pass_by(at)
                    yield Line(f"{place.stamp} {place.count}", text)

    def ask(self, job: Job, tool: Path, *words: str) -> str:
        import docker

        command = ["sh", "-c", f'cd {JOB} && exec "$@"', "sh", PYTHON, f"{TOOLS}/{tool.name}"]
        with suppress(docker.errors.APIError, MldeployError, TimeoutError, OSError), told():
            container = self._container(job)
            if container is not None and container.status == "running":
                ran = docker_exec.run(container, [*command, *words], timeout=ASK_SECONDS)
                return ran.out if ran.code == 0 else ""
        return ""

    def stop(self, job: Job, seconds: int) -> None:
        with told():
            if (container := self._container(job)) and container.status == "running":
                container.stop(timeout=seconds)

    # Afterwards

    def pack(self, job: Job) -> None:
        """The same container once more, whose supervisor finds that the job had begun."""
        container = self._must_be(job)
        with told():
            container.start()
            container.wait(timeout=PACK_SECONDS)

    def read(self, job: Job, path: str) -> Iterator[bytes]:
        import docker

        container = self._must_be(job)
        with _cut_as_such():
            try:
                stream, _ = container.get_archive(f"{JOB}/{path}")
            except docker.errors.NotFound as error:
                raise FileNotFoundError(path) from error
            yield from stream

    def remove(self, job: Job) -> list[str]:
        from mldeploy.images.training import forget_old_code

        gone = []
        with told():
            if (container := self._container(job)) is not None:
                container.remove(force=True, v=True)
                gone.append(f"container {container.name}")
                forget_old_code(self.client, self.project.config.project.name)
        return gone

    def listed(self) -> list[Job]:
        ours: dict[str, Any] = {
            "label": [f"{PROJECT}={self.project.config.project.name}", f"{ROLE}={ROLE_JOB}"]
        }
        found = []
        with told():
            for container in self.client.containers.list(all=True, filters=ours):
                with suppress(ValueError, KeyError, TypeError):
                    found.append(Job.read(json.loads(container.labels[RECORD])))
        return found

    # Small steps of the above

    def _create(self, job: Job, image: str, binds: Sequence[Bind]) -> Container:
        from docker.types import DeviceRequest, LogConfig, Mount

        gpus = [DeviceRequest(count=-1, capabilities=[["gpu"]])] if job.order.gpu else []
        return self.client.containers.create(
            image,
            [PYTHON, f"{TOOLS}/{SUPERVISOR.name}", JOB],
            name=name_of(self.project, job),
            labels=labels_of(self.project, job),
            environment=environment_of(job),
            user="0:0" if job.order.floyd else f"{USER}:{USER}",  # FloydHub's jobs were root
            working_dir=f"{JOB}/code",
            mounts=[Mount(bind.at, bind.source, type="bind", read_only=True) for bind in binds],
            device_requests=gpus,
            shm_size="1g",  # what loads data in several processes hands it on there
            security_opt=[] if job.order.floyd else ["no-new-privileges"],
            log_config=LogConfig(type=LogConfig.types.JSON, config={"max-size": MOST_LOG}),
            stop_signal="SIGTERM",
            detach=True,
        )

    def _container(self, job: Job) -> Container | None:
        import docker

        try:
            return repeated(lambda: self.client.containers.get(name_of(self.project, job)))
        except docker.errors.NotFound:
            return None

    def _must_be(self, job: Job) -> Container:
        with told():
            container = self._container(job)
        if container is None:
            raise FailedError(
                "job-gone",
                what=f"Job {job.number} is not on {self.where} any more.",
                why="Its container was removed by somebody.",
                do=f"mldeploy jobs show {job.number}   ·   again: mldeploy run --from {job.number}",
            )
        return container

    def _text(self, container: Container, path: str) -> str:
        import docker

        try:
            return repeated(lambda: container_files.read(container, path))
        except docker.errors.NotFound:
            return ""


class _cut_as_such:  # noqa: N801 - reads as a verb where it is used
    """A stream that breaks off is no error yet: the runbook goes on where it was."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        import docker
        import requests
        import urllib3

        broken = (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            docker.errors.DockerException,
            ConnectionError,
            TimeoutError,
        )
        if isinstance(error, broken):
            raise CutError(f"{type(error).__name__}: {str(error)[-200:]}") from error
