"""What the lab says of its SSH hosts, held against real ones."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from mldeploy.errors import FailedError
from mldeploy.ui import Ui
from tests.conftest import CHECKOUT, until
from tests.lab import base_image, edge_image, host_leftovers, hosts
from tests.lab.host import Host
from tests.lab.host_disk import Disk
from tests.lab.host_rights import granted
from tests.lab.in_host.slow_network import Line
from tests.lab.laptop import Laptop

a_real_host = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.geteuid() != 0, reason="a host's disk is mounted: needs root"),
]


def test_a_line_delays_each_packet_and_lets_them_overlap() -> None:
    line = Line(delay=0.3)

    assert [line.leaves(now, 1500) for now in (0.0, 0.1)] == [0.3, 0.4]


def test_a_narrow_line_sends_one_packet_after_the_other() -> None:
    line = Line(rate=15_000)

    assert [line.leaves(0.0, 1500) for _ in range(3)] == pytest.approx([0.1, 0.2, 0.3])


def test_a_narrow_line_drops_what_its_buffer_does_not_hold() -> None:
    line = Line(rate=100_000)
    sent = [line.leaves(0.0, 1000) for _ in range(50)]

    assert None not in sent[:32]
    assert sent[-1] is None


def test_a_bad_line_loses_its_share() -> None:
    line = Line(loss=0.25, chance=random.Random(1))  # noqa: S311
    lost = sum(line.leaves(0.0, 100) is None for _ in range(1000))

    assert 200 < lost < 300


def test_a_host_gets_only_what_this_machine_may_give() -> None:
    assert granted(0b1001) == ["CHOWN", "FOWNER"]


def test_hosts_of_live_processes_are_spared() -> None:
    assert not host_leftovers.is_over(host_leftovers.this_process())
    assert host_leftovers.is_over(f"{os.getpid()} of-another-boot")
    assert not host_leftovers.is_over(host_leftovers.UP)
    assert host_leftovers.is_over(host_leftovers.UP, also_up=True)


@pytest.fixture
def whole(lab_host: Host) -> Iterator[Host]:
    """The host, with its network and its disk as they were also after a test that failed."""
    yield lab_host
    lab_host.restore()
    lab_host.empty_disk()


class TestARealHost:
    pytestmark = a_real_host

    def test_its_key_lets_in_and_another_does_not(
        self, lab_host: Host, laptop_home: Laptop
    ) -> None:
        assert laptop_home.ssh("id", "-un").stdout == "root\n"

        key = laptop_home.home / ".ssh" / "id_ed25519"
        key.unlink()
        subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", key], check=True)
        refused = laptop_home.ssh("true")

        assert refused.returncode == 255
        assert "Permission denied (publickey)" in refused.stderr

    def test_its_engine_has_the_base_images(self, laptop_home: Laptop) -> None:
        listed = laptop_home.ssh("docker", "images", "--format", "{{.Repository}}:{{.Tag}}")

        assert set(listed.stdout.split()) == {base_image.NAME, edge_image.NAME}

    def test_ubuntu_may_sudo_and_not_use_the_engine_without(
        self, lab_host: Host, laptop_home: Laptop
    ) -> None:
        as_ubuntu = ["-l", "ubuntu"]
        without = laptop_home.ssh(*as_ubuntu, "docker", "version")

        assert "permission denied" in without.stderr
        assert laptop_home.ssh(*as_ubuntu, "sudo", "-n", "docker", "version").returncode == 0

    def test_an_unknown_host_key_is_not_believed(self, lab_host: Host, tmp_path: Path) -> None:
        laptop = lab_host.write_laptop(tmp_path / "new", known=False)

        assert "Host key verification failed" in laptop.ssh("true").stderr

    @pytest.mark.network
    def test_its_containers_have_a_network_and_names(self, lab_host: Host) -> None:
        name = urlsplit(base_image.mirror()[0]).hostname
        asks = f"import socket; print(socket.getaddrinfo({name!r}, 80)[0][4][1])"
        words = ["docker", "run", "--rm", base_image.NAME, "python", "-c", asks]

        assert lab_host.exec(words).strip() == "80"

    def test_cut_hangs_and_restored_goes_on(self, whole: Host, laptop_home: Laptop) -> None:
        says = "echo begun; read line; echo $line"
        with subprocess.Popen(
            ["ssh", "box", says],
            env=laptop_home.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as session:
            assert session.stdout
            assert session.stdin
            assert session.stdout.readline() == "begun\n"

            whole.cut()
            session.stdin.write("held back\n")
            session.stdin.flush()
            refused = laptop_home.ssh("true", connect_seconds=2)
            assert "timed out" in refused.stderr
            assert session.poll() is None  # it hangs, as nobody told it

            whole.restore()
            assert laptop_home.ssh("true").returncode == 0
            assert session.stdout.readline() == "held back\n"  # TCP sent it again

    def test_dropped_connections_end_and_new_ones_are_welcome(
        self, lab_host: Host, laptop_home: Laptop
    ) -> None:
        with subprocess.Popen(
            ["ssh", "box", "echo begun; sleep 60"],
            env=laptop_home.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as session:
            assert session.stdout
            assert session.stdout.readline() == "begun\n"
            lab_host.drop_connections()
            assert session.wait(10) == 255

        assert laptop_home.ssh("true").returncode == 0

    def test_a_slow_line_takes_its_time(self, whole: Host, laptop_home: Laptop) -> None:
        assert min(_seconds(laptop_home, "true") for _ in range(3)) < 1

        whole.slow(delay_ms=100)
        assert _seconds(laptop_home, "true") > 1  # a log-in has more than five round trips

        whole.slow(rate_kbit=1000)
        assert _seconds(laptop_home, "head -c 250000 /dev/urandom | base64") > 2

        whole.slow(loss_percent=5)
        assert laptop_home.ssh("head -c 100000 /dev/zero").stdout == "\0" * 100_000

    def test_bytes_through_ssh_are_counted(self, lab_host: Host, laptop_home: Laptop) -> None:
        before = lab_host.bytes_through()
        laptop_home.ssh("head -c 1000000 /dev/urandom | base64 -w0")
        to_host, from_host = (b - a for a, b in zip(before, lab_host.bytes_through(), strict=True))

        assert 1_333_333 < from_host < 1_600_000
        assert 1_000 < to_host < 100_000

    def test_a_full_disk_is_full_and_can_be_emptied(self, whole: Host) -> None:
        writes = ["docker", "run", "--rm", edge_image.NAME]
        writes += ["dd", "if=/dev/zero", "of=/big", "bs=1M", "count=20"]

        whole.fill_disk(leave=10 * 1024**2)
        with pytest.raises(FailedError) as caught:
            whole.exec(writes)
        assert "No space left on device" in str(caught.value.detail)

        whole.empty_disk()
        whole.exec(writes)

    def test_its_containers_are_back_after_a_kill_a_stop_and_a_reboot(
        self, lab_host: Host, laptop_home: Laptop
    ) -> None:
        lab_host.exec(_serve("serving"))
        until(lambda: _serves(lab_host))

        lab_host.kill_engine(pause=2)
        assert not lab_host.engine_answers()
        assert _serves(lab_host)  # its containers run on without it
        lab_host.wait_until_up()
        until(lambda: _serves(lab_host))

        lab_host.stop_engine()
        assert not _serves(lab_host)
        lab_host.start_engine()
        until(lambda: _serves(lab_host))

        for orderly in (True, False):
            booted = lab_host.exec(["stat", "-c", "%Y", "/proc/1"])
            lab_host.cut()
            lab_host.reboot(orderly=orderly)  # the network is whole again, too
            assert lab_host.exec(["stat", "-c", "%Y", "/proc/1"]) != booted
            assert laptop_home.ssh("true").returncode == 0  # its address and its key are as before
            until(lambda: _serves(lab_host))
        lab_host.exec(["docker", "rm", "-f", "serving"])

    def test_a_new_host_key_is_refused(self, lab_host: Host, laptop_home: Laptop) -> None:
        lab_host.change_host_key()

        assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in laptop_home.ssh("true").stderr

    def test_a_look_inside_shows_processes_and_sockets(self, lab_host: Host) -> None:
        lab_host.exec(["sh", "-c", "sleep 321 >&- 2>&- &"])

        assert "sleep 321" in lab_host.processes()
        assert "0.0.0.0:22" in lab_host.listening()


def _seconds(laptop: Laptop, command: str) -> float:
    begun = time.monotonic()
    assert laptop.ssh(command).returncode == 0
    return time.monotonic() - begun


def _serve(name: str) -> list[str]:
    words = ["docker", "run", "-d", "--name", name, "--restart=always", "-p", "8080:8080"]
    return [*words, edge_image.NAME, "caddy", "respond", "--listen", ":8080", "hello"]


def _serves(host: Host) -> bool:
    """From here: a port that its engine publishes."""
    try:
        with urlopen(f"http://{host.address}:8080", timeout=2) as answer:
            return bool(answer.read() == b"hello")
    except OSError:
        return False


HOLDER = """
import sys, time
from mldeploy.ui import Ui
from tests.lab.hosts import lab_host
with lab_host(Ui(), engine=False, disk=64 * 1024**2) as host:
    print(host.name, flush=True)
    time.sleep(120)
