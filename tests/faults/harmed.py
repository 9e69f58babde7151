"""`mldeploy up` with harm done at one moment of it, and what it said then."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import CHECKOUT, until
from tests.faults.far_place import FarPlace
from tests.faults.interrupted import Moment

REACH_SECONDS = 180
UP_SECONDS = 400


@dataclass(frozen=True)
class Told:
    """How a command ended; ``notes`` are its lines of progress from the harm on."""

    code: int
    answer: dict[str, Any]
    notes: str
    seconds: float

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.answer["error"]
        assert all(error[part] for part in ("what", "why", "do")), error
        return error


def up_with_harm(place: FarPlace, moment: Moment, harm: Callable[[], None]) -> Told:
    """``harm`` is done while the command stands still; its return lets the command go on."""
    with tempfile.TemporaryDirectory(prefix="mldeploy-harm-") as name:
        folder = Path(name)
        where = [moment.call, moment.when, str(moment.count), name]
        words = ["-C", str(place.root), "up", "box", "--json"]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.halted", *where, *words],
            cwd=CHECKOUT,
            env=place.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        place.started.append(process)
        told: list[tuple[str, str]] = []
        reading = threading.Thread(target=lambda: told.append(process.communicate()))
        reading.start()
        try:
            reached = folder / "reached"
            until(lambda: reached.exists() or process.poll() is not None, REACH_SECONDS)
            begun = time.monotonic()
            if reached.exists():
                harm()
            (folder / "go").touch()
            reading.join(UP_SECONDS)
            took = time.monotonic() - begun
            assert not reading.is_alive(), f"`up` did not end within {UP_SECONDS} s"
        finally:
            if process.poll() is None:
                process.kill()
            reading.join(30)
        was_reached = reached.exists()
    out, err = told[0]
    assert was_reached, f"it never came to this moment: {out}{err}"
    assert process.returncode in (0, 1, 2, 3), f"{process.returncode}: {out}{err}"
    assert "Traceback" not in err, err
    return Told(process.returncode, json.loads(out.splitlines()[-1]), err, took)
