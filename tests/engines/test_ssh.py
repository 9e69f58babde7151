"""The engine's contract, and a user's whole way, on a machine behind SSH without Docker here."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mldeploy import build, golden, project
from mldeploy.config import SshTarget
from mldeploy.engines.docker import DockerEngine
from mldeploy.golden import Golden
from mldeploy.project import Project
from mldeploy.release import Release
from mldeploy.ui import Ui
from tests.conftest import Workplace, copy_of, free_port, until
from tests.engines.contract import Bench, EngineContract
from tests.engines.test_docker import leave_images
from tests.lab.host import Host
from tests.lab.laptop import Laptop

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.timeout(400),
]

NO_DOCKER_HERE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
BOX = """
[targets.box]
kind = "ssh"
host = "box"
replicas = 1
memory = "512MB"
cpus = 2
drain_timeout = 5
"""


@dataclass
class FromLaptop(Workplace):
    """Commands typed on a laptop that has an ssh and no Docker."""

    environment: dict[str, str] = field(default_factory=dict)

    def begin(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        return super().begin(*words, env=os.environ | self.environment, **options)

    def must(self, *words: str, timeout: float = 200) -> dict[str, Any]:
        done = self.mldeploy(*words, "--json", timeout=timeout)
        assert done.code == 0, done.stdout + done.stderr
        return done.json


@dataclass(frozen=True)
class Yard:
    """A project with two releases that were built on the host."""

    project: Project
    first: Release
    second: Release
    golden: Golden


@pytest.fixture(scope="module")
def laptop(lab_host: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """This very process becomes it: its ssh is the laptop's."""
    made = lab_host.write_laptop(tmp_path_factory.mktemp("laptop") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", made.environment["PATH"])
        yield made


@pytest.fixture(scope="module")
def root(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = copy_of(trained, tmp_path_factory.mktemp("yard") / "docs")
    settings = copy / "mldeploy.toml"
    text = settings.read_text().replace('name = "function-docs"', 'name = "far-yard"')
    settings.write_text(text + BOX)
    return copy


@pytest.fixture(scope="module")
def yard(root: Path, laptop: Laptop) -> Yard:
    place = Workplace(root, free_port())
    here = project.find(root)
    here.make_state()
    engine = DockerEngine(here, "box", here.config.targets["box"])  # type: ignore[arg-type]
    first = build.build(here, Ui())
    engine.prepare(first, Ui())
    place.edit_service("second")
    second = build.build(here, Ui())
    engine.prepare(second, Ui())
    # Tests take the target down, which would take the dependencies along: somebody else needs them.
    DockerEngine(here, "keeper", here.config.targets["box"]).prepare(second, Ui())  # type: ignore[arg-type]
    return Yard(here, first, second, golden.read(root / "tests/golden.json"))


@pytest.fixture
def bench(yard: Yard) -> Iterator[Bench]:
    target = yard.project.config.targets["box"]
    assert isinstance(target, SshTarget)
    engine, same = (DockerEngine(yard.project, "box", target) for _ in range(2))
    for release in (yard.first, yard.second):
        engine.prepare(release, Ui())  # a test before may have removed everything
    yield Bench(engine, same, yard.first, yard.second, yard.golden)
    leave_images(engine)
    for one in (engine, same):
        one.client.close()
        one.machine.connection.close()  # type: ignore[attr-defined]


class TestDockerEngineOverSsh(EngineContract):
    """The shared suite, word for word as on this machine."""

    def test_nothing_runs_at_first(self, bench: Bench) -> None:
        assert bench.engine.serving().state == "down"
        assert bench.engine.history() == []
        assert bench.engine.replicas() == []


@pytest.fixture
def place(trained: Path, tmp_path: Path, laptop: Laptop) -> Iterator[FromLaptop]:
    root = copy_of(trained, tmp_path / "docs")
    settings = root / "mldeploy.toml"
    text = settings.read_text().replace('name = "function-docs"', 'name = "far-way"')
    settings.write_text(text + BOX)
    here = FromLaptop(root, free_port(), environment=NO_DOCKER_HERE)
    yield here
    here.end_commands()
    here.mldeploy("down", "box")


def test_the_whole_way_from_a_laptop_without_docker(place: FromLaptop, lab_host: Host) -> None:
    first = place.must("up", "box")
    answer = place.must("predict", "box")
    place.edit_service("another release")
    sent, _ = lab_host.bytes_through()
    second = place.must("up", "box")
    sent = lab_host.bytes_through()[0] - sent
    back = place.must("rollback", "box")
    more = place.must("scale", "box", "2")
    events = place.must("history", "box")["events"]
    listening = [line for line in lab_host.listening() if not line.startswith("127.")]
    receipt = place.must("down", "box")

    assert first["url"] == f"https://{lab_host.address}"
    assert (first["kind"], first["certificate"]) == ("ssh", "address")
    assert len(first["ca_fingerprint"].split(":")) == 32
    assert answer["response"]
    assert second["release"] != first["release"]
    assert sent < 100_000, f"a change of code sent {sent} bytes"
    assert (back["release"], back["changed"]) == (first["release"], True)
    assert more["replicas"] == 2
    assert [e["action"] for e in events] == ["scale", "rollback", "up", "up"]
    assert {line.rpartition(":")[2] for line in listening} == {"22", "80", "443"}
    assert receipt["left"] == []
    ours = ["--filter", "label=mldeploy.project=far-way"]
    for words in (["ps", "-aq"], ["volume", "ls", "-q"], ["network", "ls", "-q"], ["images", "-q"]):
        assert lab_host.exec(["docker", *words, *ours]).strip() == ""
    sent_files = (
        "cd /root/.cache/mldeploy 2>/dev/null || exit 0; ls -d store-far-way* *.context* *.part"
    )
    assert lab_host.exec(["sh", "-c", f"{{ {sent_files}; }} 2>/dev/null || true"]).strip() == ""


def test_a_log_is_followed_over_a_redeploy(place: FromLaptop) -> None:
    place.must("up", "box")
    follower = place.begin("logs", "box", "-f", "-n", "20")
    heard: list[str] = []
    listener = threading.Thread(target=lambda: heard.extend(follower.stdout or ()), daemon=True)
    listener.start()
    until(lambda: "answers" in "".join(heard))
    place.edit_service("the next one")
    new = place.must("up", "box")["release"]
    until(lambda: new in "".join(heard))
    follower.send_signal(signal.SIGINT)

    assert follower.wait(timeout=20) == 130
    listener.join(timeout=10)


def test_a_second_project_shares_the_dependencies(
    place: FromLaptop, tmp_path: Path, lab_host: Host
) -> None:
    place.must("up", "box")
    other = FromLaptop(tmp_path / "other", free_port(), environment=NO_DOCKER_HERE)
    shutil.copytree(place.root, other.root, symlinks=True)
    shutil.rmtree(other.root / ".mldeploy")
    settings = other.root / "mldeploy.toml"
    text = settings.read_text().replace('"far-way"', '"far-other"')
    settings.write_text(text.replace('host = "box"', 'host = "box"\nport = 8443'))
    before, _ = lab_host.bytes_through()
    done = other.mldeploy("up", "box", "--json", timeout=200)
    sent = lab_host.bytes_through()[0] - before
    down = other.must("down", "box")

    assert done.code == 0, done.stdout + done.stderr
    assert "image: dependencies" not in done.stderr
    assert done.json["url"].endswith(":8443")
    assert sent < 200_000
    assert not any("dependencies" in json.dumps(one) for one in down["removed"])


def test_a_private_target_publishes_nothing_outside(place: FromLaptop, lab_host: Host) -> None:
    settings = place.root / "mldeploy.toml"
    settings.write_text(
        settings.read_text().replace('host = "box"', 'host = "box"\nprivate = true')
    )
    place.must("up", "box")
    outside = [line for line in lab_host.listening() if not line.startswith("127.")]
    answer = place.must("predict", "box")

    assert {line.rpartition(":")[2] for line in outside} == {"22"}
    assert answer["response"]
    assert answer["curl"].startswith("curl -s $ADDRESS/")  # the tunnel it went by is closed


def test_what_is_alive_there_is_found_and_ended_from_its_project(place: FromLaptop) -> None:
    up = place.must("up", "box")
    found = place.must("orphans")
    seen = place.must("image", "box")
    ended = place.must("orphans", "--on", "box", "--terminate", "far-way/box", "--yes")
    left = place.must("orphans", "--on", "box")

    (group,) = [each for each in found["found"] if each["project"] == "far-way"]
    assert (group["machine"], group["release"], group["abandoned"]) == ("box", up["release"], None)
    assert found["silent"] == []  # no Docker on the laptop is no trouble
    assert seen["layers"]
    assert ended["left"] == []
    assert [each for each in left["found"] if each["project"] == "far-way"] == []
