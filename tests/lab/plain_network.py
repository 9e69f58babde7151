"""The network of a second engine, beside the first one's and out of its way.

Two dockerds that both manage iptables flush each other's rules. So the second manages none, and
the few that it needs are made here: its containers reach each other, those on its own bridge reach
the outside, its published ports answer on the loopback through docker-proxy.

It must not get ``--default-address-pool``: a dockerd with one that finds its own networks from
before a crash deletes the link ``docker0``, the first engine's (moby 20.10 to 23,
removeDefaultBridgeInterface). It needs none: dockerd gives no addresses that the machine has.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from mldeploy.errors import FailedError
from tests.lab.daemon import program

NETWORK = IPv4Network("10.213.0.0/16")  # none that Docker gives by itself
COMMAND_SECONDS = 60


@dataclass(frozen=True)
class PlainNetwork:
    """A bridge, a part of ``NETWORK`` and a few rules."""

    slot: int

    @property
    def bridge(self) -> str:
        return f"mldeploy-lab{self.slot}"

    @property
    def addresses(self) -> IPv4Network:
        """Of the bridge; networks that users make get Docker's usual ones."""
        return list(NETWORK.subnets(new_prefix=24))[self.slot]

    @property
    def arguments(self) -> tuple[str, ...]:
        """dockerd's."""
        return (f"--bridge={self.bridge}", "--iptables=false", "--ip-masq=false")

    @property
    def rules(self) -> list[list[str]]:
        """Table, chain, rule. The first engine's default is to drop what it does not know.

        Traffic that stays on one bridge would be dropped too; the first engine allows it on its
        own ones, so that the general rule changes nothing for it.
        """
        ours = str(self.addresses)
        mark = ["-m", "comment", "--comment", self.bridge, "-j"]
        return [
            ["filter", "FORWARD", "-m", "physdev", "--physdev-is-bridged", *mark, "ACCEPT"],
            ["filter", "FORWARD", "-s", ours, *mark, "ACCEPT"],
            ["filter", "FORWARD", "-d", ours, *mark, "ACCEPT"],
            ["nat", "POSTROUTING", "-s", ours, "!", "-d", ours, *mark, "MASQUERADE"],
        ]

    def make(self) -> None:
        address = f"{next(self.addresses.hosts())}/{self.addresses.prefixlen}"
        run_as_root("ip", "link", "add", "name", self.bridge, "type", "bridge")
        run_as_root("ip", "addr", "add", address, "dev", self.bridge)
        run_as_root("ip", "link", "set", self.bridge, "up")
        for table, chain, *rule in self.rules:
            run_as_root("iptables", "-w", "-t", table, "-I", chain, *rule)

    def remove(self, others: Iterable[str]) -> None:
        """Whatever there is of it, and ``others``: bridges that a killed dockerd left."""
        for table, chain, *rule in self.rules:
            while run_as_root("iptables", "-w", "-t", table, "-D", chain, *rule, check=False):
                pass
        for link in (self.bridge, *others):
            if Path("/sys/class/net", link).exists():
                run_as_root("ip", "link", "delete", link, check=False)


def bridges_in(data: Path) -> list[str]:
    """The bridges of the networks that the dockerd with this data root ever made for users."""
    try:
        store = (data / "network" / "files" / "local-kv.db").read_bytes()
    except OSError:
        return []
    return sorted({found.decode() for found in re.findall(rb"br-[0-9a-f]{12}\b", store)})


def run_as_root(name: str, *words: str, check: bool = True) -> bool:
    """Did it work? With ``check`` it must."""
    done = subprocess.run(
        [program(name), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
    )
    if check and done.returncode != 0:
        raise FailedError(
            "lab-second-engine",
            what="The second engine is not as it should be.",
            why=f"{name} {' '.join(words)} failed.",
            do="Run these tests where root may mount, or leave them out: -m 'not docker'",
            detail=done.stderr,
        )
    return done.returncode == 0
