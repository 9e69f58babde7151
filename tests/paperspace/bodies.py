"""Machines with a container behind each, which runs its startup script and can be logged in to.

The containers are of tests/cloud/machines.py: systemd, cloud-init, sshd, and an engine.
"""

from __future__ import annotations

import sys
import traceback
from collections import defaultdict
from collections.abc import Callable, Sequence
from threading import Lock, Thread
from typing import TYPE_CHECKING, Protocol

from tests.cloud.clock import Clock
from tests.paperspace import life
from tests.paperspace.account import Account, Machine

if TYPE_CHECKING:
    import docker

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
        self.machines: Machines = Containers(self._switched_itself_off, engine=engine, user=USER)
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


def address_for_machines() -> str:
    """This machine's own, as the containers reach it and nobody from outside."""
    import docker

    client: docker.DockerClient = docker.from_env(timeout=60)
    try:
        bridge = client.networks.get("bridge")
        return str(bridge.attrs["IPAM"]["Config"][0]["Gateway"])
    finally:
        client.close()


def _runnable(script: str) -> str:
    return script if not script or script.startswith("#!") else f"#!/bin/bash\n{script}"
