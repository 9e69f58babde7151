"""One start of a release as a process: its folder, what its server wrote there, and is it alive?

A server runs *in* its run's folder, and that is how we know it again: a process whose working
directory is this very folder. A reused process id has another; the server of a copied project stays
in the original; a moved project's server moved along with it.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVER = Path(__file__).parent.parent / "project_side" / "serve_bento.py"
KILL_SECONDS = 5.0
STOP_SECONDS = 20.0  # the server's own grace of 10 s for requests in flight, and some more


@dataclass(frozen=True)
class Run:
    """One start of one release: its folder, and what the server wrote there."""

    folder: Path

    @property
    def release(self) -> str:
        return self.folder.name.partition("-")[2]

    @property
    def identity(self) -> str:
        """What the server in this folder, and no other, says of itself in ``x-mldeploy-run``."""
        here = self.folder.stat()
        return f"{here.st_dev}-{here.st_ino}"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def wrote(self, name: str) -> dict[str, Any] | None:
        """The facts in one of the server's files, or None before it wrote them."""
        try:
            facts: dict[str, Any] = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return facts


def process_of(run: Run) -> Any:
    """The live server of ``run`` as a psutil.Process, or None: the check named above."""
    facts = run.wrote("started.json")
    if facts is None:
        return None
    import psutil

    try:
        process = psutil.Process(facts["pid"])
        there = process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).samefile(
            run.folder
        )
    except (psutil.Error, OSError):
        return None
    return process if there else None


def home_of_copy(run: Run) -> str | None:
    """The project whose live server this run's record really describes, if it is another one."""
    import psutil

    facts = run.wrote("started.json") or {}
    with suppress(psutil.Error, KeyError, OSError):
        process = psutil.Process(facts["pid"])
        if (
            SERVER.name in " ".join(process.cmdline())
            and Path(process.cwd()).name == run.folder.name
        ):
            return project_of(process)
    return None


def project_of(process: Any) -> str:
    folder = Path(process.cwd())
    return str(next((p.parent for p in folder.parents if p.name == ".mldeploy"), folder))


def end(run: Run, process: Any, reason: str) -> bool:
    """Ask the server to finish its requests and end; kill it if need be. True when it is gone."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        process.terminate()
        if not _gone_within(run, STOP_SECONDS):
            process.kill()
            _gone_within(run, KILL_SECONDS)
    mark_ended(run, reason)
    return process_of(run) is None


def _gone_within(run: Run, seconds: float) -> bool:
    """Not psutil's own wait: that waits for a zombie too, until whoever adopted it looks."""
    deadline = time.monotonic() + seconds
    while process_of(run) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def mark_ended(run: Run, reason: str) -> None:
    facts = {"at": time.time(), "reason": reason}
    (run.folder / "stopped.json").write_text(json.dumps(facts), encoding="utf-8")


def tail(run: Run) -> str:
    with suppress(OSError):
        return "\n".join(run.log.read_text(errors="replace").rstrip().splitlines()[-15:])
    return ""
