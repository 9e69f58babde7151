"""The practice cloud holds the contract, on this computer's Docker; and its machines end."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mldeploy.engines import docker_names
from mldeploy.errors import FailedError, MldeployError
from mldeploy.providers import lifetime, provider_class, user_data
from mldeploy.providers.base import Order, Owner, Rented
from mldeploy.providers.fake import Fake, FakeTarget, labels
from mldeploy.providers.fake.settings import Fault
from mldeploy.providers.shelf import Shelf
from tests.conftest import Workplace, free_port, until
from tests.providers.contract import Contract, Harness, ignore, silent, soon

if TYPE_CHECKING:
    import docker

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(180)]


class DockerHarness(Harness):
    types = ("fake.small", "fake.large")
    prices = {"fake.small": "0.0272", "fake.large": "0.0872"}  # noqa: RUF012

    def __init__(self, client: docker.DockerClient) -> None:
        super().__init__()
        self.client = client
        self.disks: dict[Owner, set[str]] = {}  # those that were seen; they have no labels

    def provider(self, fault: Fault | None = None) -> Fake:
        return Fake(FakeTarget(fault=fault))

    def without_capacity(self, *machine_types: str) -> Fake:
        return _Sold(machine_types)

    def losing_the_reply(self) -> Fake:
        return self.provider("lost-reply")

    def machines(self, owner: Owner) -> list[str]:
        filters: Any = labels.ours(owner)
        found = self.client.api.containers(all=True, filters=filters)
        mounts = [mount for each in found for mount in each["Mounts"]]
        self.disks.setdefault(owner, set()).update(
            mount["Name"] for mount in mounts if mount["Type"] == "volume"
        )
        return sorted(each["Names"][0].lstrip("/") for each in found)

    def things(self, owner: Owner) -> list[str]:
        machines = self.machines(owner)
        there = {volume.name for volume in self.client.volumes.list()}
        return machines + sorted(self.disks[owner] & there)

    def end(self, rented: Rented) -> None:
        self.run(rented, "poweroff")

    def clear(self) -> None:
        super().clear()
        for owner in self.owners:
            for record in self.client.volumes.list(filters=labels.ours(owner)):
                record.remove()

    def run(self, rented: Rented, script: str) -> str:
        done: Any = self.client.containers.get(rented.id).exec_run(["sh", "-c", script])
        return str(done.output.decode()).strip()


class _Sold(Fake):
    """One that has none of these types."""

    def __init__(self, machine_types: tuple[str, ...]) -> None:
        super().__init__(FakeTarget())
        self.sold_out = (*self.sold_out, *machine_types)


@pytest.fixture
def harness(docker_client: docker.DockerClient) -> DockerHarness:
    return DockerHarness(docker_client)


@pytest.fixture
def cloud(harness: DockerHarness) -> Iterator[DockerHarness]:
    yield harness
    harness.clear()


class TestFake(Contract):
    @pytest.fixture
    def harness(self, docker_client: docker.DockerClient) -> Harness:
        return DockerHarness(docker_client)


@pytest.fixture
def laptop(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


def order_from(laptop: Shelf, cloud: DockerHarness, **changes: Any) -> Order:
    """With keys of its own: one that may be logged in with."""
    login, host, private = laptop.make_keys("test")
    keys = {"public_key": login, "host_key": host, "private_host_key": private}
    return cloud.order(**{**keys, **changes})


def ssh(laptop: Shelf, rented: Rented, *command: str) -> subprocess.CompletedProcess[str]:
    laptop.know_host(f"[{rented.address}]:{rented.port}", rented.host_key)
    options = ["IdentitiesOnly=yes", f"UserKnownHostsFile={laptop.known_hosts}", "BatchMode=yes"]
    options += ["StrictHostKeyChecking=yes", "ConnectTimeout=5"]
    words = ["ssh", "-F", "none", "-i", str(laptop.login_key), "-p", str(rented.port)]
    words += [word for option in options for word in ("-o", option)]
    return subprocess.run(
        [*words, f"{rented.user}@{rented.address}", *command],
        capture_output=True,
        text=True,
        timeout=60,
    )


def greets(rented: Rented) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", rented.port), timeout=1) as asking:
            asking.settimeout(1)
            return asking.recv(4) == b"SSH-"
    except OSError:
        return False


# What a machine is


def test_it_is_logged_in_to_and_its_engine_runs_what_it_was_given(
    cloud: DockerHarness, laptop: Shelf
) -> None:
    image = "python:3.11-slim-bookworm"
    rented = cloud.rent(order_from(laptop, cloud, images=(image, "nobody/has-this:1")))
    until(lambda: ssh(laptop, rented, "cat", user_data.BOOTED).stdout.strip() == "ok", 60)
    done = ssh(laptop, rented, "docker", "run", "--rm", image, "echo", "it runs")
    assert done.stdout.strip() == "it runs", done.stderr
    assert ssh(laptop, rented, "sudo", "-n", "id", "-u").stdout.strip() == "0"
    assert ssh(laptop, rented, "systemctl", "is-active", f"{lifetime.UNIT}.timer").returncode == 0


@pytest.mark.timeout(400)
def test_the_whole_story_works(
    workplace: Workplace, docker_client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = workplace.root / "mldeploy.toml"
    text = settings.read_text()
    port, project = free_port(), f"test-{secrets.token_hex(4)}"
    text = text.replace('name = "function-docs"', f'name = "{project}"')
    settings.write_text(text + f'[targets.cloud]\nkind = "fake"\nport = {port}\n')
    monkeypatch.setenv("XDG_STATE_HOME", str(workplace.root.parent / "state"))
    harness = DockerHarness(docker_client)
    harness.owners.append(Owner(project, "cloud"))
    try:
        up = workplace.mldeploy("up", "cloud", "--yes", "--json", timeout=300)
        assert up.code == 0, up.stderr + up.stdout
        assert up.json["url"] == f"https://127.0.0.1:{port}"
        assert workplace.mldeploy("predict", "cloud").code == 0
        extended = workplace.mldeploy("extend", "cloud", "2h", "--json").json
        status = workplace.mldeploy("status", "cloud", "--json").json
        assert (status["state"], status["expires_at"]) == ("serving", extended["expires_at"])
        assert up.json["release"] in workplace.mldeploy("history", "cloud").stdout
        down = workplace.mldeploy("down", "cloud", "--yes")
        assert down.code == 0, down.stderr + down.stdout
        assert "left     nothing there" in down.stdout
        assert harness.things(harness.owners[0]) == []
    finally:
        harness.clear()


def test_nobody_logs_in_as_root(cloud: DockerHarness, laptop: Shelf) -> None:
    rented = cloud.rent(order_from(laptop, cloud))
    until(lambda: greets(rented))
    as_root = Rented(**{**vars(rented), "user": "root"})
    assert ssh(laptop, as_root, "true").returncode != 0


def test_another_laptop_is_let_in_with_its_own_key(cloud: DockerHarness, tmp_path: Path) -> None:
    first, second = Shelf(tmp_path / "first"), Shelf(tmp_path / "second")
    rented = cloud.rent(order_from(first, cloud))
    until(lambda: greets(rented))
    key, _, _ = second.make_keys("another")
    assert ssh(second, rented, "true").returncode != 0
    for _ in range(2):
        cloud.provider().admit(rented, key, ignore)
    assert ssh(second, rented, "true").returncode == 0
    assert ssh(first, rented, "grep", "-c", ".", ".ssh/authorized_keys").stdout.strip() == "2"


def test_the_limits_of_its_type_hold(cloud: DockerHarness) -> None:
    rented = cloud.rent(cloud.order())
    settings = cloud.client.api.inspect_container(rented.id)["HostConfig"]
    assert settings["Memory"] == 2_000_000_000
    assert settings["NanoCpus"] <= 2_000_000_000


def test_no_secret_is_in_what_docker_shows_of_it(cloud: DockerHarness) -> None:
    order = cloud.order()
    rented = cloud.rent(order)
    shown = json.dumps(cloud.client.api.inspect_container(rented.id))
    shown += json.dumps(cloud.client.api.inspect_volume(rented.id))
    assert order.private_host_key.splitlines()[2] not in shown
    assert "PRIVATE" not in shown


def test_it_is_no_release_of_a_docker_target(cloud: DockerHarness) -> None:
    rented = cloud.rent(cloud.order())
    found = cloud.client.containers.get(rented.id).labels
    engines = [value for name, value in vars(docker_names).items() if name.isupper()]
    assert not set(found) & set(map(str, engines))


def test_its_disk_goes_with_it(cloud: DockerHarness) -> None:
    rented = cloud.rent(cloud.order())
    (disk,) = [
        mount["Name"]
        for mount in cloud.client.api.inspect_container(rented.id)["Mounts"]
        if mount["Type"] == "volume"
    ]
    cloud.provider().destroy(rented.owner, ignore, silent)
    assert disk not in [volume.name for volume in cloud.client.volumes.list()]


# Its ports


def test_users_reach_the_open_ports_and_no_others(cloud: DockerHarness) -> None:
    port, other = free_port(), free_port()
    rented = cloud.rent(cloud.order(ports=(port, other)))
    for each in (port, other):
        serve = f"perl -MSocket -e '{SERVE}' {each}"
        cloud.client.containers.get(rented.id).exec_run(["sh", "-c", serve], detach=True)
        until(lambda each=each: says_hello(each))  # type: ignore[misc]
    cloud.provider().open_ports(rented, (port,), ignore)
    assert says_hello(port)
    assert not says_hello(other)
    cloud.provider().open_ports(rented, (port, other), ignore)
    assert says_hello(other)


SERVE = """\
socket(S,PF_INET,SOCK_STREAM,6); setsockopt(S,SOL_SOCKET,SO_REUSEADDR,1);
bind(S,sockaddr_in($ARGV[0],INADDR_ANY)); listen(S,5);
while(accept(C,S)){syswrite C,"hello";close C}"""


def says_hello(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as asking:
            asking.settimeout(1)
            return asking.recv(5) == b"hello"
    except OSError:
        return False


def test_a_port_that_was_not_ordered_cannot_be_opened(cloud: DockerHarness) -> None:
    rented = cloud.rent(cloud.order())
    with pytest.raises(FailedError) as refused:
        cloud.provider().open_ports(rented, (8443,), ignore)
    assert refused.value.code == "ports-fixed"


def test_a_machine_whose_port_is_taken_is_not_left_behind(cloud: DockerHarness) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        order = cloud.order(ports=(holder.getsockname()[1],))
        with pytest.raises(MldeployError) as refused:
            cloud.rent(order)
    assert refused.value.code == "port-taken"
    assert cloud.machines(order.owner) == []
    assert cloud.rent(order).state == "running"


# Its lifetime


def test_it_ends_itself_when_its_lifetime_is_over(cloud: DockerHarness) -> None:
    order = cloud.order(expires_at=soon(4))
    cloud.rent(order)
    until(lambda: cloud.machines(order.owner) == [], 30)
    assert datetime.now(UTC) >= (order.expires_at or datetime.now(UTC))
    ended = cloud.rent(order)
    assert (ended.state, ended.why) == ("ended", "its lifetime was over")


def test_it_ends_itself_after_a_reboot_too(cloud: DockerHarness) -> None:
    order = cloud.order(expires_at=soon(10))
    rented = cloud.rent(order)
    cloud.client.containers.get(rented.id).restart(timeout=5)
    assert cloud.machines(order.owner) == [rented.id]
    until(lambda: cloud.machines(order.owner) == [], 30)


def test_a_reboot_keeps_an_end_that_was_moved_and_the_ports(cloud: DockerHarness) -> None:
    rented = cloud.rent(cloud.order(expires_at=soon(8), ports=(free_port(),)))
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    cloud.provider().extend(rented, later, ignore)
    cloud.provider().open_ports(rented, (), ignore)
    cloud.client.containers.get(rented.id).restart(timeout=5)
    until(lambda: greets(rented))
    found = cloud.provider().get(rented.owner)
    assert found
    assert found.expires_at == later
    assert cloud.run(rented, "cat /etc/mldeploy/ports") == "none"


def test_the_script_that_extends_real_machines_extends_it(
    cloud: DockerHarness, laptop: Shelf
) -> None:
    rented = cloud.rent(order_from(laptop, cloud))
    until(lambda: greets(rented))
    later = soon(7200)
    script = f"sh -c '{lifetime.EXTEND}' sh {lifetime.in_file(later)}".replace("'%s\\n'", '"%s\\n"')
    done = ssh(laptop, rented, script)
    assert done.stdout.split() == [lifetime.in_file(later), "active"], done.stderr
    found = cloud.provider().get(rented.owner)
    assert found
    assert found.expires_at == later


def test_a_machine_that_is_told_no_end_ends(cloud: DockerHarness) -> None:
    rented = cloud.rent(cloud.order())
    cloud.run(rented, f"rm {lifetime.EXPIRES}")
    until(lambda: cloud.machines(rented.owner) == [], 30)


# Faults to practise on


@pytest.mark.parametrize(
    ("fault", "code"),
    [("denied", "not-allowed"), ("quota", "over-quota"), ("no-capacity", "no-capacity")],
)
def test_a_fault_that_refuses_rents_nothing(fault: Fault, code: str, cloud: DockerHarness) -> None:
    order = cloud.order()
    with pytest.raises(MldeployError) as refused:
        cloud.provider(fault).create(order, ignore, silent)
    assert refused.value.code == code
    assert refused.value.why
    assert refused.value.do
    assert cloud.machines(order.owner) == []


def test_with_no_capacity_of_the_first_type_the_next_is_rented(cloud: DockerHarness) -> None:
    order = cloud.order(machine_types=("fake.small", "fake.large"))
    made = cloud.provider("no-capacity").create(order, ignore, silent)
    assert made.machine_type == "fake.large"


def test_of_the_arm_machines_there_is_never_one(cloud: DockerHarness) -> None:
    price = cloud.order().prices["fake.small"]
    types = ("fake.arm", "fake.small")
    made = cloud.rent(cloud.order(machine_types=types, prices=dict.fromkeys(types, price)))
    assert made.machine_type == "fake.small"


def test_a_lost_reply_is_lost_once(cloud: DockerHarness) -> None:
    order, provider = cloud.order(), cloud.provider("lost-reply")
    with pytest.raises(FailedError) as lost:
        provider.create(order, ignore, silent)
    assert lost.value.code == "reply-lost"
    assert provider.create(order, ignore, silent).id == cloud.machines(order.owner)[0]


def test_an_unreachable_machine_runs_and_is_taken_down(cloud: DockerHarness) -> None:
    order = cloud.order()
    rented = cloud.provider("unreachable").create(order, ignore, silent)
    until(lambda: cloud.run(rented, "ss -Hltn sport = :22"))
    assert not greets(rented)
    found = cloud.provider().get(order.owner)
    assert found
    assert found.state == "running"
    assert cloud.provider().destroy(order.owner, ignore, silent).left == ()


@pytest.mark.timeout(120)
def test_a_slow_machine_is_reached_after_forty_seconds(cloud: DockerHarness) -> None:
    rented = cloud.provider("slow-boot").create(cloud.order(), ignore, silent)
    until(lambda: cloud.run(rented, f"cat {user_data.BOOTED} 2> /dev/null") == "ok")
    assert not greets(rented)
    until(lambda: greets(rented), 60)
    assert datetime.now(UTC) - rented.began > timedelta(seconds=38)


def test_the_practice_cloud_is_found_by_its_kind() -> None:
    assert provider_class("fake") is Fake
    assert Fake(FakeTarget()).kind == FakeTarget().kind


def test_old_records_are_forgotten_and_the_newest_stays(cloud: DockerHarness) -> None:
    owner = cloud.owner()
    for generation in range(1, 8):
        name = labels.name_of(secrets.token_hex(5))
        marks = labels.of(
            cloud.order(owner, generation=generation),
            "fake.small",
            ssh_port=1,
            began=datetime.now(UTC),
        )
        cloud.client.volumes.create(name, labels=marks)
    cloud.rent(cloud.order(owner, generation=8))
    cloud.provider().destroy(owner, ignore, silent)
    kept = cloud.client.volumes.list(filters=labels.ours(owner))
    assert len(kept) == 6
    assert cloud.provider().last_generation(owner) == 8
