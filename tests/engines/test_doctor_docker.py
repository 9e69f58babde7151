"""`doctor` for Docker: what a real engine says, and every way in which there may be none."""

from __future__ import annotations

import gc
import json
import os
import platform
import secrets
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mldeploy import config
from mldeploy.config import DockerTarget
from mldeploy.doctor import docker as doctor
from mldeploy.doctor import docker_images, docker_room
from mldeploy.doctor.checks import Finding, examine
from mldeploy.doctor.docker_reach import Reach, engine
from mldeploy.engines.docker_names import FOLDER, HOST, PROJECT, ROLE, TARGET
from mldeploy.project import Project
from mldeploy.ui import Ui
from mldeploy.who import laptop
from tests.conftest import SETTINGS, Workplace, free_port
from tests.engines.tiny_registry import TinyImage, registry
from tests.lab.small_engine import SmallEngine, small_engine

if TYPE_CHECKING:
    import docker

OTHER = {"x86_64": "arm64"}.get(platform.machine(), "amd64")  # than this machine's architecture
BOUND = 12.0  # seconds; nobody waits longer to be told that there is no engine


# Docker's client closes a socket that it could not connect, or keeps for its next question, when it
# is collected; Python warns of that. A command ends before; here it happens at each test's end.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.collect()


# No engine: each case is real, and none of them needs one


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, as sockets want it, and open to everybody, unlike pytest's own."""
    place = Path(tempfile.mkdtemp(dir="/tmp"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield server


def asked(address: str, monkeypatch: pytest.MonkeyPatch) -> Finding:
    """What `doctor` makes of an engine at ``address``; fails if that takes too long."""
    monkeypatch.setenv("DOCKER_HOST", address)
    began = time.monotonic()
    found = engine(Reach())
    assert time.monotonic() - began < BOUND
    return found


def test_a_socket_that_is_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(f"unix://{folder}/none.sock", monkeypatch)

    assert found.severity == "error"
    assert "not there" in found.message
    assert "unset DOCKER_HOST" in found.remedy


def test_a_port_on_which_nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(f"tcp://me:swordfish@127.0.0.1:{free_port()}", monkeypatch)

    assert found.severity == "error"
    assert "unset DOCKER_HOST" in found.remedy
    assert "swordfish" not in found.remedy


def test_a_socket_whose_engine_has_died(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(folder / "docker.sock"):
        pass

    found = asked(f"unix://{folder}/docker.sock", monkeypatch)

    assert found.severity == "error"
    assert "Nothing listens" in found.message


@pytest.mark.slow
def test_an_engine_that_takes_the_call_and_never_answers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(folder / "docker.sock"):
        found = asked(f"unix://{folder}/docker.sock", monkeypatch)

    assert found.severity == "error"
    assert "hangs" in found.message


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A web server that is no engine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


@pytest.mark.parametrize(
    ("status", "body", "remedy"),
    [
        (200, b"<html>hello</html>", "unset DOCKER_HOST"),
        (404, b"not found", "unset DOCKER_HOST"),
        (500, b"", "unset DOCKER_HOST"),
        # What an engine with TLS answers to a client without.
        (400, b"Client sent an HTTP request to an HTTPS server.\n", "DOCKER_TLS_VERIFY"),
    ],
)
def test_a_server_that_is_no_engine(
    status: int, body: bytes, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(status, body) as address:
        found = asked(address, monkeypatch)

    assert found.severity == "error"
    assert remedy in found.remedy


def test_a_socket_that_speaks_something_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(folder / "docker.sock") as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        found = asked(f"unix://{folder}/docker.sock", monkeypatch)
        thread.join(timeout=10)

    assert found.severity == "error"
    assert found.remedy


@contextmanager
def as_nobody() -> Iterator[None]:
    """What root can do, the user `nobody` can't; as another user, just go on."""
    if os.geteuid() != 0:
        yield
        return
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def test_a_socket_that_this_user_may_not_speak_to(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(folder / "docker.sock"):
        (folder / "docker.sock").chmod(0)
        with as_nobody():
            found = asked(f"unix://{folder}/docker.sock", monkeypatch)

    assert found.severity == "error"
    assert "may not speak to Docker" in found.message
    assert "can become root" in found.remedy


# A real engine


@pytest.fixture
def here(tmp_path: Path) -> Project:
    """A project of which the engine's checks need no more than its settings."""
    path = tmp_path / "mldeploy.toml"
    path.write_text(SETTINGS)
    return Project(tmp_path, config.load(path))


@pytest.fixture
def mine(docker_client: docker.DockerClient) -> Iterator[Callable[..., str]]:
    """Loads tiny images; they go with the test."""
    tags: list[str] = []

    def load(**about: Any) -> str:
        tag = f"mldeploy-test-{secrets.token_hex(4)}:1"
        docker_client.images.load(TinyImage(**about).as_archive(tag))
        tags.append(tag)
        return tag

    yield load
    for tag in tags:
        docker_client.images.remove(tag, force=True)


def own_architecture(client: docker.DockerClient) -> str:
    return str(client.version()["Arch"])


@pytest.mark.docker
def test_an_engine_that_is_well_is_found_well(
    here: Project, docker_client: docker.DockerClient, mine: Callable[..., str]
) -> None:
    base = mine(architecture=own_architecture(docker_client), environment=("PIP_CERT=/ca.pem",))
    target = DockerTarget(base=base, cpus=0.5, memory="64MB")

    findings = {one.check: one for one in examine(doctor.checks(here, target))}

    assert [one for one in findings.values() if one.severity == "error"] == []
    assert docker_client.version()["Version"] in findings["engine"].message
    assert findings["clock"].severity == findings["base image"].severity == "ok"


def test_without_an_engine_only_the_engine_is_complained_of(
    here: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/none.sock")
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))

    findings = examine(doctor.checks(here, DockerTarget()))

    assert [one.check for one in findings if one.severity == "error"] == ["engine"]
    assert {one.check for one in findings if one.severity == "ok"} == {
        "docker command",
        "credentials",
    }


@pytest.mark.docker
def test_an_image_for_another_machine_is_an_error(mine: Callable[..., str]) -> None:
    found = docker_images.image("base image", mine(architecture=OTHER), Reach())

    assert found.severity == "error"
    assert OTHER in found.message
    assert "docker pull --platform" in found.remedy


@pytest.mark.docker
def test_an_images_own_environment_is_read(mine: Callable[..., str]) -> None:
    name = mine(environment=("PIP_CERT=/ca.pem", "A=b=c"))

    assert docker_images.environment_of(name, Reach()) == {"PIP_CERT": "/ca.pem", "A": "b=c"}
    assert docker_images.environment_of("mldeploy-no-such:image", Reach()) is None


@pytest.mark.docker
def test_an_image_that_is_only_in_the_registry_is_pulled_by_the_fix(
    docker_client: docker.DockerClient,
) -> None:
    with registry(TinyImage(own_architecture(docker_client))) as name:
        found = docker_images.image("base image", name, Reach())

        assert found.severity == "warning"
        assert found.remedy == f"docker pull {name}"
        assert found.fix is not None
        found.fix.apply(Ui())
    try:
        assert docker_images.image("base image", name, Reach()).severity == "ok"
    finally:
        docker_client.images.remove(name)


@pytest.mark.docker
def test_an_image_that_a_registry_has_for_other_machines_only() -> None:
    with registry(TinyImage(OTHER)) as name:
        found = docker_images.image("base image", name, Reach())

    assert found.severity == "error"
    assert f"exists for {OTHER}, and not for" in found.message


@pytest.mark.docker
def test_an_image_that_a_registry_does_not_have() -> None:
    with registry(TinyImage()) as name:
        found = docker_images.image("base image", name.replace(":1", ":2"), Reach())

    assert found.severity == "error"
    assert "no image of that name" in found.message
    assert "base" in found.remedy


@pytest.mark.docker
def test_a_registry_that_is_not_there() -> None:
    name = f"127.0.0.1:{free_port()}/tiny:1"

    found = docker_images.image("base image", name, Reach())

    assert found.severity == "error"
    assert "can't be had" in found.message
    assert found.remedy


@pytest.mark.docker
def test_our_part_of_the_disk_counts_shared_layers_once(
    docker_client: docker.DockerClient, mine: Callable[..., str]
) -> None:
    before, idle = docker_room.taken(docker_client)
    below = mine(environment=(f"ONCE={secrets.token_hex(4)}",))
    built = []
    try:
        for content in (b"a" * 1_000_000, b"b" * 2_000_000):
            built.append(_built(docker_client, below, content))
            below = built[-1]
        after, idle_after = docker_room.taken(docker_client)
    finally:
        for tag in reversed(built):
            docker_client.images.remove(tag, force=True)

    # 6 bytes are the tiny image's own file, below both.
    assert after - before == idle_after - idle == 3_000_006


def _built(client: docker.DockerClient, below: str, content: bytes) -> str:
    import io
    import tarfile

    tag = f"mldeploy-test-{secrets.token_hex(4)}:1"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in (
            ("Dockerfile", f"FROM {below}\nCOPY content /{tag[-10:-2]}\n".encode()),
            ("content", content),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    packed.seek(0)
    client.images.build(fileobj=packed, custom_context=True, tag=tag, labels={ROLE: "test"})
    return tag


@pytest.mark.docker
def test_what_a_deleted_project_left_is_found_and_what_ended_is_removed(
    docker_client: docker.DockerClient, mine: Callable[..., str], tmp_path: Path
) -> None:
    image, project = mine(), f"gone-{secrets.token_hex(4)}"
    owner = {PROJECT: project, TARGET: "docker", FOLDER: str(tmp_path / "gone"), HOST: laptop()}
    for role in ("replica", "edge"):
        docker_client.containers.create(image, ["/hello"], labels=owner | {ROLE: role})
    try:
        found = docker_room.leftovers(Reach())

        assert found.severity == "warning"
        assert f"{project}/docker" in found.message
        assert found.remedy == "mldeploy orphans"
        assert found.fix is not None
        found.fix.apply(Ui())
        mine_left = docker_client.containers.list(
            all=True, filters={"label": f"{PROJECT}={project}"}
        )
        assert [one.labels[ROLE] for one in mine_left] == ["edge"]
    finally:
        for one in docker_client.containers.list(
            all=True, filters={"label": f"{PROJECT}={project}"}
        ):
            one.remove(force=True)


# An engine of our own, to fill and to stop


@pytest.fixture(scope="module")
def own_engine() -> Iterator[SmallEngine]:
    with small_engine(Ui(), with_images=False) as engine:
        yield engine


@pytest.mark.docker
def test_a_full_disk_of_the_engine(
    own_engine: SmallEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", own_engine.url)
    hardly_any = docker_room.disk(Reach())
    own_engine.fill(leave=1_000_000)
    try:
        full = docker_room.disk(Reach())
    finally:
        own_engine.empty()

    assert hardly_any.severity == "warning"
    assert full.severity == "error"
    assert "disk is full: 0.0 GB free" in full.message
    assert "mldeploy prune" in full.remedy


@pytest.mark.slow
@pytest.mark.docker
def test_an_engine_that_stands_still(
    own_engine: SmallEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = own_engine.daemon.process()
    assert process is not None
    process.suspend()
    try:
        found = asked(own_engine.url, monkeypatch)
    finally:
        process.resume()

    assert found.severity == "error"
    assert "hangs" in found.message
    assert asked(own_engine.url, monkeypatch).severity == "ok"


@pytest.mark.docker
def test_an_engine_that_was_killed(
    own_engine: SmallEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_engine.daemon.kill()
    try:
        found = asked(own_engine.url, monkeypatch)
    finally:
        own_engine.daemon.start()

    assert found.severity == "error"
    assert "Nothing listens" in found.message
    assert asked(own_engine.url, monkeypatch).severity == "ok"


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(300)
def test_a_whole_project_from_the_command_line(workplace: Workplace) -> None:
    settings = workplace.root / "mldeploy.toml"
    text = settings.read_text()
    others = text.partition("[targets.docker]")[0]
    target = f'[targets.docker]\nkind = "docker"\nport = {free_port()}\ncpus = 0.5\n'
    settings.write_text(others + target + '[targets.docker.secrets]\nT = "file:token"\n')
    (workplace.root / "token").write_text("swordfish")
    (workplace.root / "token").chmod(0o644)

    before = workplace.mldeploy("doctor", "docker", "--json")
    after = workplace.mldeploy("doctor", "docker", "--fix")

    findings = {one["check"]: one for one in before.json["findings"]}
    assert before.code == after.code == 0, before.stdout + after.stdout
    assert findings["secrets"]["severity"] == "warning"
    assert "token" in findings["secrets"]["fix"]
    assert findings["port"]["severity"] == findings["service"]["severity"] == "ok"
    assert "found: T" in after.stdout
    assert "swordfish" not in json.dumps(before.json) + before.stderr + after.stdout + after.stderr
