"""A real service as a replica: what it promises on SIGTERM, with secrets, when it can't start.

As a process of this machine, so that it holds where there is no Docker; and in its container.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mldeploy import build, golden, project
from mldeploy.environment import folder as environment_folder
from mldeploy.environment import python_of
from mldeploy.golden import differences
from mldeploy.images.build import ensure
from mldeploy.images.ingredients import collect
from mldeploy.images.recipe import steps
from mldeploy.project import Project
from mldeploy.release import Release
from mldeploy.ui import Ui
from tests.conftest import copy_of, free_port, until

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

    from tests.lab.fixtures import Projects

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(600)]

PICKY = """
import os
if os.environ.get("PLANTED") != "the-secret":
    raise RuntimeError("no PLANTED in the environment")
"""


@dataclass(frozen=True)
class Built:
    """A project with a release; ``picky`` is another that starts only with its secret."""

    here: Project
    release: Release
    picky: Release

    @property
    def golden(self) -> golden.Golden:
        return golden.read(self.here.golden)

    def bento(self, release: Release) -> Path:
        return build.releases_folder(self.here) / release.name / "bento"


@pytest.fixture(scope="module")
def built(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = copy_of(trained, tmp_path_factory.mktemp("replica") / "docs")
    here = project.find(root)
    here.make_state()
    release = build.build(here, Ui())
    (service,) = root.glob("src/*/service.py")
    text = service.read_text()
    # A bento is imported when it is built, too: it refuses only where it is to serve.
    condition = 'if os.environ.get("DRAIN_SECONDS") and '
    service.write_text(text + PICKY.replace("if ", condition, 1))
    picky = build.build(here, Ui())
    service.write_text(text)
    return Built(here, release, picky)


@dataclass
class Replica:
    """A running serve_replica.py of this machine."""

    process: subprocess.Popen[str]
    port: int
    log: Path
    environment: dict[str, str]

    def ask(self, *words: str, body: str = "") -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, build.SCRIPTS / "ask.py", *words],
            env=self.environment,
            input=body,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout

    def get(self, path: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer
        finally:
            connection.close()

    def takes_connections(self) -> bool:
        try:
            self.get("/livez")
        except OSError:
            return False
        return True


@pytest.fixture
def start(built: Built, tmp_path: Path) -> Iterator[Callable[..., Replica]]:
    """Start a replica, without waiting for it; all end with the test."""
    running: list[Replica] = []

    def begin(release: Release | None = None, **settings: str) -> Replica:
        chosen = release or built.release
        port = free_port()
        environment = os.environ | {"PORT": str(port), "DRAIN_SECONDS": "20"}
        environment |= {"TMPDIR": str(tmp_path), "MLDEPLOY_SECRETS": "/nothing/here"} | settings
        interpreter = python_of(environment_folder(built.here, chosen.environment))
        log = tmp_path / "log"
        with log.open("w") as file:
            process = subprocess.Popen(
                [interpreter, build.SCRIPTS / "serve_replica.py", built.bento(chosen), "a-release"],
                cwd=tmp_path,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
            )
        running.append(Replica(process, port, log, environment))
        return running[-1]

    yield begin
    for each in running:
        if each.process.poll() is None:
            each.process.kill()
        each.process.wait(timeout=30)


@pytest.fixture
def replica(start: Callable[..., Replica]) -> Replica:
    one = start()
    code, said = one.ask("ready", "60")
    assert code == 0, said + one.log.read_text()
    return one


JSON = {"Content-Type": "application/json"}


def head_of(path: str, length: int) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: a", "Content-Type: application/json"]
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()


def test_it_gives_the_golden_answers_and_says_which_release_it_is(
    replica: Replica, built: Built
) -> None:
    for request in built.golden.requests:
        code, said = replica.ask("post", request.path, body=json.dumps(request.body))
        answer = json.loads(said)

        assert (code, answer["status"]) == (0, 200)
        assert differences(request.expect, answer["body"], request.tolerance) == []
    assert replica.get("/readyz").headers["x-mldeploy-release"] == "a-release"
    code, metrics = replica.ask("metrics")
    assert code == 0
    assert 'endpoint="/predict"' in metrics


def test_what_is_asked_wrongly_is_told_as_it_is(replica: Replica) -> None:
    code, said = replica.ask("post", "/predict", body="{}")

    assert code == 1
    assert json.loads(said)["status"] == 400


def test_a_replica_that_is_not_there_is_told_when_the_time_is_up(
    start: Callable[..., Replica],
) -> None:
    nobody = start()
    nobody.process.kill()

    began = time.monotonic()
    code, said = nobody.ask("ready", "0.5")

    assert code == 1
    assert json.loads(said)["status"] == 0
    assert 0.4 < time.monotonic() - began < 5


def test_a_request_in_flight_is_finished_after_no_more_are_taken(
    replica: Replica, built: Built
) -> None:
    request = built.golden.requests[0]
    body = json.dumps(request.body).encode()
    with socket.create_connection(("127.0.0.1", replica.port), timeout=30) as slow:
        slow.sendall(head_of(request.path, len(body)) + body[:10])
        until(lambda: 'request_in_progress{endpoint="/predict"' in replica.ask("metrics")[1])

        replica.process.send_signal(signal.SIGTERM)
        # It goes on for a second, and says so.
        until(lambda: replica.get("/readyz").headers["connection"] == "close")
        until(lambda: not replica.takes_connections())
        assert replica.process.poll() is None

        slow.sendall(body[10:])
        answer = b"".join(iter(lambda: slow.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 200")
    got = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert differences(request.expect, got, request.tolerance) == []
    assert replica.process.wait(timeout=10) == 0


def test_a_request_that_never_ends_is_not_waited_for_longer_than_said(
    start: Callable[..., Replica],
) -> None:
    replica = start(DRAIN_SECONDS="1")
    assert replica.ask("ready", "60")[0] == 0
    with socket.create_connection(("127.0.0.1", replica.port), timeout=30) as stuck:
        stuck.sendall(head_of("/predict", 1000) + b"{")
        until(lambda: 'request_in_progress{endpoint="/predict"' in replica.ask("metrics")[1])

        replica.process.send_signal(signal.SIGTERM)

        assert replica.process.wait(timeout=15) == 0
    assert "requests in flight: 1, given 1 s" in replica.log.read_text()


def test_ending_while_it_starts_is_at_once(start: Callable[..., Replica]) -> None:
    replica = start()
    until(lambda: _handles(replica.process.pid, signal.SIGTERM))

    replica.process.send_signal(signal.SIGTERM)

    assert replica.process.wait(timeout=5) == 0


def _handles(pid: int, number: signal.Signals) -> bool:
    """Has the process a handler for this signal?"""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)


def test_a_service_that_cannot_start_leaves_its_reason(
    start: Callable[..., Replica], built: Built
) -> None:
    replica = start(built.picky)

    assert replica.process.wait(timeout=60) == 1
    log = replica.log.read_text()
    assert "Traceback" in log
    assert "RuntimeError: no PLANTED in the environment" in log


def test_secrets_are_there_before_the_service_is_imported(
    start: Callable[..., Replica], built: Built, tmp_path: Path
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "one.json").write_text('{"PLANTED": "the-secret"}')

    replica = start(built.picky, MLDEPLOY_SECRETS=str(tmp_path / "secrets"))

    code, said = replica.ask("ready", "60")
    assert code == 0, said + replica.log.read_text()
    assert "the-secret" not in replica.log.read_text()


def test_a_secret_that_cannot_be_read_is_named(
    start: Callable[..., Replica], tmp_path: Path
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "one.json").write_text('{"PLANTED": "the-secret"')

    replica = start(MLDEPLOY_SECRETS=str(tmp_path / "secrets"))

    assert replica.process.wait(timeout=10) == 78
    log = replica.log.read_text()
    assert log == f"error: the secret {tmp_path}/secrets/one.json is not JSON\n"


# In its container, as strict as the engine makes it

ASK = ["/opt/venv/bin/python", "/app/server/ask.py"]


@pytest.fixture(scope="module")
def image(
    docker_client: docker.DockerClient, built: Built, docker_projects: Projects
) -> Iterator[str]:
    """The image of the release, under a project's name of its own."""
    found = collect(built.here, "docker", None, built.release)
    of = type(found)(**{**vars(found), "project": docker_projects.new()})
    tag = ensure(docker_client, steps(of), Ui()).tag
    yield tag
    docker_client.images.remove(tag, force=True)


