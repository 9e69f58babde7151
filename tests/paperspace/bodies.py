"""Machines with a container behind each, which runs its startup script and can be logged in to.

The containers are of tests/cloud/machines.py: systemd, cloud-init, sshd, and an engine.
"""

from __future__ import annotations

import secrets
import sys
import traceback
from collections import defaultdict
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from threading import Lock, Thread
from typing import Protocol

from tests.cloud.clock import Clock
from tests.lab import host_container
from tests.lab.host_leftovers import clear, this_process
from tests.paperspace import life
from tests.paperspace.account import Account, Machine

USER = "paperspace"
# A public address exposes every port: there is no firewall in front of a machine.
OPEN_ALL = "echo 1:65535 > /lab/firewall.ports && /lab/firewall"
AGAIN = """\
for _ in $(seq 60); do systemctl -q is-active ssh && break; sleep 1; done
printf %s "$1" > /run/startup-script && chmod 700 /run/startup-script && /run/startup-script
"""
SCRIPT_SECONDS = 600


class Machines(Protocol):
    """What tests/cloud/machines.py offers."""

    def launch(self, instance_id: str, *, user_data: bytes, public_keys: Sequence[str]) -> str: ...
    def terminate(self, instance_id: str) -> None: ...
    def stop(self, instance_id: str) -> None: ...
    def start(self, instance_id: str) -> None: ...
    def reboot(self, instance_id: str) -> None: ...
    def exec(self, instance_id: str, words: Sequence[str], timeout: int = 60) -> str: ...
    def close(self) -> None: ...


class MachineBodies:
    """All that takes a while runs in threads; calls to the API return at once."""

    def __init__(self, account: Account, *, engine: bool = True) -> None:
        """Makes the image if there is none yet, which takes minutes."""
        from tests.cloud.machines import Machines as Containers

        self.account = account
        # Of this machine, reached from inside every machine and by nobody else. The usual bridge's
        # won't do: the engine inside a machine has one with the same address.
        self._network = f"paperspace-{secrets.token_hex(3)}"
        self.machines: Machines = Containers(self._switched_itself_off, engine=engine, user=USER)
        self.address = _make_network(self._network)
        self._threads: list[Thread] = []
        self._turns: defaultdict[str, Lock] = defaultdict(Lock)
        self._clock = Clock(self._tick)

    def launch(self, machine: Machine, script: str | None) -> None:
        def boot() -> None:
            machine.own_address = self.machines.launch(
                machine.id, user_data=_runnable(script or "").encode(), public_keys=()
            )
            self.machines.exec(machine.id, ["sh", "-c", OPEN_ALL])

        self._in_turn(machine, boot)

    def start(self, machine: Machine, scripts: list[str]) -> None:
        self._in_turn(machine, lambda: self.machines.start(machine.id), scripts)

    def restart(self, machine: Machine, scripts: list[str]) -> None:
        self._in_turn(machine, lambda: self.machines.reboot(machine.id), scripts)

    def stop(self, machine: Machine) -> None:
        self._in_turn(machine, lambda: self.machines.stop(machine.id))

    def terminate(self, machine: Machine) -> None:
        self._in_turn(machine, lambda: self.machines.terminate(machine.id))

    def close(self) -> None:
        self._clock.close()
        self.machines.close()
        for thread in self._threads:
            thread.join(timeout=60)
        clear(self._network)

    def _in_turn(
        self, machine: Machine, work: Callable[[], None], scripts: Sequence[str] = ()
    ) -> None:
        """After what was begun before. One that does not come up stays as it is, as without
        capacity."""

        def run() -> None:
            with self._turns[machine.id]:
                work()
                with self.account.lock:
                    machine.body_waits = False
            for text in scripts:
                words = ["sh", "-c", AGAIN, "sh", _runnable(text)]
                self.machines.exec(machine.id, words, timeout=SCRIPT_SECONDS)

        def told() -> None:
            try:
                run()
            except Exception:  # noqa: BLE001, told here: no caller is there any more
                if machine.exists:  # else it was ended under a script's hands
                    traceback.print_exc(file=sys.stderr)

        thread = Thread(target=told, name=machine.id, daemon=True)
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()

    def _switched_itself_off(self, machine_id: str) -> None:
        with self.account.lock:
            life.switched_itself_off(self.account, self.account.machines[machine_id])

    def _tick(self) -> None:
        with self.account.lock:
            life.advance(self.account)


def _make_network(name: str) -> str:
    """This machine's address in it."""
    import docker

    client: docker.DockerClient = docker.from_env(timeout=60)
    try:
        first = host_container.make_network(client, name, this_process())
    finally:
        client.close()
    return str(ip_address(first) - 1)


def _runnable(script: str) -> str:
    return script if not script or script.startswith("#!") else f"#!/bin/bash\n{script}"
