"""What goes over the line for long: an upload, and a log that is followed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

from tests.conftest import CHECKOUT, until
from tests.faults.case import Case
from tests.faults.far_line import LONG, SHORT, cut_long, cut_shortly, drop
from tests.faults.far_place import FarPlace
from tests.faults.interrupted import INTERRUPTED
from tests.faults.place import BOX

SIZE = 20_000_000
RATE_KBIT = 16_000  # 20 MB take ten seconds
MOST = 1.3  # times its size may go over the line
REQUEST_SECONDS = 0.1
NOT_FOUND = 404

SEND = """\
import sys
from pathlib import Path
from mldeploy.ssh import address, upload
from mldeploy.ssh.connection import Connection

connection = Connection(address.parse("box"), asking=False, tell=print)
upload.send(connection, Path(sys.argv[1]), lambda sent, size: print("sent", sent, flush=True))
connection.close()
"""


def upload_goes_on(place: FarPlace, harm: Callable[[FarPlace], None]) -> str:
    """A file of random bytes, over a line that is slow enough to be hit in the middle."""
    file = place.root.parent / "random"
    file.write_bytes(os.urandom(SIZE))
    before = place.host.bytes_through()[0]
    place.slow(rate_kbit=RATE_KBIT)
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", SEND, str(file)],
        cwd=CHECKOUT,
        env=place.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    place.started.append(process)
    said = process.stdout
    assert said is not None
    until(lambda: _sent(said.readline()) > SIZE / 3, 60)
    harm(place)
    rest, _ = process.communicate(timeout=300)
    took = time.monotonic() - begun
    place.restore()
    through = place.host.bytes_through()[0] - before
    assert process.returncode == 0, rest
    assert "Traceback" not in rest, rest
    assert through < MOST * SIZE, f"{through / 1e6:.1f} MB went over the line"
    place.no_ssh_left()
    return f"{SIZE / 1e6:.0f} MB arrived whole after {took:.0f} s; {through / 1e6:.1f} MB were sent"


def _sent(line: str) -> int:
    assert line, "the upload ended before it was hit"
    found = re.fullmatch(r"sent (\d+)\n", line)
    return int(found[1]) if found else 0


class Asking:
    """Numbered requests to the edge, one after the other, until it is left."""

    def __init__(self, place: FarPlace) -> None:
        self.place = place
        self.numbers: list[int] = []
        self._ended = threading.Event()
        self._key = place.key()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Asking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(30)

    def _ask(self) -> None:
        number = 0
        while not self._ended.wait(REQUEST_SECONDS):
            number += 1
            # A route of the service's own would do as well, but queries are not logged.
            status, _, _ = self.place.ask(f"/number-{number}", {}, key=self._key)
            assert status == NOT_FOUND
            self.numbers.append(number)


def log_goes_on(place: FarPlace, harm: Callable[[FarPlace], None], pause: float) -> str:
    """The edge's log, in which each request has a line: all of them, in order, each once."""
    process = place.begin("logs", BOX, "-f", "-n", "0", "--edge", "--json")
    seen: list[int] = []
    reading = threading.Thread(target=_read, args=(process, seen), daemon=True)
    reading.start()
    with Asking(place) as asking:
        until(lambda: len(seen) > 20, 60)
        harm(place)
        time.sleep(pause)  # of the harm itself: requests go on meanwhile
        at_harm = len(asking.numbers)
        until(lambda: len(asking.numbers) > at_harm + 30, 60)
    last = asking.numbers[-1]
    until(lambda: seen and seen[-1] >= last, 90)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == INTERRUPTED
    place.restore()
    reading.join(30)
    place.no_ssh_left()
    expected = list(range(seen[0], last + 1))
    missing, twice = set(expected) - set(seen), len(seen) - len(set(seen))
    assert not missing, f"missing: {sorted(missing)[:10]} of {len(expected)}"
    assert not twice, f"{twice} lines came twice"
    assert seen == expected, "the lines are not in order"
    return f"{len(seen)} lines, all of them in order, none missing and none twice"


def _read(process: subprocess.Popen[str], seen: list[int]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        found = re.search(r"/number-(\d+)", json.loads(line)["line"])
        if found:
            seen.append(int(found[1]))


HARMS = (
    ("cut for 8 s", cut_shortly, SHORT),
    ("cut for 40 s", cut_long, LONG),
    ("dropped by the host", drop, 3),
)
CASES = [
    *[
        Case(
            f"an upload is {words}",
            f"the connection is {words} in the middle of a file of 20 MB, at 16 Mbit/s",
            "it goes on where it was: less than 1.3 times its size is sent",
            partial(upload_goes_on, harm=harm),
            in_ci=words.startswith("dropped"),
        )
        for words, harm, _ in HARMS
    ],
    *[
        Case(
            f"`logs -f` is {words}",
            f"the connection is {words} while `mldeploy logs -f` follows, under load",
            "it goes on with the lines after that; none is missing, none comes twice",
            partial(log_goes_on, harm=harm, pause=pause),
            in_ci=words.startswith("dropped"),
        )
        for words, harm, pause in HARMS
    ],
]
