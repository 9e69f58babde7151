"""Runs one job where it was sent, and packs what came of it. Needs nothing but Python.

`python job.py FOLDER` reads FOLDER/order.json and runs its command in FOLDER/code. Nobody needs to
be connected meanwhile: what must hold without the laptop, such as the longest time, holds here.
FOLDER/state.json says how it stands, FOLDER/kept what is to be fetched.

`python job.py FOLDER pack` only packs, after a job whose machine was restarted under it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

LAST_LINES = 20
GRACE_SECONDS = 30  # between the polite request to end and the other one
GROUP_BYTES = 64_000_000  # what is fetched at a time, and again when the line breaks in it
RESERVE_BYTES = 1_000_000  # kept free, so that a full disk does not keep us from saying so
LOOK_SECONDS = 0.1
NEVER = {".git", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".mldeploy"}
RUNS = ("mlflow.db", "mlruns")  # MLflow's, as a project of ours and as MLflow by itself name them


def main(folder: Path, verb: str = "run") -> int:
    if verb == "pack":
        state = {"end": "killed", "ended": now(), **read_state(folder), "state": "ended"}
        write_state(folder, {**state, **pack(folder)})
        return 0
    if verb == "metrics":
        print(json.dumps(printed(folder)))  # noqa: T201 - it is the answer
        return 0
    if verb == "list":
        print(json.dumps(listed(folder)))  # noqa: T201 - it is the answer
        return 0
    return Job(folder).run()


class Job:
    """The command of one order, from its start to the packing of what came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.order: dict[str, Any] = json.loads((folder / "order.json").read_text("utf-8"))
        self.last: deque[str] = deque(maxlen=LAST_LINES)
        self.stopped = False
        self.began = now()

    def run(self) -> int:
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        code_folder = self.folder / "code"
        before = self.folder / "before.json"
        if before.exists():  # it ran already, and its machine was restarted: not a second time
            return main(self.folder, "pack")
        before.write_text(json.dumps(snapshot(code_folder)), "utf-8")
        restore(self.folder / "resumed", code_folder)
        (self.folder / "reserve").write_bytes(b"\0" * RESERVE_BYTES)
        write_state(self.folder, {"state": "running", "began": self.began, "pid": os.getpid()})
        killed_before = kills()
        code, timed_out = self._run_command(code_folder)
        (self.folder / "reserve").unlink()
        lack = kills() > killed_before
        end = ending(code, list(self.last), self.stopped, timed_out, lack, room(code_folder))
        told = {"state": "packing", "end": end, "code": code, "began": self.began, "ended": now()}
        told["last"] = list(self.last)
        write_state(self.folder, told)
        write_state(self.folder, {**told, "state": "ended", **pack(self.folder)})
        return 0 if end == "succeeded" else 1

    def _run_command(self, cwd: Path) -> tuple[int, bool]:
        outputs = cwd / self.order["outputs"]
        outputs.mkdir(parents=True, exist_ok=True)
        also_known_as(outputs, self.folder / "outputs")
        environment = {**os.environ, **self.order["env"], "MLDEPLOY_OUTPUTS": str(outputs)}
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", self.order["command"]],
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            self._say(f"mldeploy: the command could not be started: {error}\n".encode())
            return 127, False
        reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        reader.start()
        code, timed_out = self._wait(process)
        end_group(process.pid, signal.SIGKILL)  # what it left running in the background
        reader.join(timeout=5)
        return code, timed_out

    def _wait(self, process: subprocess.Popen[bytes]) -> tuple[int, bool]:
        most = self.order.get("max_seconds")
        deadline = time.monotonic() + most if most else None
        kill_at: float | None = None
        timed_out = False
        while (code := reaped(process)) is None:
            time.sleep(LOOK_SECONDS)
            if deadline and time.monotonic() > deadline and not timed_out:
                timed_out = True
                self._say(f"mldeploy: its longest time, {most:.0f} s, is over\n".encode())
            if (self.stopped or timed_out) and kill_at is None:
                end_group(process.pid, signal.SIGTERM)
                kill_at = time.monotonic() + self.order.get("grace", GRACE_SECONDS)
            if kill_at and time.monotonic() > kill_at:
                end_group(process.pid, signal.SIGKILL)
        return code, timed_out

    def _read(self, pipe: Any) -> None:
        epoch = 0
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as metrics:
            for line in pipe:
                self._say(line)
                if begun := re.match(rb"Epoch (\d+)/\d+", line):
                    epoch = int(begun[1])
                found = metric(line)
                for one in [found] if found else keras_metrics(line, epoch):
                    metrics.write(json.dumps(one) + "\n")
                    metrics.flush()

    def _say(self, line: bytes) -> None:
        self.last.append(line.decode("utf-8", "replace").rstrip("\r\n"))
        try:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        except OSError as error:  # a full disk must not end what still computes
            if error.errno not in (errno.ENOSPC, errno.EPIPE):
                raise

    def _stop(self, *_: object) -> None:
        self.stopped = True


