"""Steady load in phases, from a process of its own; :mod:`tests.faults.load` starts it.

usage: python -m tests.faults.load_client URL KEY BODY_FILE CONNECTIONS RATE [AUTHORITY]

RATE is requests a second on each connection, 0 for as many as there are answers. AUTHORITY is a
file with the root certificate that an https URL's is verified with. A line on stdin names the phase
that begins; the one that ends is printed as a line of JSON. `+N` is answered once the phase has so
many good answers. An empty line ends all.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.engines.edge_load import Load


class Phases(Load):
    """The load, with its counts kept apart for each phase."""

    def __init__(
        self, url: str, key: str, body: bytes, rate: float, trust: ssl.SSLContext | None
    ) -> None:
        super().__init__(url, key, trust)
        head, _, _ = self.request.partition(b"Content-Length")
        said = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.request = head + said.encode() + body
        self.pause = 1 / rate if rate else 0.0
        self.answered = asyncio.Event()
        self.begin("start")

    def begin(self, name: str) -> None:
        self.name, self.since, self.sent_before = name, time.monotonic(), self.sent
        self.good, self.last_good, self.gap = 0, self.since, 0.0
        self.statuses, self.errors, self.releases, self.times = Counter(), Counter(), Counter(), []

    async def exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        begun = time.monotonic()
        stays = await super().exchange(reader, writer)
        if self.statuses[200] > self.good:  # nobody else's: there was no `await` since it counted
            self.good = self.statuses[200]
            now = time.monotonic()
            self.gap, self.last_good = max(self.gap, now - self.last_good), now
            self.answered.set()
        if self.pause:
            await asyncio.sleep(begun + self.pause - time.monotonic())
        return stays

    def summary(self) -> dict[str, Any]:
        now = time.monotonic()
        times = sorted(self.times)
        return {
            "name": self.name,
            "seconds": now - self.since,
            "sent": self.sent - self.sent_before,
            "statuses": self.statuses,
            "errors": self.errors,
            "releases": self.releases,
            "silence": max(self.gap, now - self.last_good),
            "p50": _share(times, 0.5),
            "p99": _share(times, 0.99),
            "slowest": times[-1] if times else None,
        }


def _share(times: Sequence[float], share: float) -> float | None:
    return times[int(len(times) * share)] if times else None


def _tell(data: object) -> None:
    sys.stdout.write(json.dumps(data) + "\n")
    sys.stdout.flush()


async def main(
    url: str, key: str, body: str, connections: int, rate: float, authority: str
) -> None:
    trust = ssl.create_default_context(cafile=authority) if authority else None
    load = Phases(url, key, Path(body).read_bytes(), rate, trust)
    asking = [asyncio.create_task(load.connection()) for _ in range(connections)]
    await load.answered.wait()
    _tell("answered")
    while name := (await asyncio.to_thread(sys.stdin.readline)).strip():
        if name.startswith("+"):
            while load.good < int(name):
                load.answered.clear()
                await load.answered.wait()
            _tell("answered")
            continue
        _tell(load.summary())
        load.begin(name)
    load.ended.set()
    await asyncio.gather(*asking)
    _tell(load.summary())


if __name__ == "__main__":
    where, secret, content, number, speed, *root = sys.argv[1:]
    asyncio.run(main(where, secret, content, int(number), float(speed), "".join(root)))
