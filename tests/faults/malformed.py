"""Malformed requests through the edge of a real target, and what they did to it."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.garbage import REFUSED_AS_HTTP, Malformed, requests
from tests.faults.place import Place, container_pid

AT_ONCE = 16
PATIENCE = 10.0  # seconds; what says more than it has is waited for in vain
CUT_SHORT = {"odd framing", "raw bytes"}  # to say that no more comes


@dataclass(frozen=True)
class Report:
    """``answers`` by kind of fault and status, 0 for a connection that was closed unanswered."""

    sent: int
    seconds: float
    answers: Counter[tuple[str, int]]
    wrong: list[str]

    def text(self) -> str:
        kinds = dict.fromkeys(sorted(kind for kind, _ in self.answers))
        rows = [f"| {kind} | {self._row(kind)} |" for kind in kinds]
        return "\n".join(
            [
                f"{self.sent} requests in {self.seconds:.0f} s, {AT_ONCE} at a time.",
                "",
                "| what is wrong with it | answers |",
                "| --- | --- |",
                *rows,
            ]
        )

    def _row(self, kind: str) -> str:
        found = sorted((status, n) for (each, status), n in self.answers.items() if each == kind)
        return ", ".join(f"{n} x {status or 'closed'}" for status, n in found)


def run(place: Place, *, number: int, seed: int = 1) -> Report:
    """``wrong`` holds what the promises don't allow: a 5xx, a restart, a wrong answer after."""
    release, key = place.serves(), place.key()
    before = {str(c.name): container_pid(c) for c in place.replicas()}
    document = json.loads(place.get("/docs.json"))
    sound = place.request.body
    several = requests(seed, document, place.request.path, sound, key)
    begun = time.monotonic()
    answers, wrong = asyncio.run(_send(place.port, itertools.islice(several, number)))
    seconds = time.monotonic() - begun
    after = {str(c.name): container_pid(c) for c in place.replicas()}
    if before != after or any(one.restarts for one in place.engine.replicas()):
        wrong.append(f"a replica was started again: {before} → {after}")
    place.whole(release)
    return Report(number, seconds, answers, wrong)


async def _send(
    port: int, several: Iterator[Malformed]
) -> tuple[Counter[tuple[str, int]], list[str]]:
    answers: Counter[tuple[str, int]] = Counter()
    wrong: list[str] = []

    async def worker() -> None:
        for each in several:
            status, said = await _answer(port, each)
            answers[each.kind, status] += 1
            if status == 0 and each.kind not in CUT_SHORT:
                wrong.append(f"no answer ({said.decode()}) to {each.kind}: {each.content[:2000]!r}")
            if status >= 500 and REFUSED_AS_HTTP.get(each.kind) != status:
                wrong.append(f"{status} for {each.kind}: {each.content[:2000]!r} → {said[:300]!r}")

    await asyncio.gather(*[worker() for _ in range(AT_ONCE)])
    return answers, wrong


async def _answer(port: int, each: Malformed) -> tuple[int, bytes]:
    """The status, 0 if the edge closes or never begins to answer what is no request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(each.content)
            if each.kind in CUT_SHORT:  # a whole request's answer would not be waited for
                writer.write_eof()
            said = await reader.read()
        while said.startswith(b"HTTP/1.1 100 "):  # "go on", before the answer
            _, _, said = said.partition(b"\r\n\r\n")
        line = said.partition(b"\r\n")[0].split(b" ")
        return (int(line[1]) if len(line) > 1 and line[0].startswith(b"HTTP/") else 0), said
    except (TimeoutError, ConnectionError) as error:
        return 0, type(error).__name__.encode()
    finally:
        writer.close()
