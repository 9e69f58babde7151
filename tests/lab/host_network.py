"""A host's network: cut, slow and whole again, by rules in the host's own network namespace.

Nothing of this machine's network is touched. The chains are made by in_host/boot, so a reboot
restores the network too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.in_host.slow_network import QUEUES
from tests.lab.waiting import wait_for

if TYPE_CHECKING:
    from tests.lab.host import Host

CHAINS = ("LAB-IN", "LAB-OUT")
COUNTERS = ("PREROUTING", "POSTROUTING")  # the first rule of each
PROGRAM = "/lab/slow_network.py"
BOUND = "/proc/net/netfilter/nfnetlink_queue"  # a line for each queue that a program reads
SECONDS = 10


def cut(host: Host, *, ssh_only: bool = False) -> None:
    """Through docker exec, which is no part of the host's network."""
    _run(
        host,
        *(f"iptables -w -t mangle -I {chain}{of} -j DROP" for chain, of in _which(ssh_only)),
    )


def slow(
    host: Host,
    delay_ms: float,
    loss_percent: float,
    rate_kbit: float,
    *,
    ssh_only: bool = False,
) -> None:
    """The program first, then the rules: a queue that nobody reads would hold everything up."""
    restore(host)
    numbers = f"{delay_ms / 1000} {loss_percent / 100} {rate_kbit * 1000 / 8}"
    log = "/var/log/slow_network.log"
    _run(host, f"setsid python3 {PROGRAM} {numbers} > {log} 2>&1 & echo $! > /run/lab/slow.pid")
    wait_for("its line is slow", lambda: _queues(host) == len(QUEUES), SECONDS)
    _run(
        host,
        *(
            f"iptables -w -t mangle -A {chain}{of} -j NFQUEUE --queue-num {queue} --queue-bypass"
            for (chain, of), queue in zip(_which(ssh_only), QUEUES, strict=True)
        ),
    )


def restore(host: Host) -> None:
    """What was held back is lost; TCP sends it again."""
    _run(
        host,
        *(f"iptables -w -t mangle -F {chain}" for chain in CHAINS),
        "if test -e /run/lab/slow.pid; then kill $(cat /run/lab/slow.pid) || true; fi",
        "rm -f /run/lab/slow.pid",
    )
    wait_for("its line is as it was", lambda: _queues(host) == 0, SECONDS)


def bytes_through(host: Host) -> tuple[int, int]:
    to_host, from_host = (
        _counted(host.exec(["iptables", "-w", "-t", "mangle", "-nvxL", chain, "1"]))
        for chain in COUNTERS
    )
    return to_host, from_host


def _which(ssh_only: bool) -> list[tuple[str, str]]:
    """Of each chain, the packets that are meant: those of users go on where only ssh is."""
    ssh = (" -p tcp --dport 22", " -p tcp --sport 22")
    return list(zip(CHAINS, ssh if ssh_only else ("", ""), strict=True))


def _counted(rule: str) -> int:
    """Of ``packets bytes target …``."""
    return int(rule.split()[1])


def _queues(host: Host) -> int:
    return len(host.exec(["cat", BOUND]).splitlines())


def _run(host: Host, *commands: str) -> None:
    host.exec(["sh", "-ec", "\n".join(commands)])
