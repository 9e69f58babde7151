"""Fetch objects from signed addresses into the folder that this is run in.

By stdin a line each: `sha256 size address`. The addresses are secrets: they come in no other way.
On stdout a line now and then: `at BYTES`, of all; and of what went wrong `no SHA256 WHY`. What is
whole lies in objects/, what is not in incoming/, to go on from there.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

CHUNK = 1 << 18
THREADS = 4
TRIES = 5
SILENT_SECONDS = 20
IN_VAIN = 8  # so many in a row, of all threads: that server is not to be reached
EVERY_SECONDS = 1.0
BUSY = (408, 429)  # and all from 500 on: the same may work in a moment

done: dict[str, int] = {}
printing = threading.Lock()
failed_in_a_row = [0]


def say(line: str) -> None:
    with printing:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def fetch(sha256: str, size: int, address: str) -> str:
    """Why it is not here; empty if it is."""
    name, part = Path("objects", sha256), Path("incoming", sha256 + ".fetched.part")
    why = ""
    damaged = False
    for tries in range(TRIES):
        if failed_in_a_row[0] >= IN_VAIN:
            return why or "it is not to be reached"
        if name.exists():
            done[sha256] = size
            return ""
        time.sleep(tries)  # a server that is busy is not asked again at once
        try:
            append(part, sha256, size, address)
        except urllib.error.HTTPError as error:
            why = f"the server answers {error.code}"
            if error.code < 500 and error.code not in BUSY:
                return why
            continue
        except (OSError, ValueError, http.client.HTTPException) as error:
            if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                return "no space left on the disk"
            why = str(getattr(error, "reason", error)) or type(error).__name__
            failed_in_a_row[0] += 1
            continue
        if hash_of(part) == sha256:
            part.chmod(0o444)
            part.replace(name)
            return ""
        part.unlink()
        done[sha256] = 0
        why = "what arrived has another hash"
        if damaged:  # the first time it may have begun with something else
            return why
        damaged = True
    return why


def append(part: Path, sha256: str, size: int, address: str) -> None:
    there = part.stat().st_size if part.exists() else 0
    if there > size:
        part.unlink()
        there = 0
    done[sha256] = there
    if part.exists() and there == size:
        return
    request = urllib.request.Request(address)  # noqa: S310 - signed by who sent this program
    if there:
        request.add_header("Range", f"bytes={there}-")
    with urllib.request.urlopen(request, timeout=SILENT_SECONDS) as answer:  # noqa: S310
        if answer.status != 206:
            there = 0  # it does not know how to go on
        with part.open("ab" if there else "wb") as to:
            for chunk in iter(lambda: answer.read(CHUNK), b""):
                to.write(chunk)
                there += len(chunk)
                done[sha256] = there
                failed_in_a_row[0] = 0
    if there < size:
        raise OSError("the connection broke")


def hash_of(path: Path) -> str:
    whole = hashlib.sha256()
    with path.open("rb") as content:
        for chunk in iter(lambda: content.read(1 << 20), b""):
            whole.update(chunk)
    return whole.hexdigest()


def work(wanted: list[list[str]]) -> None:
    while wanted:
        try:
            sha256, size, address = wanted.pop()
        except IndexError:
            return  # another thread had the last one
        why = fetch(sha256, int(size), address)
        if why:
            say(f"no {sha256} {why}")


def main() -> None:
    wanted = [line.split() for line in sys.stdin if line.strip()]
    wanted.reverse()  # `pop` takes from the end
    threads = [threading.Thread(target=work, args=(wanted,), daemon=True) for _ in range(THREADS)]
    for each in threads:
        each.start()
    while any(each.is_alive() for each in threads):
        for each in threads:
            each.join(EVERY_SECONDS / THREADS)
        say(f"at {sum(list(done.values()))}")


if __name__ == "__main__":
    main()
