"""Steady load on the edge from its own process: `python edge_load.py URL KEY CONNECTIONS`.

Every connection is kept and asks again at once, with POSTs, until a line comes on stdin. Then the
counts are printed as JSON: what was sent, answered, refused and reset, by which release, how fast.
A connection that the edge ended after an answer that said so is no error; any other end is.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from collections import Counter
from urllib.parse import urlsplit

BODY = json.dumps({"rows": [{"x": 1.5}] * 20}).encode()
PATIENCE = 30.0  # seconds


class Load:
    def __init__(self, url: str, key: str, trust: ssl.SSLContext | None = None) -> None:
        """``trust`` verifies the edge's certificate, for an https address."""
        parts = urlsplit(url)
        usual = 443 if parts.scheme == "https" else 80
        self.host, self.port = parts.hostname or "", parts.port or usual
        self.trust = trust
        head = f"POST {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        head += f"Authorization: Bearer {key}\r\nContent-Length: {len(BODY)}\r\n\r\n"
        self.request = head.encode() + BODY
        self.sent = 0
        self.statuses: Counter[int] = Counter()
        self.errors: Counter[str] = Counter()
        self.releases: Counter[str] = Counter()
        self.lasts: dict[str, float] = {}  # when a release answered last
        self.times: list[float] = []
        self.goodbyes = 0
        self.ended = asyncio.Event()

    async def connection(self) -> None:
        while not self.ended.is_set():
            try:
                reader, writer = await asyncio.open_connection(self.host, self.port, ssl=self.trust)
            except OSError as error:
                self.errors[f"connect: {type(error).__name__}"] += 1
                await asyncio.sleep(0.01)
                continue
            try:
                while not self.ended.is_set() and await self.exchange(reader, writer):
                    pass
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                self.errors[type(error).__name__] += 1
            finally:
                writer.close()

    async def exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        begun = time.monotonic()
        self.sent += 1
        writer.write(self.request)
        async with asyncio.timeout(PATIENCE):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:-2])
            await reader.readexactly(int(headers["content-length"]))
        self.times.append(time.monotonic() - begun)
        self.statuses[int(head.split(" ")[1])] += 1
        release = headers.get("x-mldeploy-release", "")
        self.releases[release] += 1
        self.lasts[release] = time.time()
        stays = headers.get("connection") != "close"
        self.goodbyes += not stays
        return stays


async def main(url: str, key: str, connections: int) -> None:
    load = Load(url, key)
    asking = [asyncio.create_task(load.connection()) for _ in range(connections)]
    await asyncio.to_thread(sys.stdin.readline)
    load.ended.set()
    await asyncio.gather(*asking)
    times = sorted(load.times)
    print(  # noqa: T201 - this is how it tells
        json.dumps(
            {
                "sent": load.sent,
                "answered": len(times),
                "statuses": load.statuses,
                "errors": load.errors,
                "releases": load.releases,
                "lasts": load.lasts,
                "goodbyes": load.goodbyes,
                "p50": times[len(times) // 2],
                "p99": times[len(times) * 99 // 100],
                "max": times[-1],
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