# What it was, from what is known of its end. Pure.


def ending(
    code: int, last: list[str], stopped: bool, timed_out: bool, lack: bool, free: int
) -> str:
    """The name of an end. ``lack``: the kernel killed for want of memory meanwhile; ``free`` is in
    bytes, of the disk."""
    said = "\n".join(last)
    if timed_out:
        return "timed-out"
    if code == 0:
        return "succeeded"
    if stopped:
        return "stopped"
    if lack or "MemoryError" in said or "out of memory" in said.lower():
        return "out-of-memory"
    if "No space left on device" in said or "Disk quota exceeded" in said or free < RESERVE_BYTES:
        return "disk-full"
    return "failed"


KERAS = re.compile(r"(\d+)/(\d+) .*?((?: - \w+: [-+.\deinfa]+)+)\s*$")


def keras_metrics(line: bytes, epoch: int) -> list[dict[str, Any]]:
    """What Keras prints at the end of an epoch: ``60/60 [====] - 5s - loss: 0.2 - acc: 0.9``.

    Its bar is drawn over itself; what counts is the last state, when it is full.
    """
    last = re.split(rb"[\r\x08]+", line.strip(b"\r\n\x08 "))[-1].decode("utf-8", "replace")
    found = KERAS.search(last)
    if not found or found[1] != found[2]:
        return []
    pairs = [pair.partition(": ") for pair in found[3].split(" - ") if pair]
    at = time.time()
    told = []
    for name, _, value in pairs:
        with suppress(ValueError):
            told.append({"metric": name, "value": float(value), "step": epoch, "at": at})
    return told


def metric(line: bytes) -> dict[str, Any] | None:
    """A line such as {"metric": "loss", "value": 0.3, "step": 5}; None for any other."""
    if not line.lstrip().startswith(b"{") or b'"metric"' not in line:
        return None
    try:
        told = json.loads(line)
        name, value = told["metric"], told["value"]
        step = told.get("step", told.get("epoch", 0))
        fits = isinstance(name, str) and isinstance(step, int) and not isinstance(value, bool)
        if not fits or not isinstance(value, (int, float)):
            return None
    except (ValueError, KeyError, TypeError):
        return None
    return {"metric": name, "value": value, "step": step, "at": time.time()}


# What came of it


def snapshot(code: Path) -> dict[str, list[int]]:
    """Size and time of each file that was sent: what is otherwise afterwards is an output."""
    return {name: marks(code / name) for name in files_of(code)}


def marks(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


def files_of(folder: Path) -> list[str]:
    """Regular files below, but for caches and environments."""
    found = []
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in NEVER)
        for name in sorted(names):
            path = Path(top, name)
            if path.is_file() and not path.is_symlink() and not name.endswith(".pyc"):
                found.append(path.relative_to(folder).as_posix())
    return found


def listed(folder: Path) -> dict[str, list[int]]:
    """The output folder's files as they are now, for who copies checkpoints while it runs."""
    order = json.loads((folder / "order.json").read_text("utf-8"))
    outputs = folder / "code" / order["outputs"]
    found: dict[str, list[int]] = {}
    for name in files_of(outputs):
        try:
            found[name] = marks(outputs / name)
        except OSError:  # it was a draft, and has its final name now
            continue
    return found


