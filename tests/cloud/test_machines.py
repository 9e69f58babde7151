"""The machines behind the stand-in cloud are real: what user-data says happens, and costs end."""

from __future__ import annotations

import json
import os
import queue
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from docker.errors import APIError

from mldeploy.errors import FailedError
from tests.cloud.machines import Machines
from tests.conftest import CHECKOUT, until
from tests.lab import base_image, edge_image, host_leftovers
from tests.lab.host_disk import Disk

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.geteuid() != 0, reason="a machine's disk is mounted: needs root"),
]
NOTHING = b"#cloud-config\n{}\n"


@dataclass
class Rented:
    """Machines, a key for them, and who was heard to end."""

    machines: Machines
    ended: queue.SimpleQueue[str]
    key: Path
    addresses: dict[str, str] = field(default_factory=dict)

    def launch(self, user_data: bytes = NOTHING, *, ports: tuple[int, ...] = (22,)) -> str:
        """The id of a machine that begins to boot."""
        instance = f"i-{secrets.token_hex(8)}"
        self.addresses[instance] = self.machines.launch(
            instance, user_data=user_data, public_keys=[public(self.key)]
        )
        self.machines.allow(instance, ports)
        return instance

    def ssh(
        self, instance: str, command: str, *, user: str = "ubuntu", key: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
        options += ["BatchMode=yes", "IdentitiesOnly=yes", "ConnectTimeout=5"]
        words = ["ssh", "-F", "none", "-i", str(key or self.key)]
        words += [word for option in options for word in ("-o", option)]
        words += [f"{user}@{self.addresses[instance]}", command]
        return subprocess.run(words, capture_output=True, text=True, timeout=60)

    def booted(self, instance: str) -> str:
        """The machine's id, once cloud-init has done all that it was told."""
        until(lambda: self.says_yes(instance, "test -e /run/cloud-init/result.json"), 60)
        return instance

    def errors(self, instance: str) -> list[str]:
        """What cloud-init could not do."""
        result = self.machines.exec(instance, ["cat", "/run/cloud-init/result.json"])
        found: list[str] = json.loads(result)["v1"]["errors"]
        return found

    def says_yes(self, instance: str, script: str) -> bool:
        try:
            self.machines.exec(instance, ["sh", "-ec", script])
        except (FailedError, APIError):  # it says no, or is down just now
            return False
        return True


@pytest.fixture
def rented(tmp_path: Path) -> Iterator[Rented]:
    yield from _rented(tmp_path, engine=True)


@pytest.fixture
def rented_bare(tmp_path: Path) -> Iterator[Rented]:
    yield from _rented(tmp_path, engine=False)


def _rented(folder: Path, *, engine: bool) -> Iterator[Rented]:
    ended: queue.SimpleQueue[str] = queue.SimpleQueue()
    machines = Machines(ended.put, engine=engine)
    yield Rented(machines, ended, new_key(folder / "id_ed25519"))
    machines.close()


def new_key(path: Path) -> Path:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(words, check=True, timeout=60)
    return path


def public(key: Path) -> str:
    return key.with_suffix(".pub").read_text().strip()


def cloud_config(**settings: object) -> bytes:
    """JSON is YAML."""
    return b"#cloud-config\n" + json.dumps(settings).encode()


def test_user_data_runs_and_the_host_key_is_the_one_it_gave(rented: Rented, tmp_path: Path) -> None:
    host_key = new_key(tmp_path / "host_key")
    instance = rented.launch(
        cloud_config(
            ssh_deletekeys=True,
            ssh_genkeytypes=[],
            ssh_keys={"ed25519_private": host_key.read_text(), "ed25519_public": public(host_key)},
            write_files=[
                {"path": "/etc/systemd/system/told.service", "content": UNIT, "permissions": "0644"}
            ],
            bootcmd=[["sh", "-c", "echo begun > /root/begun"]],
            runcmd=["systemctl daemon-reload", ["systemctl", "enable", "--now", "told.service"]],
        )
    )

    first_answer = until(lambda: keys_shown(rented.addresses[instance]), 60)
    rented.booted(instance)

    assert first_answer == [" ".join(public(host_key).split()[:2])]
    assert rented.errors(instance) == []
    assert rented.ssh(instance, "sudo -n cat /root/begun /root/told").stdout == "begun\ntold\n"


UNIT = """\
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=sh -c 'echo told > /root/told'
[Install]
WantedBy=multi-user.target
"""


def keys_shown(address: str) -> list[str]:
    words = ["ssh-keyscan", "-T", "2", address]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    lines = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    return sorted(line.partition(" ")[2] for line in lines)


def test_a_plain_script_runs_as_root(rented: Rented) -> None:
    instance = rented.booted(rented.launch(b"#!/bin/sh\nid -un > /var/tmp/who\n"))

    assert rented.ssh(instance, "cat /var/tmp/who").stdout == "root\n"


def test_the_key_of_the_launch_is_the_default_users_and_not_roots(rented: Rented) -> None:
    instance = rented.booted(rented.launch())

    assert rented.ssh(instance, "sudo -n id -un").stdout == "root\n"
    told = rented.ssh(instance, "true", user="root").stdout
    assert 'Please login as the user "ubuntu" rather than the user "root"' in told


def test_a_key_lets_in_as_long_as_was_said(rented: Rented, tmp_path: Path) -> None:
    instance = rented.booted(rented.launch())
    key = new_key(tmp_path / "other")
    assert "Permission denied (publickey)" in rented.ssh(instance, "true", key=key).stderr

    rented.machines.add_key(instance, "ubuntu", public(key), 0)
    assert "Permission denied (publickey)" in rented.ssh(instance, "true", key=key).stderr

    rented.machines.add_key(instance, "ubuntu", public(key), 60)
    assert rented.ssh(instance, "id -un", key=key).stdout == "ubuntu\n"


def test_two_machines_at_once_do_not_meet(rented: Rented) -> None:
    pair = [rented.launch(cloud_config(runcmd=[f"echo {n} > /var/tmp/n"])) for n in (1, 2)]
    for instance in pair:
        rented.booted(instance)

    assert len(set(rented.addresses.values())) == 2
    assert [rented.ssh(each, "cat /var/tmp/n").stdout for each in pair] == ["1\n", "2\n"]
    for each in pair:
        assert state(rented, each) == "running"
        serve(rented, each)

    rented.machines.terminate(pair[0])
    assert rented.machines.alive() == pair[1:]
    assert state(rented, pair[1]) == "running"
    rented.machines.exec(pair[1], ["systemctl", "restart", "ssh", "docker"])
    assert rented.ssh(pair[1], "true").returncode == 0


def state(rented: Rented, instance: str) -> str:
    """Of all units together, once the boot is over: ``running`` when none has failed."""
    words = ["sh", "-c", "systemctl is-system-running --wait || true"]
    return rented.machines.exec(instance, words).strip()


def serve(rented: Rented, instance: str) -> None:
    """With a container of the machine's own engine, at port 8080."""
    words = ["docker", "run", "-d", "--restart=always", "-p", "8080:8080", edge_image.NAME]
    words += ["caddy", "respond", "--listen", ":8080", "hello"]
    until(lambda: rented.machines.exec(instance, ["docker", "info"]))
    rented.machines.exec(instance, words)


def serves(rented: Rented, instance: str) -> bool:
    try:
        with urlopen(f"http://{rented.addresses[instance]}:8080", timeout=1) as answer:
            return bool(answer.read() == b"hello")
    except OSError:
        return False


def test_ports_are_closed_until_they_are_allowed(rented: Rented) -> None:
    instance = rented.booted(rented.launch(ports=()))
    serve(rented, instance)
    assert not reached(rented, instance, 22)
    assert not reached(rented, instance, 8080)

    rented.machines.allow(instance, [22, 8080])
    assert reached(rented, instance, 22)
    until(lambda: serves(rented, instance))

    rented.machines.allow(instance, [22])
    assert reached(rented, instance, 22)
    assert not reached(rented, instance, 8080)

    rented.machines.stop(instance)
    rented.machines.allow(instance, [8080])
    rented.machines.start(instance)
    until(lambda: serves(rented, instance))
    assert not reached(rented, instance, 22)


def reached(rented: Rented, instance: str, port: int) -> bool:
    try:
        socket.create_connection((rented.addresses[instance], port), timeout=1).close()
    except OSError:
        return False
    return True


def test_a_timer_of_its_user_data_outlives_a_reboot_and_switches_it_off(rented: Rented) -> None:
    write = [
        {"path": "/etc/systemd/system/off.service", "content": OFF_SERVICE},
        {"path": "/etc/systemd/system/off.timer", "content": OFF_TIMER},
    ]
    run = ["echo once >> /root/runs", "systemctl enable off.timer"]  # from the next boot on
    instance = rented.launch(cloud_config(write_files=write, runcmd=run))
    rented.booted(instance)
    boot = rented.machines.exec(instance, ["stat", "-c", "%Y", "/proc/1"])

    rented.ssh(instance, "sudo -n reboot")
    until(lambda: rented.says_yes(instance, f"test $(stat -c %Y /proc/1) -gt {boot}"), 60)
    assert rented.machines.alive() == [instance]
    assert rented.machines.exec(instance, ["cat", "/root/runs"]) == "once\n"

    assert rented.ended.empty()

    rented.machines.exec(instance, ["touch", "/root/enough"])
    assert rented.ended.get(timeout=60) == instance
    assert rented.machines.alive() == []
    rented.machines.terminate(instance)
    assert left_of(instance) == []


OFF_SERVICE = """\
[Unit]
ConditionPathExists=/root/enough
[Service]
Type=oneshot
ExecStart=systemctl poweroff
"""
OFF_TIMER = """\
[Timer]
OnCalendar=*:*:0/2
AccuracySec=1s
[Install]
WantedBy=timers.target
"""


def test_stopped_and_started_it_has_its_disk_and_its_address(rented: Rented) -> None:
    instance = rented.booted(rented.launch(cloud_config(runcmd=["echo once >> /root/runs"])))
    rented.machines.allow(instance, [22, 8080])
    serve(rented, instance)
    until(lambda: serves(rented, instance))

    rented.machines.stop(instance)
    assert rented.machines.alive() == []
    assert not reached(rented, instance, 22)

    rented.machines.start(instance)
    assert rented.machines.alive() == [instance]
    until(lambda: rented.ssh(instance, "sudo -n cat /root/runs").stdout == "once\n")
    until(lambda: serves(rented, instance))
    assert rented.ended.empty()


def test_off_by_its_own_hand_it_can_be_started_again(rented: Rented) -> None:
    instance = rented.booted(rented.launch())
    rented.ssh(instance, "sudo -n shutdown -h now")
    assert rented.ended.get(timeout=60) == instance

    rented.machines.start(instance)
    until(lambda: rented.ssh(instance, "true").returncode == 0)


def test_terminated_nothing_of_it_is_left(rented: Rented) -> None:
    instance = rented.booted(rented.launch())
    serve(rented, instance)
    assert left_of(instance) != []

    rented.machines.terminate(instance)
    rented.machines.terminate(instance)

    assert left_of(instance) == []
    assert rented.machines.alive() == []
    assert rented.ended.empty()


def test_terminated_while_it_boots_nothing_of_it_is_left(rented: Rented) -> None:
    instance = rented.launch()
    rented.machines.terminate(instance)

    assert left_of(instance) == []


@pytest.mark.network
def test_a_bare_machine_installs_its_engine(rented_bare: Rented) -> None:
    packages = cloud_config(package_update=True, packages=["docker.io"])
    instance = rented_bare.launch(packages)
    until(lambda: rented_bare.says_yes(instance, "docker info"), 120)
    rented_bare.booted(instance)
    assert rented_bare.errors(instance) == []

    rented_bare.machines.load_images(instance)
    words = ["docker", "run", "--rm", base_image.NAME, "python", "-c", "print(6 * 7)"]
    assert rented_bare.machines.exec(instance, words) == "42\n"


@pytest.mark.network
def test_its_containers_have_a_network_and_names(rented: Rented) -> None:
    instance = rented.booted(rented.launch())
    name = urlsplit(base_image.mirror()[0]).hostname
    asks = f"import socket; print(socket.getaddrinfo({name!r}, 80)[0][4][1])"
    words = ["docker", "run", "--rm", base_image.NAME, "python", "-c", asks]

    assert rented.machines.exec(instance, words).strip() == "80"


HOLDER = """
import sys, time
from tests.cloud.machines import Machines
machines = Machines(print)
print(machines.launch(sys.argv[1], user_data=b"", public_keys=[]), flush=True)
time.sleep(120)
"""


def test_what_a_killed_process_left_is_cleared_at_the_next_start() -> None:
    instance = f"i-{secrets.token_hex(8)}"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, instance],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as holder:
        assert holder.stdout
        holder.stdout.readline()
        Machines(print).close()
        assert left_of(instance) != []  # it is in use
        holder.send_signal(signal.SIGKILL)

    Machines(print).close()
    assert left_of(instance) == []


def left_of(instance: str) -> list[str]:
    """Of a machine, on the engine and on this machine."""
    found: list[str] = []
    for kind in (["ps", "-a"], ["network", "ls"], ["volume", "ls"]):
        words = ["docker", *kind, "--format", "{{json .}}", "--filter", "label=mldeploy-lab.host"]
        listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        found += [line for line in listed.splitlines() if instance in line]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    found += [line for line in mounts if instance in line]
    for folder in (
        host_leftovers.FOLDERS,
        Disk(instance).file.parent,
        Disk(instance).folder.parent,
    ):
        found += [str(place) for place in folder.glob(f"*{instance}*")]
    return found + [str(group) for group in Path("/sys/fs/cgroup").glob(f"*/*{instance}*")]
