"""Steady load on a place from a second process, and what became of its requests."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any

from tests.conftest import CHECKOUT
from tests.faults.place import Place

ANSWER_SECONDS = 60.0


@dataclass(frozen=True)
class Phase:
    """What was sent, and what came of it; ``silence`` is the longest time without a 200, in
    seconds, as are the others."""

    name: str
    seconds: float
    sent: int
    statuses: Mapping[str, int]
    errors: Mapping[str, int]
    releases: Mapping[str, int]
    silence: float
    p50: float | None
    p99: float | None
    slowest: float | None

    @property
    def answered(self) -> int:
        return sum(self.statuses.values())

    @property
    def good(self) -> int:
        return self.statuses.get("200", 0)

    @property
    def failed(self) -> int:
        """Answered with anything but 200, refused, reset, cut short or never answered."""
        return self.answered - self.good + sum(self.errors.values())

    @property
    def trouble(self) -> str:
        """The failures in words, for who reads a failed check."""
        bad = {status: n for status, n in self.statuses.items() if status != "200"}
        return ", ".join(f"{n} x {what}" for what, n in {**bad, **self.errors}.items()) or "none"


@dataclass
class Load:
    """A running load; phases that are over are in ``phases``."""

    process: subprocess.Popen[str]
    phases: list[Phase] = field(default_factory=list)

    def phase(self, name: str) -> Phase:
        """Let the next phase begin; returns the one that this ends."""
        self._say(name)
        self.phases.append(Phase(**self._hear()))
        return self.phases[-1]

    def good_answers(self, number: int) -> None:
        """Wait until this phase has so many."""
        self._say(f"+{number}")
        assert self._hear() == "answered"

    def _say(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _hear(self) -> Any:
        assert self.process.stdout
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.process.stdout, selectors.EVENT_READ)
            assert waiting.select(ANSWER_SECONDS), "the load says nothing"
        line = self.process.stdout.readline()
        assert line, "the load has ended"
        return json.loads(line)


@contextmanager
def load_on(place: Place, connections: int = 16, rate: float = 0) -> Iterator[Load]:
    """Load from the first answer on; at the end the last phase is over too.

    ``rate`` is requests a second on each connection, 0 for as many as there are answers.
    """
    body = place.root.parent / "load-body.json"
    body.write_text(json.dumps(place.request.body))
    words = [f"{place.url}{place.request.path}", place.key(), body, connections, rate]
    if root := place.authority():
        words.append(body.with_name("load-authority.pem"))
        body.with_name("load-authority.pem").write_text(root)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.load_client", *map(str, words)],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    load = Load(process)
    try:
        assert load._hear() == "answered"
        yield load
        load._say("")
        load.phases.append(Phase(**load._hear()))
        assert process.wait(timeout=30) == 0
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


def total(phases: Sequence[Phase]) -> tuple[int, int, int]:
    """Requests sent, answered and failed in all."""
    counts = [(each.sent, each.answered, each.failed) for each in phases]
    return (
        reduce(add, (c[0] for c in counts), 0),
        reduce(add, (c[1] for c in counts), 0),
        reduce(add, (c[2] for c in counts), 0),
    )
