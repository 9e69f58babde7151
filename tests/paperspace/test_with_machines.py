"""From an order to a login and back: the stand-in with real machines behind it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import until
from tests.paperspace.asks import Asks, asks
from tests.paperspace.standin import Paperspace, standin

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="a machine's disk is mounted: needs root"),
]
SCRIPT = """\
#!/bin/sh
set -eu
install -d -m 700 -o paperspace -g paperspace /home/paperspace/.ssh
echo '{public_key}' > /home/paperspace/.ssh/authorized_keys
chown paperspace: /home/paperspace/.ssh/authorized_keys
echo ran >> /root/ran
"""
ENDS_ITSELF = """\
import sys, urllib.request
url, key = sys.argv[1:]
headers = {"Authorization": f"Bearer {key}"}
urllib.request.urlopen(urllib.request.Request(url, method="DELETE", headers=headers), timeout=10)
"""


@pytest.fixture(scope="module")
def real() -> Iterator[Paperspace]:
    with standin(machines=True) as paperspace:
        yield paperspace


@pytest.fixture
def ask(real: Paperspace) -> Iterator[Asks]:
    with asks(real) as client:
        yield client
        for each in real.ours:
            client("DELETE", f"/machines/{each.id}")
        until(lambda: not real.ours, 60)


def login(folder: Path, address: str, command: str) -> str:
    """What it says; empty while there is no way in."""
    words = ["ssh", "-i", str(folder / "key"), "-o", "StrictHostKeyChecking=no"]
    words += ["-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=2", "-o", "BatchMode=yes"]
    done = subprocess.run(
        [*words, f"paperspace@{address}", command], capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()


def rented(ask: Asks, folder: Path) -> tuple[str, str]:
    """The id of a machine that lets us in, and its address."""
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    text = SCRIPT.format(public_key=key.with_suffix(".pub").read_text().strip())
    sent = {"name": "mldeploy-a", "script": text, "isRunOnce": True}
    machine_id: str = ask.order(startupScriptId=ask("POST", "/startup-scripts", sent)["id"])[
        "data"
    ]["id"]
    until(lambda: ask("GET", f"/machines/{machine_id}")["publicIp"], 300)
    address = str(ask("GET", f"/machines/{machine_id}")["publicIp"])
    until(lambda: login(folder, address, "id -un") == "paperspace", 120)
    return machine_id, address


def test_the_startup_script_lets_us_in_and_the_user_is_root_when_asked(
    real: Paperspace, ask: Asks, tmp_path: Path
) -> None:
    machine_id, address = rented(ask, tmp_path)

    assert login(tmp_path, address, "sudo -n id -un") == "root"

    ask("PATCH", f"/machines/{machine_id}/stop", {})
    until(lambda: ask.state(machine_id) == "off", 120)
    assert ask("GET", f"/machines/{machine_id}")["publicIp"] is None
    ask("PATCH", f"/machines/{machine_id}/start", {})
    until(lambda: ask("GET", f"/machines/{machine_id}")["publicIp"], 120)
    until(lambda: login(tmp_path, address, "sudo cat /root/ran") == "ran", 120)


def test_a_machine_ends_itself_through_the_api_and_by_a_shutdown_is_only_off(
    real: Paperspace, ask: Asks, tmp_path: Path
) -> None:
    machine_id, address = rented(ask, tmp_path)

    real.bodies.machines.exec(machine_id, ["systemd-run", "shutdown", "-h", "now"])
    until(lambda: ask.state(machine_id) == "off", 120)
    assert real.bill().running == (f"storage {machine_id}",)

    ask("PATCH", f"/machines/{machine_id}/start", {})
    until(lambda: ask.state(machine_id) == "ready", 120)
    until(lambda: login(tmp_path, address, "id -un") == "paperspace", 120)
    # Its own engine has networks, too: the way to the API must not be one of theirs.
    real.bodies.machines.exec(machine_id, ["systemctl", "start", "docker"])
    url = f"{real.url}/machines/{machine_id}"
    said = ["systemd-run", "python3", "-c", ENDS_ITSELF, url, real.key]  # it ends under our hands
    real.bodies.machines.exec(machine_id, said)
    until(lambda: not real.ours, 60)  # nobody asks the API
    assert real.bill().running == ()
