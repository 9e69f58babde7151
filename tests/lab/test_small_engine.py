"""The second engine: its disk can be filled for real, it can be killed, and nothing of it stays."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CHECKOUT, free_port, until
from tests.lab import base_image, edge_image
from tests.lab.plain_network import NETWORK, PlainNetwork, bridges_in
from tests.lab.small_engine import RUNS, SLOTS, SmallEngine, clear_left, mounts_below


def test_the_innermost_mounts_come_first() -> None:
    mounts = """\
/dev/vda / ext4 rw 0 0
/dev/loop0 /run/lab/0/data ext4 rw 0 0
overlay /run/lab/0/data/overlay2/a/merged overlay rw 0 0
nsfs /run/lab/0/run/netns/a\\040b nsfs rw 0 0
/dev/loop1 /run/lab/01 ext4 rw 0 0
"""
    assert mounts_below(Path("/run/lab/0"), mounts) == [
        "/run/lab/0/data/overlay2/a/merged",
        "/run/lab/0/run/netns/a b",
        "/run/lab/0/data",
    ]


def test_networks_of_different_slots_have_nothing_in_common() -> None:
    networks = [PlainNetwork(slot).addresses for slot in range(SLOTS)]

    assert all(network.subnet_of(NETWORK) for network in networks)
    assert not any(a.overlaps(b) for a in networks for b in networks if a is not b)


def test_the_bridges_of_users_networks_are_read_from_dockerds_store(tmp_path: Path) -> None:
    store = tmp_path / "network" / "files" / "local-kv.db"
    store.parent.mkdir(parents=True)
    store.write_bytes(b'\0{"BridgeName":"br-1cddbf615ba4","x":1}\0"br-short" br-1cddbf615ba4,')

    assert bridges_in(tmp_path) == ["br-1cddbf615ba4"]
    assert bridges_in(tmp_path / "none") == []


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_its_containers_reach_each_other_and_are_reached(second_engine: SmallEngine) -> None:
    port = free_port()
    with closing(second_engine.client()) as client:
        network = client.networks.create("private", internal=True)
        serving = _serve(client, port)
        network.connect(serving)
        until(lambda: _answers(port))

        asked = ["timeout", "5", "wget", "-qO-", "http://serving:8080"]
        client.containers.run(edge_image.NAME, asked, network="private", remove=True)

        serving.remove(force=True)
        network.remove()


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(180)
def test_its_containers_reach_the_package_index(second_engine: SmallEngine) -> None:
    with closing(second_engine.client()) as client:
        asked = ["pip", "download", "--quiet", "--no-deps", "--dest", "/srv", "click"]
        client.containers.run(base_image.NAME, asked, remove=True)


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_its_disk_can_be_filled_and_emptied(second_engine: SmallEngine) -> None:
    from docker.errors import APIError, ContainerError

    writes = ["dd", "if=/dev/zero", "of=/big", "bs=1M", "count=20"]
    with closing(second_engine.client()) as client:
        second_engine.fill()
        assert second_engine.free() == 0
        with pytest.raises(APIError, match="no space left on device"):
            client.containers.create(edge_image.NAME, writes)

        second_engine.empty()
        second_engine.fill(leave=10 * 1024**2)
        with pytest.raises(ContainerError, match="No space left on device"):
            client.containers.run(edge_image.NAME, writes, remove=True)

        second_engine.empty()
        client.containers.run(edge_image.NAME, writes, remove=True)


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_it_can_be_killed_and_brought_back_with_its_containers(second_engine: SmallEngine) -> None:
    port, first_engines = free_port(), Path("/sys/class/net/docker0").exists()
    with closing(second_engine.client()) as client:
        client.networks.create("of-before-the-crash")
        _serve(client, port, restart_policy={"Name": "always"})
        until(lambda: _answers(port))

    second_engine.daemon.kill()
    assert not second_engine.daemon.answers()
    assert not _answers(port)

    second_engine.daemon.start()
    until(lambda: _answers(port))
    with closing(second_engine.client()) as client:
        serving = client.containers.get("serving")
        assert serving.status == "running"
        serving.remove(force=True)
    assert Path("/sys/class/net/docker0").exists() == first_engines  # it is not ours to delete


HOLDER = """
import sys, time
from mldeploy.ui import Ui
from tests.lab.small_engine import small_engine
with small_engine(Ui(), with_images=False) as engine:
    engine.client().networks.create("left")
    print(engine.slot, flush=True)
    time.sleep(120)
"""


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.skipif(os.geteuid() != 0, reason="a second engine mounts a disk: needs root")
def test_what_a_killed_test_run_left_is_cleared() -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with holder:
        assert holder.stdout
        engine = SmallEngine(int(holder.stdout.readline()))
        assert engine.slot not in clear_left()  # it is in use
        holder.send_signal(signal.SIGKILL)
    daemon = engine.daemon.process()
    assert daemon is not None

    assert engine.slot in clear_left()

    assert not daemon.is_running()
    assert not engine.folder.exists()
    assert not engine.disk.exists()
    assert mounts_below(RUNS / str(engine.slot), Path("/proc/self/mounts").read_text()) == []
    assert not Path("/sys/class/net", engine.network.bridge).exists()
    rules = subprocess.run(["iptables", "-w", "-S"], capture_output=True, text=True, timeout=30)
    assert str(engine.network.addresses) not in rules.stdout


def _serve(client: Any, port: int, **options: Any) -> Any:
    return client.containers.run(
        edge_image.NAME,
        ["caddy", "respond", "--listen", ":8080", "hello"],
        name="serving",
        ports={"8080/tcp": ("127.0.0.1", port)},
        detach=True,
        **options,
    )


def _answers(port: int) -> bool:
    """Caddy itself, not only docker-proxy, which accepts before anybody listens behind it."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as asking:
            asking.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return b"hello" in asking.recv(4096, socket.MSG_WAITALL)
    except OSError:
        return False
