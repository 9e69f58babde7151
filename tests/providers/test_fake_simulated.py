"""The practice cloud without Docker: simulated machines hold the contract too, and really end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from mldeploy.errors import MldeployError
from mldeploy.providers import lifetime
from mldeploy.providers.base import Owner, Rented
from mldeploy.providers.fake import Fake, FakeTarget, keeper, labels
from mldeploy.providers.fake.settings import Fault
from tests.conftest import Workplace, free_port, until
from tests.providers.contract import Contract, Harness, ignore, silent, soon

pytestmark = pytest.mark.slow  # each machine is a process that is started and waited for


class FolderHarness(Harness):
    types = ("fake.small", "fake.large")
    prices = {"fake.small": "0.0272", "fake.large": "0.0872"}  # noqa: RUF012

    has_a_door = False

    def __init__(self, state: Path) -> None:
        super().__init__()
        self.folder = state / "mldeploy" / "fake"

    def provider(self, fault: Fault | None = None) -> Fake:
        return without_docker(FakeTarget(fault=fault))

    def anywhere(self) -> Fake:
        provider = Fake.anywhere()
        vars(provider)["_docker"] = None
        return provider

    def without_capacity(self, *machine_types: str) -> Fake:
        provider = self.provider()
        provider.sold_out = (*provider.sold_out, *machine_types)
        return provider

    def losing_the_reply(self) -> Fake:
        return self.provider("lost-reply")

    def machines(self, owner: Owner) -> list[str]:
        return [folder.name for folder in self._folders(owner) if not (folder / "ended").exists()]

    def things(self, owner: Owner) -> list[str]:
        """Keepers too; one that has let go of its lock is a process for some milliseconds more."""
        kept = [folder for folder in self._folders(owner) if (folder / "ended").exists()]
        until(lambda: not any(keepers(folder) for folder in kept), 2)
        return self.machines(owner)

    def _folders(self, owner: Owner) -> list[Path]:
        return sorted(folder for folder in self.folder.glob("*/") if _owner(folder) == owner)

    def end(self, rented: Rented) -> None:
        (self.folder / rented.id / "expires").write_text("1")


def without_docker(target: FakeTarget) -> Fake:
    """It need not look: the Docker SDK leaves a socket open that it could not connect, and Python
    warns. A test below has it look, in a process of its own."""
    provider = Fake(target)
    vars(provider)["_docker"] = None
    return provider


def _owner(folder: Path) -> Owner | None:
    try:
        found = json.loads((folder / "machine.json").read_text())
    except OSError:
        return None
    return Owner(found[labels.PROJECT], found[labels.TARGET])


def keepers(folder: Path) -> list[psutil.Process]:
    """The processes that keep a machine, seen from outside."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if keeper.__name__ in words and words[-1] == str(folder):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def no_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer without Docker; the folder of its user's state."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-docker.sock")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


class TestSimulated(Contract):
    @pytest.fixture
    def harness(self, no_docker: Path) -> Harness:
        return FolderHarness(no_docker)


@pytest.fixture
def cloud(no_docker: Path) -> FolderHarness:
    return FolderHarness(no_docker)


@pytest.fixture(autouse=True)
def nobody_stays(no_docker: Path) -> object:
    """Whatever a test did: with its folder, each keeper goes."""
    yield
    folders = list((no_docker / "mldeploy" / "fake").glob("*/"))
    shutil.rmtree(no_docker, ignore_errors=True)
    until(lambda: not any(keepers(folder) for folder in folders))


def test_it_ends_itself_when_its_lifetime_is_over(cloud: FolderHarness) -> None:
    order = cloud.order(expires_at=soon(1))
    made = cloud.rent(order)
    assert keepers(cloud.folder / made.id)
    until(lambda: cloud.machines(order.owner) == [], 20)
    ended = cloud.rent(order)
    assert (ended.state, ended.why) == ("ended", "its lifetime was over")