def printed(folder: Path) -> dict[str, float]:
    """The last value of each metric that was printed so far."""
    lines = (folder / "metrics.jsonl").read_text("utf-8").splitlines()
    whole = [json.loads(line) for line in lines if line.endswith("}")]
    return {one["metric"]: one["value"] for one in whole}


def pack(folder: Path) -> dict[str, Any]:
    """Lay out what is new or changed in groups to fetch, each file with its SHA-256."""
    code, kept = folder / "code", folder / "kept"
    (folder / "reserve").unlink(missing_ok=True)
    shutil.rmtree(kept, ignore_errors=True)
    before = json.loads((folder / "before.json").read_text("utf-8"))
    listing: list[dict[str, Any]] = []
    group, filled = 1, 0
    for name in files_of(code):
        source = code / name
        size, _ = found = marks(source)
        if before.get(name) == found:
            continue
        if filled and filled + size > GROUP_BYTES:
            group, filled = group + 1, 0
        filled += size
        path = place_of(name)
        to = kept / f"g{group:04}" / path
        to.parent.mkdir(parents=True, exist_ok=True)
        link(source, to)
        listing.append(
            {
                "path": path,
                "bytes": size,
                "sha256": hashed(to),
                "executable": bool(to.stat().st_mode & 0o100),
                "group": f"g{group:04}",
            }
        )
    if (metrics := folder / "metrics.jsonl").exists() and metrics.stat().st_size:
        (kept / "g0000").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(metrics, kept / "g0000" / "metrics.jsonl")
        told = {"path": "metrics.jsonl", "executable": False, "group": "g0000"}
        told["bytes"], told["sha256"] = metrics.stat().st_size, hashed(metrics)
        listing.insert(0, told)
    kept.mkdir(exist_ok=True)
    write(kept / "manifest.json", {"files": listing})
    return {"files": len(listing), "bytes": sum(one["bytes"] for one in listing)}


def place_of(name: str) -> str:
    """MLflow's own files go to `runs`, all else to `outputs`."""
    top = name.partition("/")[0]
    is_run = top in RUNS or name.startswith(f"{RUNS[0]}-")  # a journal belongs to its database
    return f"{'runs' if is_run else 'outputs'}/{name}"


def link(source: Path, to: Path) -> None:
    try:
        os.link(source, to)
    except OSError:  # another file system, or one without such links
        shutil.copy2(source, to)


def hashed(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def restore(resumed: Path, code: Path) -> None:
    """What an earlier job left comes into its place; it counts as made by this one."""
    if not resumed.is_dir():
        return
    for name in files_of(resumed):
        to = code / name
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(resumed / name, to)


def also_known_as(outputs: Path, other: Path) -> None:
    """The output folder's second name, for code that knows no environment variables."""
    if other.is_dir() and not other.is_symlink():
        other.rmdir()  # as the image has it: empty
    if not other.is_symlink():
        other.symlink_to(outputs)


# The machine


def reaped(process: subprocess.Popen[bytes]) -> int | None:
    """The command's code once it has ended; takes leave of any other process that was left to us,
    as the first one of a container must."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return process.returncode
        if pid == 0:
            return process.returncode
        if pid == process.pid:
            process.returncode = os.waitstatus_to_exitcode(status)


def end_group(group: int, how: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, how)


def kills() -> int:
    """How often the kernel killed for want of memory: in this container, else on the machine."""
    for path, word in (
        ("/sys/fs/cgroup/memory.events", "oom_kill"),
        ("/sys/fs/cgroup/memory/memory.oom_control", "oom_kill"),
        ("/proc/vmstat", "oom_kill"),
    ):
        try:
            lines = Path(path).read_text("utf-8").splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, count = line.partition(" ")
            if name == word:
                return int(count)
    return 0


def room(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def read_state(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / "state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def write_state(folder: Path, state: dict[str, Any]) -> None:
    write(folder / "state.json", state)


def write(path: Path, told: dict[str, Any]) -> None:
    """Whole or not at all: somebody else reads it meanwhile."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(told), "utf-8")
    draft.replace(path)


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")  # noqa: UP017 - Python 3.10 too


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), *sys.argv[2:3]))
