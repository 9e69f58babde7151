"""The way to a machine behind SSH: whose key it shows, who gets in, what is found and mended there,
and that no secret is seen on it."""

from __future__ import annotations

import base64
import json
import os
import pty
import select
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from mldeploy import edge, project
from mldeploy.config import SshTarget
from mldeploy.images.output import Output
from mldeploy.machines.remote import OwnMachine
from mldeploy.ssh import address, far_build, ship, upload
from mldeploy.ssh.connection import Connection
from mldeploy.ui import Ui
from tests.conftest import MLDEPLOY, SETTINGS, Done, copy_of, until
from tests.lab import base_image
from tests.lab.bare import bare_host
from tests.lab.host import Host
from tests.lab.laptop import Laptop

if TYPE_CHECKING:
    import docker

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(120)]

ONLY_BOX = SETTINGS.partition("[targets")[0] + '[targets.box]\nkind = "ssh"\nhost = "box"\n'
SECRET = "swordfish-47-eleven"
# Every command line that was there for longer than one look at all of them takes.
WATCH = """\
import glob, json, os
seen = set()
while not os.path.exists('/run/seen-enough'):
    for path in glob.glob('/proc/[0-9]*/cmdline'):
        try:
            seen.add(open(path, 'rb').read())
        except OSError:
            pass
print(json.dumps([one.decode(errors='replace') for one in seen]))
"""