@pytest.fixture
def container(
    docker_client: docker.DockerClient, image: str, docker_projects: Projects
) -> Iterator[Container]:
    one = docker_client.containers.run(
        image,
        detach=True,
        ports={"3000/tcp": ("127.0.0.1", free_port())},
        labels={"mldeploy.project": docker_projects.names[-1]},
        name=f"{docker_projects.names[-1]}-{secrets.token_hex(3)}",
        read_only=True,
        tmpfs={"/tmp": "size=64m"},  # noqa: S108 - the container's own
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        mem_limit="512m",
        pids_limit=256,
    )
    try:
        assert '"status": 200' in inside(one, *ASK, "ready", "60"), one.logs().decode()
        yield one
    finally:
        one.remove(force=True)


def inside(container: Container, *words: str) -> str:
    code, said = container.exec_run(list(words))
    assert isinstance(said, bytes)
    assert code in (0, 1), said.decode()
    return said.decode()


def port_of(container: Container) -> int:
    (published,) = container.attrs["HostConfig"]["PortBindings"]["3000/tcp"]
    return int(published["HostPort"])


@pytest.mark.docker
def test_a_container_answers_as_stored_with_nothing_to_write_to(
    container: Container, built: Built
) -> None:
    port = port_of(container)
    for request in built.golden.requests:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", request.path, json.dumps(request.body), JSON)
        got = json.loads(connection.getresponse().read())
        connection.close()
        assert differences(request.expect, got, request.tolerance) == []
    assert inside(container, "touch", "/app/x").endswith("Read-only file system\n")
    assert inside(container, "id", "-u") == "10001\n"