"""


class TestABareHost:
    pytestmark = a_real_host

    @pytest.mark.network
    def test_docker_can_be_installed_on_it_and_nothing_of_it_is_left(self, tmp_path: Path) -> None:
        with hosts.lab_host(Ui(), engine=False, user="ubuntu") as host:
            laptop = host.write_laptop(tmp_path / "laptop")
            assert laptop.ssh("command -v dockerd || id -un").stdout == "ubuntu\n"

            install = "apt-get -q update && apt-get -qy install --no-install-recommends docker.io"
            assert laptop.ssh(f"sudo -n sh -c '{install}'", timeout=100).returncode == 0
            until(host.engine_answers)

        assert _left_of(host.name) == []

    def test_what_a_killed_test_run_left_is_cleared(self) -> None:
        with subprocess.Popen(
            [sys.executable, "-c", HOLDER],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as holder:
            assert holder.stdout
            name = holder.stdout.readline().strip()
            assert name not in host_leftovers.clear_left()  # it is in use
            holder.send_signal(signal.SIGKILL)

        assert name in host_leftovers.clear_left()
        assert _left_of(name) == []


def _left_of(name: str) -> list[str]:
    """Of a host, on the engine and on this machine."""
    found = []
    for kind in (["ps", "-a"], ["network", "ls"], ["volume", "ls"]):
        words = ["docker", *kind, "-q", "--filter", f"label=mldeploy-lab.host={name}"]
        found += subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    found += [line for line in Path("/proc/self/mounts").read_text().splitlines() if name in line]
    places = [host_leftovers.folder_of(name), Disk(name).file, Disk(name).folder]
    found += [str(place) for place in places if place.exists()]
    return found + [str(group) for group in Path("/sys/fs/cgroup").glob(f"*/*{name}*")]
