"""A file to a host: what is there already is not sent again, and a cut line is taken up."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mldeploy.errors import FailedError
from mldeploy.ssh.connection import Connection, LostError
from mldeploy.who import laptop

FOLDER = '"${XDG_CACHE_HOME:-$HOME/.cache}/mldeploy"'
CHUNK = 64 * 1024
TRIES = 20  # each goes on where the last one was cut
TELL_SECONDS = 2.0
STALLED_SECONDS = 60.0  # ssh itself gives up a dead line after twenty

# What is whole has its own hash for a name ($1). What is not whole has the sender's too ($2), as
# two may send the same. A writer that was cut off is ended first: what its line still held, and
# gave to it when the line was back, would come in between.
LOOK = f"""\
umask 077; mkdir -p {FOLDER}; cd {FOLDER}
find . -path './store-*' -prune -o -type f -mtime +7 -exec rm -f {{}} + 2>/dev/null
if [ -f "$1" ]; then touch "$1"; echo whole; exit; fi
writer=$(cat "$2.writer" 2>/dev/null)
if [ "$writer" ] && [ "$(cat "/proc/$writer/comm" 2>/dev/null)" = cat ]; then
  kill -KILL "$writer" 2>/dev/null
  for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$writer" 2>/dev/null || break; sleep 0.1; done
fi
rm -f "$2.writer"
stat -c %s "$2" 2>/dev/null || echo 0
"""
APPEND = f"""\
umask 077; cd {FOLDER}
truncate -s "$2" "$1" 2>/dev/null || : > "$1"
echo $$ > "$1.writer"
exec cat >> "$1"
"""
FORGET = f'cd {FOLDER} && rm -rf -- "$1" "$1.context" "$1.work"'
# What another project sends just now is younger than an hour.
CLEAR = f"""\
cd {FOLDER} 2>/dev/null || exit 0
rm -rf -- "$1"
find . -path './store-*' -prune -o -type f -mmin +60 -exec rm -f {{}} +
find . -depth -mindepth 1 -type d -empty -delete
cd .. && rmdir mldeploy 2>/dev/null || true
"""
ROOM = f"""\
cd {FOLDER} && df -Pk . | tail -1; touch .room && echo . > .room && rm -f .room || echo no space
"""
FINISH = f"""\
cd {FOLDER}
if [ -f "$1" ]; then exit 0; fi
rm -f "$2.writer"
found=$(sha256sum "$2"); found=${{found%% *}}
if [ "$found" != "$1" ]; then rm -f "$2"; echo "$found"; exit 3; fi
mv "$2" "$1"
"""


@dataclass(frozen=True)
class Sent:
    """Where it lies on the host, as a word for its shell; ``bytes`` is what went over the line."""

    name: str
    bytes: int


def send(connection: Connection, file: Path, tell: Callable[[int, int], None]) -> Sent:
    """Have ``file`` on the host under its SHA-256; ``tell`` gets bytes there and bytes in all.

    Raises FailedError. What has arrived stays for the next call, for a week.
    """
    name, size = _hash(file), file.stat().st_size
    part = f"{name}.{laptop()}.part"
    sent = 0
    for _ in range(TRIES):
        said = connection.run(LOOK, name, part).out.split()
        if said[-1:] == ["whole"]:
            return Sent(name, sent)
        there = int(said[-1]) if said and said[-1].isdigit() else 0
        there = min(there, size)
        try:
            sent += _append(connection, file, part, there, size, tell)
        except LostError:
            continue  # the next look waits for the connection, and says how much arrived
        done = connection.run(FINISH, name, part, seconds=300)
        if done.code == 0:
            return Sent(name, sent)
        if done.code != 3:
            raise _refused(connection, done.err or done.out)
    raise FailedError(
        "upload-failed",
        what=f"{size / 1e6:.1f} MB could not be sent to {connection.address}.",
        why=f"The connection broke, or what arrived was damaged, {TRIES} times.",
        do="run it again: it goes on where it was",
    )


def _append(
    connection: Connection,
    file: Path,
    part: str,
    there: int,
    size: int,
    tell: Callable[[int, int], None],
) -> int:
    connection.ensure()
    process = connection.start(APPEND, part, str(there), quiet=True)
    to: Any = process.stdin
    moved = [time.monotonic()]
    done = threading.Event()

    def watch() -> None:  # a write into a dead line stands still for ever
        while not done.wait(1):
            if time.monotonic() - moved[0] > STALLED_SECONDS:
                process.kill()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    sent, told, code = 0, time.monotonic(), -signal.SIGKILL
    try:
        with file.open("rb") as source:
            source.seek(there)
            while chunk := source.read(CHUNK):
                to.write(chunk)
                sent += len(chunk)
                moved[0] = time.monotonic()
                if moved[0] - told >= TELL_SECONDS:
                    told = moved[0]
                    tell(there + sent, size)
        to.close()
        moved[0] = time.monotonic()
        code = process.wait(timeout=STALLED_SECONDS + 30)
    except OSError:  # it ended; its code says why
        with suppress(subprocess.TimeoutExpired):
            code = process.wait(timeout=STALLED_SECONDS)
    except subprocess.TimeoutExpired:
        pass  # nothing more moves
    finally:
        done.set()
        if process.poll() is None:
            process.kill()
            process.wait(timeout=10)
        with suppress(OSError):
            to.close()
        watcher.join(timeout=5)
    if code in (255, -signal.SIGKILL, 128 + signal.SIGKILL):
        raise LostError("the upload was cut")
    if code != 0:
        raise _refused(connection, connection.run(ROOM).out)
    return sent


def _refused(connection: Connection, said: str) -> FailedError:
    full = "no space" in said.lower() or "quota" in said.lower()
    return FailedError(
        "disk-full" if full else "upload-refused",
        what=f"{connection.address} did not take the file.",
        why=said.strip()[-300:] or "its shell ended without a word",
        do="mldeploy prune   (old releases)" if full else f"ssh {connection.address.destination}",
    )


def _hash(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