@dataclass(frozen=True)
class Desk:
    """A laptop with a project that has the one target `box`."""

    laptop: Laptop
    project: Path

    def begin(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(MLDEPLOY), *words],
            cwd=self.project,
            env=self.laptop.environment | options.pop("also", {}),
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def mldeploy(self, *words: str, timeout: float = 60, **options: Any) -> Done:
        with self.begin(*words, **options) as process:
            stdout, stderr = process.communicate(timeout=timeout)
        return Done(process.returncode, stdout, stderr)

    def error_of(self, *words: str) -> dict[str, str]:
        error: dict[str, str] = self.mldeploy(*words, "--json").json["error"]
        return error

    def findings(self, *words: str) -> dict[str, dict[str, str]]:
        """What `doctor` finds of the way and the host, by check; not what it skips."""
        found = self.mldeploy("doctor", "box", "--json", *words).json["findings"]
        names = [one["check"] for one in found]
        return {
            one["check"]: one for one in found[names.index("ssh") :] if one["severity"] != "skipped"
        }

    def set(self, old: str, new: str) -> None:
        file = self.project / "mldeploy.toml"
        file.write_text(file.read_text().replace(old, new))

    def ssh_processes(self) -> list[str]:
        """Each ssh of this laptop has its configuration in its command line."""
        lines = [" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])]
        return [line for line in lines if str(self.laptop.config) in line]


def desk_of(host: Host, place: Path, *, known: bool = True) -> Desk:
    project = place / "project"
    project.mkdir()
    (project / "mldeploy.toml").write_text(ONLY_BOX)
    return Desk(host.write_laptop(place / "home", known=known), project)


@pytest.fixture
def desk(lab_host: Host, tmp_path: Path) -> Desk:
    return desk_of(lab_host, tmp_path)


@pytest.fixture
def new_desk(lab_host: Host, tmp_path: Path) -> Desk:
    """From which the host was never met."""
    return desk_of(lab_host, tmp_path, known=False)


# Whose key is it?


def fingerprint(host: Host) -> str:
    return host.exec(["ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub"]).split()[1]


def test_a_host_never_met_is_not_spoken_to_and_its_fingerprint_is_told(
    new_desk: Desk, lab_host: Host
) -> None:
    error = new_desk.error_of("status", "box")

    assert error["code"] == "ssh-unknown-host"
    assert f"It shows {fingerprint(lab_host)} (ED25519)" in error["why"]
    assert error["do"].startswith("ssh box ")
    assert new_desk.laptop.known_hosts.read_text() == ""


def answered(desk: Desk, answer: str) -> Done:
    """What `status` makes of a person at its terminal who answers its one question."""
    ours, theirs = pty.openpty()
    with desk.begin("status", "box", stdin=theirs, start_new_session=True) as process:
        os.close(theirs)
        assert process.stderr
        said = b""
        try:
            while b"Is that the key" not in said:
                assert select.select([process.stderr], [], [], 30)[0], said
                chunk = os.read(process.stderr.fileno(), 4096)
                assert chunk, said
                said += chunk
            os.write(ours, f"{answer}\n".encode())
            stdout, stderr = process.communicate(timeout=30)
        finally:
            process.kill()
            os.close(ours)
    return Done(process.returncode, stdout, said.decode() + stderr)


def test_at_a_terminal_the_key_is_shown_and_a_no_changes_nothing(
    new_desk: Desk, lab_host: Host
) -> None:
    done = answered(new_desk, "n")

    assert done.code == 1
    assert fingerprint(lab_host) in done.stderr
    assert "has never been met" in done.stderr
    assert new_desk.laptop.known_hosts.read_text() == ""


def test_at_a_terminal_a_yes_is_written_down_and_it_goes_on(new_desk: Desk, lab_host: Host) -> None:
    done = answered(new_desk, "y")

    assert done.code == 0, done.stderr
    assert "box: down" in done.stdout
    assert lab_host.host_key in new_desk.laptop.known_hosts.read_text()
    assert new_desk.mldeploy("status", "box").code == 0


def test_a_changed_host_key_stops_everything_before_anything_is_sent(
    desk: Desk, lab_host: Host
) -> None:
    lab_host.change_host_key()
    before = lab_host.logs("sshd").count("Accepted publickey")
    done = desk.mldeploy("up", "box", "--yes", "--json")

    assert done.code == 3
    assert done.json["error"]["code"] == "ssh-host-changed"
    assert f"ssh-keygen -R '{lab_host.address}'" in done.json["error"]["do"]
    assert desk.findings()["host key"]["severity"] == "error"
    assert lab_host.logs("sshd").count("Accepted publickey") == before


# Who gets in, and how


def test_a_key_that_opens_nothing_is_named(desk: Desk) -> None:
    key = desk.laptop.config.with_name("id_ed25519")
    key.unlink()
    subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", key], check=True, timeout=30)

    error = desk.error_of("status", "box")

    assert error["code"] == "ssh-denied"
    assert "Permission denied (publickey)" in error["why"]
    assert desk.findings()["login"]["severity"] == "error"


def test_the_way_leads_over_a_jump_host(desk: Desk, lab_host: Host) -> None:
    """What is called box is the jump host's own loopback: from here that would be this machine."""
    config = desk.laptop.config
    jump = config.read_text().replace("Host box", "Host jump")
    box = (
        config.read_text()
        .replace(f"HostName {lab_host.address}", "HostName 127.0.0.1\n    ProxyJump jump")
        .replace("User root", "User root\n    HostKeyAlias behind")
    )
    config.write_text(jump + box)
    with desk.laptop.known_hosts.open("a") as known:
        known.write(f"behind {lab_host.host_key}\n")

    assert "box: down" in desk.mldeploy("status", "box").stdout
    found = desk.findings()
    assert found["address"]["message"].endswith("by way of jump")
    assert found["engine"]["severity"] == "ok"
    assert found["open ports"]["message"].startswith("from behind a jump host")

    desk.laptop.known_hosts.write_text(lab_host.known_hosts_line + "\n")
    error = desk.error_of("status", "box")
    assert error["code"] == "ssh-unknown-host"
    assert fingerprint(lab_host) in error["why"]


def test_a_persons_own_habits_in_the_configuration_do_not_disturb(desk: Desk) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = desk.laptop.config
        config.write_text(
            f"""\
Match host box exec "true"
    ServerAliveInterval 60
Host *
    ControlMaster auto
    ControlPath {desk.laptop.home}/control-%C
    ControlPersist 60
    RemoteCommand tmux attach
    RequestTTY force
    LocalForward {taken.getsockname()[1]} localhost:5432
    ExitOnForwardFailure yes
    ForwardX11 yes
"""
            + config.read_text()
        )

        done = desk.mldeploy("status", "box")
        found = desk.findings()

    assert done.code == 0, done.stderr
    assert found["host key"]["severity"] == found["engine"]["severity"] == "ok"
    assert list(desk.laptop.home.glob("control-*")) == []
    assert desk.ssh_processes() == []


def test_who_may_not_speak_to_docker_is_told_how_and_let_in_by_the_fix(
    desk: Desk, lab_host: Host
) -> None:
    desk.set('"box"', '"ubuntu@box"')
    try:
        error = desk.error_of("status", "box")
        before, after = desk.findings(), desk.findings("--fix")
    finally:
        lab_host.exec(["sh", "-c", "gpasswd -d ubuntu docker || true"])

    assert error["code"] == "docker-denied"
    assert error["do"] == "mldeploy ssh box -- sudo usermod -aG docker ubuntu"
    assert before["permission"]["remedy"].endswith("-- sudo usermod -aG docker ubuntu")
    assert "engine" not in before
    assert after["permission"]["severity"] == after["engine"]["severity"] == "ok"


# What doctor sees


def test_doctor_finds_a_host_that_is_well_to_be_so(desk: Desk) -> None:
    desk.set('host = "box"', f'host = "box"\nbase = "{base_image.NAME}"')

    found = desk.findings()

    assert {name: one for name, one in found.items() if one["severity"] != "ok"} == {}
    assert found["open ports"]["message"] == "from here answer 22 (sshd)"
    assert found["way in"]["message"] == "nothing serves yet; after `up` this listens: 80 and 443"
    assert desk.ssh_processes() == []


def test_doctor_names_what_answers_from_outside(desk: Desk, lab_host: Host) -> None:
    with listening(lab_host, 5432), listening(lab_host, 4711), listening(lab_host, 6379, LOCAL):
        found = desk.findings()["open ports"]

    assert found["severity"] == "warning"
    assert "Everybody in reach can try 4711 (python3), 5432 (python3)" in found["message"]
    assert "6379" not in found["message"]

    with listening(lab_host, 2375):
        found = desk.findings()["open ports"]

    assert found["severity"] == "error"
    assert "root there, without a password" in found["message"]


LOCAL = "127.0.0.1"


@contextmanager
def listening(host: Host, port: int, where: str = "0.0.0.0") -> Iterator[None]:
    serve = f"import socket,time; s=socket.create_server(('{where}', {port})); time.sleep(90)"
    host.exec(["sh", "-c", f'python3 -c "{serve}" > /dev/null 2>&1 & echo $! > /tmp/{port}.pid'])
    until(lambda: f"{where}:{port}" in host.listening())
    try:
        yield
    finally:
        host.exec(["sh", "-c", f"kill $(cat /tmp/{port}.pid)"])


def test_doctor_soon_gives_up_a_host_that_does_not_answer(desk: Desk, lab_host: Host) -> None:
    lab_host.cut()
    try:
        began = time.monotonic()
        found = desk.findings()
        took = time.monotonic() - began
    finally:
        lab_host.restore()

    assert list(found) == ["ssh", "address", "reachable"]
    assert "does not answer" in found["reachable"]["message"]
    assert took < 25


def test_doctor_names_a_name_that_is_none(desk: Desk) -> None:
    desk.set('"box"', '"no-such-host.invalid"')

    found = desk.findings()

    assert found["address"]["severity"] == "error"
    assert "There is no machine called no-such-host.invalid" in found["address"]["message"]
    assert "reachable" not in found


def test_ssh_runs_a_command_over_there(desk: Desk, lab_host: Host) -> None:
    done = desk.mldeploy("ssh", "box", "--", "hostname; exit 7")

    assert (done.code, done.stdout) == (7, f"{lab_host.name}\n")
    assert desk.mldeploy("ssh", "box", "uname", "-n").stdout == f"{lab_host.name}\n"


# Secrets


@dataclass
class Seen:
    """Command lines that the host's process list had, once the watch is over."""

    lines: list[str]

    def __contains__(self, text: str) -> bool:
        return any(text in line for line in self.lines)


@contextmanager
def watched(host: Host) -> Iterator[Seen]:
    seen = Seen([])

    def watch() -> None:
        seen.lines += json.loads(host.exec(["python3", "-c", WATCH], timeout=300))

    host.exec(["rm", "-f", "/run/seen-enough"])
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        until(lambda: any("seen-enough" in line for line in host.processes()))
        yield seen
    finally:
        host.exec(["touch", "/run/seen-enough"])
        watcher.join(timeout=60)


def readable_by_others(host: Host, *texts: str) -> list[str]:
    """Files on the host that hold one of these and that others than their owner may read."""
    words = ["grep", "-rlF", "-s", *(word for text in texts for word in ("-e", text))]
    places = ["/root", "/home", "/etc", "/run", "/var/log", "/var/tmp", "/var/lib/docker/volumes"]  # noqa: S108
    found = host.exec(["sh", "-c", '"$@" || true', "sh", *words, *places]).split()
    assert found, "nothing was looked at: the secrets are on the host, for its owner"
    return [one for one in found if int(host.exec(["stat", "-c", "%a", one]), 8) & 0o077]


def test_what_a_build_is_told_is_in_no_process_list_and_in_no_file(
    desk: Desk, lab_host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", desk.laptop.environment["PATH"])
    context = tmp_path / "context.tar"
    dockerfile = f"FROM {base_image.NAME}\nARG UV_INDEX_URL\nRUN sleep 1\n"
    (tmp_path / "Dockerfile").write_text(dockerfile)
    subprocess.run(["tar", "-cf", context, "-C", tmp_path, "Dockerfile"], check=True, timeout=30)
    connection = Connection(address.parse("box"), asking=False, tell=print)
    output = Output("image", print)
    try:
        with watched(lab_host) as seen:
            sent = upload.send(connection, context, lambda *_: None)
            told = {"UV_INDEX_URL": f"https://me:{SECRET}@index.invalid/simple"}
            far_build.build(connection, sent.name, "mldeploy-told:1", told, output)
            left = connection.run(f"ls -A {upload.FOLDER}").out.split()
    finally:
        connection.close()

    assert not output.failed
    assert "--build-arg\0UV_INDEX_URL\0" in seen
    assert SECRET not in seen
    assert not [name for name in left if name.startswith("build-")]


def test_a_host_that_reaches_no_registry_gets_the_edges_image_from_here(
    desk: Desk, lab_host: Host, docker_client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", desk.laptop.environment["PATH"])
    lab_host.exec(["docker", "image", "rm", "-f", edge.IMAGE])
    found = desk.findings()
    desk.set('host = "box"', 'host = "box"\nbuild = "here"')

    assert (found["edge image"]["severity"], desk.findings()["edge image"]["severity"]) == (
        "error",
        "ok",
    )
    there = OwnMachine(project.find(desk.project), "box", SshTarget(host="box"))
    try:
        ship.bring(there.connect(), there.connection, edge.IMAGE, Ui())
        ship.bring(there.connect(), there.connection, edge.IMAGE, Ui())
        image = there.connect().images.get(edge.IMAGE)
    finally:
        there.connect().close()
        there.connection.close()

    assert image.id == docker_client.images.get(edge.IMAGE).id


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(300)
def test_no_secret_is_seen_on_the_host_and_a_private_target_opens_by_a_tunnel(
    desk: Desk, lab_host: Host, trained: Path, tmp_path: Path
) -> None:
    project = copy_of(trained, tmp_path / "function-docs")
    settings = (project / "mldeploy.toml").read_text().partition("[targets")[0]
    told = 'private = true\nmemory = "512MB"\nsecrets = { TOKEN = "env:MY_TOKEN" }\n'
    box = '[targets.box]\nkind = "ssh"\nhost = "box"\n' + told
    (project / "mldeploy.toml").write_text(settings + box)
    desk = Desk(desk.laptop, project)

    with watched(lab_host) as seen:
        up = desk.mldeploy("up", "box", timeout=200, also={"MY_TOKEN": SECRET})
        key = desk.mldeploy("keys", "show", "box", "--json").json["keys"][0]
        predicted = desk.mldeploy("predict", "box", "--json")

    assert up.code == 0, up.stderr
    assert predicted.code == 0, predicted.stdout
    password = base64.b64decode(key["key"]).decode().partition(":")[2]
    assert "docker\0build\0" in seen, "it looked at nothing"
    for secret in (SECRET, key["key"], password, password[:8], "$2b$", "$2a$"):
        assert secret not in seen
    assert readable_by_others(lab_host, SECRET, key["key"], password, "$2b$", "$2a$") == []

    opened(desk)
    found = desk.findings()
    assert found["way in"]["message"].startswith("private: no port of it answers")
    assert found["open ports"]["message"] == "from here answer 22 (sshd)"
    assert desk.mldeploy("down", "box", "--yes").code == 0


def opened(desk: Desk) -> None:
    """`open` holds a tunnel until Ctrl+C, and leaves no ssh."""
    with desk.begin("open", "box", "--no-browser", "--json") as process:
        assert process.stdout
        url = json.loads(process.stdout.readline())["url"]
        with urllib.request.urlopen(f"{url}/readyz", timeout=20) as answer:
            assert answer.status == 200
        assert desk.ssh_processes()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)

    assert process.returncode == 130, stderr
    assert desk.ssh_processes() == []
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{url}/readyz", timeout=5)


# A host without Docker


@pytest.fixture
def bare() -> Iterator[Host]:
    with bare_host(Ui()) as host:
        yield host


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(300)
def test_docker_is_offered_and_installed_on_a_host_that_has_none(
    bare: Host, tmp_path: Path
) -> None:
    desk = desk_of(bare, tmp_path)

    error = desk.error_of("up", "box")
    found = desk.findings("--fix")["docker"]

    assert error["code"] == "no-docker"
    for word in ("apt-get install", "service docker start", "usermod -aG docker ubuntu"):
        assert word in error["do"]
        assert word in found["remedy"]
    assert "docker" not in bare.exec(["ls", "/usr/bin"]).split()

    done = desk.mldeploy("up", "box", "--yes", timeout=200)

    assert "install Docker on box  (" in done.stderr
    assert "no Docker Engine" not in done.stderr  # it went on, to a project that has no model
    assert bare.engine_answers()
    after = desk.findings()
    assert after["permission"]["severity"] == after["engine"]["severity"] == "ok"