def test_its_keeper_outlives_who_rented_it(cloud: FolderHarness) -> None:
    order = cloud.order()
    program = "\n".join(
        [
            "import sys, msgspec",
            "from mldeploy.providers.base import Order",
            "from mldeploy.providers.fake import Fake, FakeTarget",
            "order = msgspec.json.decode(sys.stdin.read(), type=Order)",
            "Fake(FakeTarget()).create(order, lambda *_: None, lambda _: None)",
        ]
    )
    import msgspec

    told = msgspec.json.encode(order)
    done = subprocess.run([sys.executable, "-c", program], input=told, timeout=60)
    assert done.returncode == 0
    found = cloud.provider().get(order.owner)
    assert found
    assert found.state == "running"


def test_a_machine_whose_keeper_was_killed_has_ended(cloud: FolderHarness) -> None:
    made = cloud.rent(cloud.order())
    (process,) = keepers(cloud.folder / made.id)
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: cloud.provider().get(made.owner) is None)
    ended = cloud.provider()._find(made.rental)
    assert ended
    assert "restarted" in ended.why
    assert cloud.provider().list_ours().things == ()


def test_its_keeper_goes_when_its_folder_goes(cloud: FolderHarness) -> None:
    made = cloud.rent(cloud.order(expires_at=None))
    folder = cloud.folder / made.id
    (thing,) = cloud.provider().list_ours().things
    subprocess.run(thing.end_it, shell=True, check=True, timeout=20)  # noqa: S602
    until(lambda: not keepers(folder))


def test_an_ended_machine_is_not_extended(cloud: FolderHarness) -> None:
    made = cloud.rent(cloud.order())
    cloud.provider().destroy(made.owner, ignore, silent)
    with pytest.raises(MldeployError) as refused:
        cloud.provider().extend(made, datetime.now(UTC) + timedelta(hours=1), ignore)
    assert refused.value.code == "machine-ended"


@pytest.mark.parametrize(
    ("expires", "now", "over"),
    [("100", 99.0, False), ("100", 100.0, True), ("never", 1e12, False), ("", 0.0, True)],
)
def test_the_keeper_reads_the_end_as_real_machines_do(expires: str, now: float, over: bool) -> None:
    assert keeper.is_over(expires, now) is over
    assert lifetime.NEVER == "never"


@pytest.mark.timeout(300)
def test_the_whole_story_works_without_docker(workplace: Workplace, no_docker: Path) -> None:
    settings = workplace.root / "mldeploy.toml"
    port = free_port()
    settings.write_text(settings.read_text() + f'[targets.cloud]\nkind = "fake"\nport = {port}\n')

    up = workplace.mldeploy("up", "cloud", "--yes", "--json")
    assert up.code == 0, up.stderr + up.stdout
    assert str(port) in up.json["url"]
    assert up.json["price_per_hour"] == "0.0272"
    status = workplace.mldeploy("status", "cloud", "--json").json
    assert status["state"] == "serving"
    assert status["expires_at"]
    assert workplace.mldeploy("predict", "cloud").code == 0
    workplace.edit_service("another release")
    assert workplace.mldeploy("up", "cloud", "--json").code == 0
    assert workplace.mldeploy("rollback", "cloud", "--json").json["release"] == up.json["release"]

    down = workplace.mldeploy("down", "cloud", "--yes")
    assert down.code == 0, down.stderr + down.stdout
    assert "machine mldeploy-fake-" in down.stdout
    until(lambda: workplace.pids() == [])
    assert workplace.mldeploy("status", "cloud", "--json").json["state"] == "down"


@pytest.mark.timeout(300)
def test_what_serves_on_it_ends_with_its_lifetime(workplace: Workplace, no_docker: Path) -> None:
    settings = workplace.root / "mldeploy.toml"
    port = free_port()
    settings.write_text(settings.read_text() + f'[targets.cloud]\nkind = "fake"\nport = {port}\n')
    assert workplace.mldeploy("up", "cloud", "--yes").code == 0
    (machine,) = (no_docker / "mldeploy" / "fake").glob("mldeploy-fake-*/")
    (machine / "expires").write_text("1")
    until(lambda: workplace.pids() == [])
    status = workplace.mldeploy("status", "cloud", "--json").json
    assert status["state"] == "down"
    assert "no machine" in status["health"]
