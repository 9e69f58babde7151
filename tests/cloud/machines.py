"""Real machines for a stand-in cloud: systemd, cloud-init, sshd and dockerd in a container each.

A machine is one of the lab's SSH hosts (`tests.lab.host`) that boots as a rented one does: it runs
the user-data that it was launched with, and may switch itself off. Its life is the cloud's.
"""

from __future__ import annotations

import atexit
import os
import secrets
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import docker
from docker.errors import APIError

from mldeploy.errors import FailedError
from mldeploy.ui import Ui
from tests.cloud import machines_container, machines_image
from tests.lab import host_container, host_image, hosts
from tests.lab.host import Host
from tests.lab.host_disk import Disk
from tests.lab.host_leftovers import clear, clear_left, folder_of, make_folder, this_process
from tests.lab.places import locked

STOP_SECONDS = 60
FIREWALL_PORTS, KEYS = "lab/firewall.ports", "lab/keys"  # see in_machine
# What the kernel lets the first process of a PID namespace end with: 128 and SIGHUP.
ENDED_TO_REBOOT = 129


@dataclass
class _Machine:
    """``told``: its container is being ended from outside, so it is not to come back by itself."""

    instance_id: str
    host: Host
    told: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)  # of told, and of coming back
    runs: bool = True
    watcher: threading.Thread | None = None

    def tell(self) -> None:
        with self.lock:
            self.told = True


class Machines:
    """All machines of one cloud. Its methods may be called from several threads."""

    def __init__(
        self,
        on_end: Callable[[str], None],
        *,
        ui: Ui | None = None,
        engine: bool = True,
        user: str = "ubuntu",
    ) -> None:
        """Makes the image if there is none yet, which takes minutes.

        ``on_end`` gets the instance id of a machine that switched itself off, in a thread of its
        own; its disk stays until `terminate`. Without ``engine`` there is no Docker on it.
        """
        clear_left()
        self._on_end, self._engine, self._user = on_end, engine, user
        self._machines: dict[str, _Machine] = {}
        self._images: Path | None = None
        self._owner = this_process()
        ui = ui or Ui()
        with closing(_client()) as client, locked():
            base = host_image.ensure(client, ui, engine=engine)
            self._image = machines_image.ensure(client, ui, engine=engine, base=base)
            if engine:
                self._images = hosts.base_images(client, base, ui)
        atexit.register(self.close)

    def launch(self, instance_id: str, *, user_data: bytes, public_keys: Sequence[str]) -> str:
        """Its IPv4 address; it is still booting. No port can be reached before `allow`."""
        name = f"{instance_id}-{secrets.token_hex(2)}"
        try:
            with closing(_client()) as client:
                host = self._make(client, name)
                machines_container.seed(
                    client,
                    host,
                    instance_id=instance_id,
                    user_data=user_data,
                    public_keys=public_keys,
                )
                client.api.start(host.container)
        except BaseException:
            clear(name)
            raise
        machine = _Machine(instance_id, host)
        self._machines[instance_id] = machine
        self._watch(machine)
        return host.address

    def allow(self, instance_id: str, ports: Collection[int]) -> None:
        """Let TCP in at these ports and at no other; what is connected stays so.

        Said of one that is off, or about to boot again, it holds from its start.
        """
        machine = self._machines[instance_id]
        told = " ".join(str(port) for port in sorted(ports)).encode()
        with closing(_client()) as client:
            machines_container.put(client, machine.host, {FIREWALL_PORTS: told})
            if _is_up(client, machine):
                try:
                    self.exec(instance_id, ["/lab/firewall"])
                except (FailedError, APIError):  # killed or refused as it goes down
                    if _is_up(client, machine):
                        raise

    def add_key(self, instance_id: str, user: str, public_key: str, seconds: int) -> None:
        """Let this key in as ``user`` for so long."""
        file = f"{KEYS}/{user}/{int(time.time()) + seconds}.{secrets.token_hex(4)}"
        with closing(_client()) as client:
            host = self._machines[instance_id].host
            machines_container.put(client, host, {file: f"{public_key.strip()}\n".encode()})

    def load_images(self, instance_id: str) -> None:
        """The base images, into an engine that its user-data installed."""
        self._machines[instance_id].host.load_images()

    def terminate(self, instance_id: str) -> None:
        """Nothing of it is left; at once, without a word to what runs on it. May be done twice."""
        machine = self._machines.pop(instance_id, None)
        if machine is None:
            return
        machine.tell()
        clear(machine.host.name)
        _join(machine)

    def stop(self, instance_id: str) -> None:
        """Returns when it is off; its disk and its address stay."""
        machine = self._machines[instance_id]
        machine.tell()
        with closing(_client()) as client:
            client.api.stop(machine.host.container, timeout=STOP_SECONDS)
        _join(machine)
        machine.runs = False

    def start(self, instance_id: str) -> None:
        """Returns while it boots."""
        machine = self._machines[instance_id]
        if machine.runs:
            return
        _join(machine)
        machine.told = False
        with closing(_client()) as client:
            client.api.start(machine.host.container)
        machine.runs = True
        self._watch(machine)

    def reboot(self, instance_id: str) -> None:
        """Orderly; returns while it boots again. One that is off stays so."""
        if not self._machines[instance_id].runs:
            return
        self.stop(instance_id)
        self.start(instance_id)

    def alive(self) -> list[str]:
        """Those that are not off: what they cost runs on."""
        return [each.instance_id for each in list(self._machines.values()) if each.runs]

    def exec(self, instance_id: str, words: Sequence[str], timeout: int = 60) -> str:
        """Run it as root, past the network; its output.

        Raises `FailedError` if it fails, docker's `APIError` while the machine is down.
        """
        return self._machines[instance_id].host.exec(words, timeout=timeout)

    def close(self) -> None:
        """End all. May be done twice."""
        atexit.unregister(self.close)
        for instance_id in list(self._machines):
            self.terminate(instance_id)

    def _make(self, client: docker.DockerClient, name: str) -> Host:
        make_folder(name, self._owner)
        host = Host(
            name=name,
            address=host_container.make_network(client, name, self._owner),
            port=0,
            user=self._user,
            folder=folder_of(name),
            engine=self._engine,
            disk=Disk(name) if os.geteuid() == 0 else None,
        )
        if host.disk:
            host.disk.make(hosts.ROOMY)
        machines_container.create(client, host, self._image, self._owner, images=self._images)
        return host

    def _watch(self, machine: _Machine) -> None:
        machine.watcher = threading.Thread(
            target=self._until_it_ends, args=[machine], name=machine.host.name, daemon=True
        )
        machine.watcher.start()

    def _until_it_ends(self, machine: _Machine) -> None:
        """Of its own accord: to come back, or for good."""
        container = machine.host.container
        with closing(_client()) as client:
            try:
                while client.api.wait(container, timeout=None)["StatusCode"] == ENDED_TO_REBOOT:
                    with machine.lock:
                        if machine.told:
                            return
                        client.api.start(container)
            except APIError:
                if machine.told:  # it was terminated meanwhile
                    return
                raise
        if not machine.told:
            machine.runs = False
            self._on_end(machine.instance_id)


def _is_up(client: docker.DockerClient, machine: _Machine) -> bool:
    return bool(client.containers.get(machine.host.container).status == "running")


def _join(machine: _Machine) -> None:
    """Unless it is the watcher itself that asks, by way of ``on_end``."""
    if machine.watcher and machine.watcher is not threading.current_thread():
        machine.watcher.join(STOP_SECONDS)


def _client() -> docker.DockerClient:
    return docker.from_env(timeout=900)
