"""A small replica to put behind the edge: `python edge_replica.py PORT NAME`. Stands alone.

It answers with what it was asked, keeps connections, dies and hangs when told to, and on SIGTERM
leaves as the real ones do: it says `Connection: close`, finishes what it has, and ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from urllib.parse import parse_qs, urlsplit

GOODBYE = 1.0  # seconds in which a stopping replica still takes connections


class Replica:
    def __init__(self, name: str) -> None:
        self.name = name
        self.ready = True
        self.leaving = asyncio.Event()
        self.idle: set[asyncio.StreamWriter] = set()
        self.working = 0
        self.open = 0
        self.posts = 0  # read whole

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while await self.exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            self.idle.discard(writer)
            writer.close()

    async def exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.idle.add(writer)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.idle.discard(writer)
        self.working += 1
        try:
            return await self.answer(head, reader, writer)
        finally:
            self.working -= 1

    async def answer(
        self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        first, *lines = head.rstrip("\r\n").split("\r\n")
        method, target, _ = first.split(" ")
        headers = [tuple(line.split(": ", 1)) for line in lines]
        said = {name.lower(): value for name, value in headers}
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/die-in-the-middle":
            os._exit(1)
        body = await _body(said, reader)
        self.posts += method == "POST"
        if url.path == "/die":
            os._exit(1)
        await asyncio.sleep(float(query.get("ms", 0)) / 1000)
        time.sleep(float(query.get("alone", 0)) / 1000)  # one at a time, as a model often works
        status = "200 OK"
        if url.path == "/ready" and method == "POST":
            self.ready = query["is"] == "yes"
        if url.path == "/readyz" and not self.ready:
            status = "503 Service Unavailable"
        found = {"replica": self.name, "pid": os.getpid(), "method": method, "target": target}
        found |= {"headers": headers, "length": len(body)}
        found |= {"posts": self.posts, "working": self.working}
        content = json.dumps(found).encode()
        keep = not self.leaving.is_set()
        extra = "" if keep else "Connection: close\r\n"
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nServer: replica\r\n"
            f"x-mldeploy-release: {self.name}\r\n{extra}"
            f"Content-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
        await writer.drain()
        return keep


async def _body(said: dict[str, str], reader: asyncio.StreamReader) -> bytes:
    if said.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
        return body
    return await reader.readexactly(int(said.get("content-length", 0)))


async def main(port: int, name: str) -> None:
    replica = Replica(name)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, replica.leaving.set)
    server = await asyncio.start_server(replica.talk, "127.0.0.1", port, backlog=1024)
    await replica.leaving.wait()
    await asyncio.sleep(GOODBYE)
    server.close()
    while replica.working:
        await asyncio.sleep(0.01)
    while replica.open:
        for writer in replica.idle:
            writer.close()
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
