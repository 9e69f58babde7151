"""Instances with a machine behind each: launching, reachability by security groups, ending.

The machines themselves are of tests/cloud/machines.py: a container each, with a login.
"""

from __future__ import annotations

import ipaddress
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Protocol

from tests.cloud import life as lives
from tests.cloud.life import Life

if TYPE_CHECKING:
    from tests.cloud.world import World

# The ports that a rule for "all" opens, and the only ones of a wide range.
PORTS = (22, 80, 443, 3000, 8000, 8080)
WIDE = 100


class Machines(Protocol):
    """What tests/cloud/machines.py offers; fakes in tests do too."""

    def launch(self, instance_id: str, *, user_data: bytes, public_keys: Sequence[str]) -> str: ...
    def allow(self, instance_id: str, ports: Collection[int]) -> None: ...
    def terminate(self, instance_id: str) -> None: ...
    def stop(self, instance_id: str) -> None: ...
    def start(self, instance_id: str) -> None: ...
    def reboot(self, instance_id: str) -> None: ...
    def close(self) -> None: ...


class MachineBodies:
    """All that takes a while runs in threads; calls to AWS return at once."""

    def __init__(self, world: World, machines: Machines) -> None:
        self.world, self.machines = world, machines
        self._threads: list[Thread] = []
        self._rules = Lock()

    def launch(self, life: Life, user_data: bytes, public_keys: list[str]) -> None:
        def boot() -> str:
            return self.machines.launch(life.id, user_data=user_data, public_keys=public_keys)

        self._boot(life, boot)

    def start(self, life: Life) -> None:
        """With the address it had: a container keeps it, unlike an instance."""

        def boot() -> str | None:
            self.machines.start(life.id)
            return life.address

        self._boot(life, boot)

    def stop(self, instance_id: str) -> None:
        self._in_thread(instance_id, lambda: self.machines.stop(instance_id))

    def reboot(self, instance_id: str) -> None:
        self._in_thread(instance_id, lambda: self.machines.reboot(instance_id))

    def terminate(self, instance_id: str) -> None:
        self._in_thread(instance_id, lambda: self.machines.terminate(instance_id))

    def add_key(self, instance_id: str, user: str, key: str, seconds: int) -> None:
        if add := getattr(self.machines, "add_key", None):
            add(instance_id, user, key, seconds)

    def rules_changed(self) -> None:
        """As on AWS the call returns, and a moment later the rules hold."""
        for life in list(self.world.lives.values()):
            if life.booted and life.state in {"pending", "running"}:
                self._in_thread(life.id, partial(self._allow, life))

    def close(self) -> None:
        self.machines.close()
        for thread in self._threads:
            thread.join(timeout=60)

    def _boot(self, life: Life, boot: Callable[[], str | None]) -> None:
        """A machine that does not come up is as one of AWS: pending, then terminated."""

        def booted() -> None:
            try:
                life.address = boot()
                self._allow(life)
            except Exception:  # noqa: BLE001, told here: no caller is there any more
                traceback.print_exc(file=sys.stderr)
                with self.world.lock:
                    said = "Server.InternalError: Internal error on launch"
                    lives.terminate(self.world, life, ("Server.InternalError", said))
                return
            with self.world.lock:
                life.booted = True
                if life.is_over:  # ended while it came up
                    self.terminate(life.id)

        self._in_thread(life.id, booted)

    def _allow(self, life: Life) -> None:
        """The rules are read when it is this one's turn, so that the newest are the last."""
        with self._rules:
            with self.world.lock:
                ports = open_ports(life.instance.security_groups, self.world.caller_address)
            self.machines.allow(life.id, ports)

    def _in_thread(self, instance_id: str, work: Callable[[], Any]) -> None:
        def told() -> None:
            try:
                work()
            except Exception:  # noqa: BLE001, told here: no caller is there any more
                with self.world.lock:
                    life = self.world.lives.get(instance_id)
                if life and not life.is_over:  # else it was ended under the work's hands
                    traceback.print_exc(file=sys.stderr)

        thread = Thread(target=told, daemon=True)
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()


def open_ports(groups: Collection[Any], caller: str) -> set[int]:
    """What these groups let this caller reach; ``groups`` are moto's."""
    rules = [rule for group in groups for rule in group.ip_permissions]
    return {port for rule in rules if _lets_in(rule, caller) for port in _ports(rule)}


def _lets_in(rule: Any, caller: str) -> bool:
    address = ipaddress.ip_address(caller)
    listed, name = (
        (rule.ip_ranges, "CidrIp") if address.version == 4 else (rule.ipv6_ranges, "CidrIpv6")
    )
    ranges = [each[name] for each in listed]
    return any(address in ipaddress.ip_network(each, strict=False) for each in ranges)


def _ports(rule: Any) -> Iterator[int]:
    if str(rule.ip_protocol) == "-1":
        yield from PORTS
        return
    if str(rule.ip_protocol) not in {"tcp", "6"}:  # moto has both
        return
    first, last = int(rule.from_port), int(rule.to_port)
    if last - first <= WIDE:
        yield from range(first, last + 1)
    else:
        yield from (port for port in PORTS if first <= port <= last)
