"""Data on a machine behind a real sshd, over a line that breaks."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from mldeploy.ui import Ui
from tests.conftest import SETTINGS, Done
from tests.data.blocks import write_blocks
from tests.data.test_interrupted import Desk, hashes
from tests.lab.host import Host
from tests.lab.hosts import lab_host

pytestmark = [pytest.mark.slow, pytest.mark.docker, pytest.mark.timeout(300)]

MEGABYTES = 200
SMALL_FILES = 1_500
BOX = '[targets.box]\nkind = "ssh"\nhost = "box"\n'
KEPT = "/root/.local/share/mldeploy/data/a"


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    if os.geteuid() != 0:  # in CI a skip is a failure
        pytest.skip("no SSH host: its disk is mounted, which only root may")
    with lab_host(Ui(), engine=False) as made:
        yield made


@pytest.fixture
def desk(tmp_path: Path, host: Host) -> Desk:
    laptop = host.write_laptop(tmp_path / "laptop")
    root = tmp_path / "a"
    write_blocks(root / "images" / "large.bin", MEGABYTES)
    for number in range(SMALL_FILES):
        (root / "images" / f"{number:05}.txt").write_text(f"file {number}\n")
    (root / "mldeploy.toml").write_text(SETTINGS + BOX)
    return Desk(root, laptop.environment)


def test_a_push_that_is_cut_and_killed_goes_on_where_it_was(desk: Desk, host: Host) -> None:
    def there() -> int:
        """Bytes of the large file."""
        said = host.exec(["sh", "-c", f"cat {KEPT}/incoming/*.part 2>/dev/null | wc -c"])
        return int(said.split()[-1])

    to_box = ("push", "./images", "--to", "box")
    for least, end_by in ((30, signal.SIGKILL), (70, signal.SIGINT)):
        desk.push_until(there, least * 10**6, end_by, to_box)
        assert host.exec(["sh", "-c", f"ls {KEPT}/versions"]).strip() == ""

    process = desk.begin(*to_box, "--json")
    desk.wait_for(lambda: there() >= 110 * 10**6, process)
    host.drop_connections()
    out, err = process.communicate(timeout=200)

    assert process.returncode == 0, err + out
    assert "is lost" in err
    pushed = Done(process.returncode, out, err).json
    assert (pushed["version"], pushed["where"]) == (1, "box")
    assert pushed["sent_bytes"] < 140 * 10**6

    _, before = host.bytes_through()
    again = desk.type(*to_box, "--json")
    to_host, from_host = host.bytes_through()
    assert again.json["sent_bytes"] == 0
    assert from_host - before < 10**6, to_host

    pulled = desk.type("pull", "images/1", "back", "--from", "box")
    assert pulled.code == 0, pulled.stderr
    assert hashes(desk.root / "back") == hashes(desk.root / "images")
