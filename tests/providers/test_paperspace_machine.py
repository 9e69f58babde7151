"""A machine that boots: in with keys that were made before, and gone without help from outside."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mldeploy.prices import as_tag
from mldeploy.providers import lifetime, user_data
from mldeploy.providers.base import Order, Owner, Rented
from mldeploy.providers.boot import Boot
from mldeploy.providers.paperspace import Paperspace as PaperspaceProvider
from mldeploy.providers.paperspace import names, startup
from mldeploy.providers.paperspace.settings import PaperspaceTarget
from mldeploy.providers.shelf import Shelf
from tests.conftest import until
from tests.paperspace.standin import Paperspace, standin
from tests.providers.contract import ignore, silent

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="a machine's disk is mounted: needs root"),
]
OWNER = Owner("a-booted", "cloud")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Paperspace]:
    with standin(machines=True) as found:
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        yield found


def order(shelf: Shelf) -> Order:
    login, host, private = shelf.make_keys("a test")
    now = datetime.now(UTC).replace(microsecond=0)
    provider = PaperspaceProvider(PaperspaceTarget())
    return Order(
        owner=OWNER,
        rental="0123456789",
        generation=1,
        machine_types=("C5",),
        prices={"C5": as_tag(provider.price("C5"))},
        disk_gb=50,
        ports=(),
        made_by="me@laptop",
        made_at=now,
        expires_at=now + timedelta(hours=1),
        public_key=login,
        host_key=host,
        private_host_key=private,
    )


def ssh(shelf: Shelf, machine: Rented, *words: str, script: str = "") -> str:
    """With no trust in anything but the key that was made before."""
    shelf.know_host("the-machine", machine.host_key)
    options = [
        *("-i", str(shelf.login_key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"),
        *("-o", "StrictHostKeyChecking=yes", "-o", "HostKeyAlias=the-machine"),
        *("-o", f"UserKnownHostsFile={shelf.known_hosts}", "-o", "ConnectTimeout=5"),
    ]
    done = subprocess.run(
        ["ssh", *options, f"{machine.user}@{machine.address}", *words],
        capture_output=True,
        input=script,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_from_an_order_to_a_login_and_its_own_end(cloud: Paperspace, tmp_path: Path) -> None:
    shelf, provider = Shelf(tmp_path), PaperspaceProvider(PaperspaceTarget())
    wanted = order(shelf)
    provider.create(wanted, ignore, silent)
    machine = Boot(provider, OWNER).start().wait()

    assert ssh(shelf, machine, "id", "-un") == startup.USER
    assert ssh(shelf, machine, "sudo", "-n", "id", "-un") == "root"
    timer = f"{lifetime.UNIT}.timer"
    assert ssh(shelf, machine, "systemctl", "is-active", timer) == "active"
    assert ssh(shelf, machine, "cat", lifetime.EXPIRES) == lifetime.in_file(wanted.expires_at)
    denied = f"cat {startup.TOLD_FILE} 2>&1 || true"
    assert "Permission denied" in ssh(shelf, machine, denied)
    wait = f"for _ in $(seq 90); do [ -e {user_data.BOOTED} ] && break; sleep 1; done; cat "
    assert ssh(shelf, machine, wait + user_data.BOOTED) == "ok"

    soon = str(int(datetime.now(UTC).timestamp()) + 1)
    told = ssh(shelf, machine, "sh", "-s", soon, script=lifetime.EXTEND)
    assert told.split()[-1] == "active"
    until(lambda: not cloud.ours, 120)  # nobody asks the API for it

    assert cloud.bill().running == ()
    assert provider.get(OWNER) is None
    ended = provider.destroy(OWNER, ignore, silent)
    assert ended.left == ()
    (note,) = cloud.scripts
    found = names.read_note(note.name, lambda *_: "")
    assert found is not None
    assert found.state == "ended"
    assert "PRIVATE KEY" not in note.text