@pytest.mark.docker
def test_an_image_holds_what_serving_needs_and_no_more(container: Container) -> None:
    listed = inside(container, "python", "-c", INSTALLED).split()

    assert "bentoml" in listed
    assert "onnxruntime" in listed
    assert {"mlflow", "pandas", "scikit-learn", "scipy", "uv", "pip"} & set(listed) == set()
    for program in ("gcc", "cc", "uv", "git", "make"):
        assert inside(container, "sh", "-c", f"command -v {program} || true") == ""


INSTALLED = """
from importlib.metadata import distributions
place = "/opt/venv/lib/python3.11/site-packages"
print(*(each.metadata["Name"].lower() for each in distributions(path=[place])))
"""


@pytest.mark.docker
def test_docker_stop_lets_a_request_in_flight_finish(container: Container, built: Built) -> None:
    port = port_of(container)
    request = built.golden.requests[0]
    body = json.dumps(request.body).encode()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as slow:
        slow.sendall(head_of(request.path, len(body)) + body[:10])
        busy = 'request_in_progress{endpoint="/predict"'
        until(lambda: busy in inside(container, *ASK, "metrics"))
        container.kill("SIGTERM")  # what `docker stop` sends first
        until(lambda: "asked to end" in container.logs().decode())

        slow.sendall(body[10:])
        answer = b"".join(iter(lambda: slow.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 200")
    assert container.wait(timeout=30)["StatusCode"] == 0


@pytest.mark.docker
def test_labels_say_what_it_is(
    docker_client: docker.DockerClient, image: str, built: Built
) -> None:
    found = docker_client.images.get(image)
    release = built.release

    assert found.labels["mldeploy.release"] == release.name
    assert found.labels["mldeploy.run_id"] == release.run_id
    assert found.labels["mldeploy.role"] == "image"
    assert Release(**json.loads(found.labels["mldeploy.record"])) == release
    assert found.labels["org.opencontainers.image.revision"] == release.commit
    assert found.attrs["Config"]["StopSignal"] == "SIGTERM"
    assert found.attrs["Config"]["Cmd"][-1] == release.name
