"""A slow line: holds real packets back, loses some, and lets only so many bytes through a second.

What `tc qdisc … netem` does, for kernels without it: the rules of LAB-IN and LAB-OUT hand every
packet to a netfilter queue, and this program says when it may go on, or that it may not. TCP at
both ends is the kernel's own and reacts as it does on a real line. Run in the host:

    python3 /lab/slow_network.py DELAY_SECONDS LOSS_FRACTION BYTES_PER_SECOND   (0: no limit)
"""

from __future__ import annotations

import heapq
import random
import select
import socket
import struct
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

QUEUES = (1, 2)  # to the host, from the host
HELD_PACKETS = 1000  # as netem's own limit
BUFFER_SECONDS = 0.3  # what a modem or router holds back at the rate it has
LEAST_BUFFER = 32 * 1024

# linux/netfilter/nfnetlink_queue.h
NETLINK_NETFILTER, SUBSYSTEM = 12, 3 << 8
PACKET, VERDICT, CONFIG = SUBSYSTEM, SUBSYSTEM | 1, SUBSYSTEM | 2
CFG_CMD, CFG_PARAMS, CFG_MAXLEN = 1, 2, 3
BIND, COPY_PACKET = 1, 2
PACKET_HDR, VERDICT_HDR, PAYLOAD = 1, 2, 10
DROP, ACCEPT = 0, 1
SO_RCVBUFFORCE, SOL_NETLINK, NETLINK_NO_ENOBUFS = 33, 270, 5


@dataclass
class Line:
    """One direction. Times are seconds of any steady clock, sizes bytes."""

    delay: float = 0.0
    loss: float = 0.0  # of 1
    rate: float = 0.0  # bytes a second; 0: no limit
    chance: random.Random = field(default_factory=random.Random)
    free_at: float = 0.0

    def leaves(self, now: float, size: int) -> float | None:
        """When a packet that comes now is through; None: it is lost."""
        if self.chance.random() < self.loss:
            return None
        begins = max(now, self.free_at)
        if self.rate:
            if (begins - now) * self.rate > max(self.rate * BUFFER_SECONDS, LEAST_BUFFER):
                return None  # the buffer before the narrow place is full
            self.free_at = begins + size / self.rate
            begins = self.free_at
        return begins + self.delay


class Packet(NamedTuple):
    number: int
    size: int


class Queue:
    """One netfilter queue of this network namespace."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 * 1024**2)
        self.socket.setsockopt(SOL_NETLINK, NETLINK_NO_ENOBUFS, 1)
        self._configure(CFG_CMD, struct.pack("!BBH", BIND, 0, socket.AF_INET))
        self._configure(CFG_PARAMS, struct.pack("!IB", 20, COPY_PACKET))  # an IP header
        self._configure(CFG_MAXLEN, struct.pack("!I", 4 * HELD_PACKETS))
        self.socket.setblocking(False)

    def fileno(self) -> int:
        return self.socket.fileno()

    def packets(self) -> list[Packet]:
        """What has come since."""
        found = []
        with suppress(BlockingIOError):
            while True:
                found += packets_in(self.socket.recv(65536))
        return found

    def say(self, verdict: int, packet: int) -> None:
        answer = attribute(VERDICT_HDR, struct.pack("!II", verdict, packet))
        with suppress(OSError):  # gone meanwhile, with the rule or the connection
            self.socket.send(message(VERDICT, self.number, answer))

    def _configure(self, kind: int, value: bytes) -> None:
        """With an acknowledgement: 0 or an errno, negated."""
        self.socket.send(message(CONFIG, self.number, attribute(kind, value), flags=1 | 4))
        (error,) = struct.unpack_from("=i", self.socket.recv(65536), 16)
        if error:
            raise OSError(-error, f"netfilter queue {self.number}")


def attribute(kind: int, value: bytes) -> bytes:
    padding = -len(value) % 4
    return struct.pack("=HH", len(value) + 4, kind) + value + b"\0" * padding


def message(kind: int, queue: int, attributes: bytes, flags: int = 1) -> bytes:
    body = struct.pack("!BBH", socket.AF_UNSPEC, 0, queue) + attributes
    return struct.pack("=IHHII", len(body) + 16, kind, flags, 0, 0) + body


def packets_in(received: bytes) -> list[Packet]:
    found, at = [], 0
    while at + 16 <= len(received):
        length, kind = struct.unpack_from("=IH", received, at)
        if kind == PACKET:
            found.append(_packet(received[at + 20 : at + length]))
        at += max(length + -length % 4, 16)
    return found


def _packet(attributes: bytes) -> Packet:
    number = size = at = 0
    while at + 4 <= len(attributes):
        length, kind = struct.unpack_from("=HH", attributes, at)
        if kind & 0x7FFF == PACKET_HDR:
            (number,) = struct.unpack_from("!I", attributes, at + 4)
        elif kind & 0x7FFF == PAYLOAD:
            (size,) = struct.unpack_from("!H", attributes, at + 6)  # IPv4's total length
        at += max(length + -length % 4, 4)
    return Packet(number, size)


def run(lines: dict[Queue, Line]) -> None:
    held: list[tuple[float, int, int, Queue]] = []
    while True:
        wait = max(held[0][0] - time.monotonic(), 0) if held else None
        ready, _, _ = select.select(list(lines), [], [], wait)
        now = time.monotonic()
        for queue in ready:
            for packet in queue.packets():
                leaves = lines[queue].leaves(now, packet.size)
                if leaves is None or len(held) >= 2 * HELD_PACKETS:
                    queue.say(DROP, packet.number)
                else:
                    heapq.heappush(held, (leaves, queue.number, packet.number, queue))
        while held and held[0][0] <= time.monotonic():
            _, _, number, queue = heapq.heappop(held)
            queue.say(ACCEPT, number)


if __name__ == "__main__":
    delay, loss, rate = (float(word) for word in sys.argv[1:4])
    run({Queue(number): Line(delay, loss, rate) for number in QUEUES})
