"""From `mldeploy new` to a prediction on a bare machine behind SSH: the time of each step.

Called by `journey.py --far`. The machine is one of the lab's, with nothing but an sshd: Docker is
installed on it, out of Debian's packages. The two base images, which it would pull from a registry,
are put there by the lab and not timed: no registry is in reach here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from journey import INSTALL_SECONDS, BenchmarkError, Ours, Step, _timed, _told, progress_parts  # noqa: E402
from startup import clean_environment, table  # noqa: E402

from mldeploy.ui import Ui  # noqa: E402
from tests.lab.bare import bare_host  # noqa: E402
from tests.lab.host import Host  # noqa: E402

BOX = '\n[targets.box]\nkind = "ssh"\nhost = "box"\nreplicas = 2\n'


def main(*, as_json: bool) -> int:
    try:
        with (
            tempfile.TemporaryDirectory(prefix="mldeploy-journey-") as folder,
            bare_host(Ui()) as host,
        ):
            steps = journey(host, Path(folder))
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps([{"step": one.name, "seconds": one.seconds} for one in steps], indent=2))
    else:
        print(text(steps))
    return 0


def journey(host: Host, folder: Path) -> list[Step]:
    laptop = host.write_laptop(folder / "laptop")
    # Its ssh, and no Docker; the rest of the environment stays, with uv's cache.
    environment = clean_environment(os.environ) | {
        "PATH": laptop.environment["PATH"],
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
    }
    ours = Ours(folder / "function-docs", environment)
    steps = [ours.new()]
    ours.prepare()
    settings = ours.root / "mldeploy.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + BOX, encoding="utf-8")
    steps += ours.train()
    steps.append(_install_docker(ours, host))
    host.load_images()
    steps.append(_far(ours, "first up box", "up", "box"))
    steps.append(_far(ours, "predict box", "predict", "box"))
    ours.edit({}, 1)
    steps.append(_far(ours, "up box after a line of code", "up", "box"))
    steps.append(_far(ours, "rollback box", "rollback", "box"))
    steps.append(_far(ours, "down box", "down", "box"))
    return steps


def _install_docker(ours: Ours, host: Host) -> Step:
    """`doctor --fix` ends with 1 all the same: the base images can't be pulled here."""
    words = [ours.mldeploy, "doctor", "box", "--fix", "--yes"]
    began = time.perf_counter()
    done = subprocess.run(
        words,
        cwd=ours.root,
        env=ours.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
    )
    seconds = time.perf_counter() - began
    if not host.engine_answers():
        raise BenchmarkError(f"Docker was not installed:\n{done.stdout}{done.stderr}")
    name = "mldeploy doctor box --fix --yes"
    return _told(Step("install Docker there", name, seconds, progress_parts(done.stderr)))


def _far(ours: Ours, name: str, *words: str) -> Step:
    seconds, _, stderr = _timed(
        [ours.mldeploy, *words], ours.root, ours.environment, INSTALL_SECONDS
    )
    return _told(Step(name, f"mldeploy {' '.join(words)}", seconds, progress_parts(stderr)))


def text(steps: list[Step]) -> str:
    rows = []
    for step in steps:
        rows.append([step.stage, f"`{step.name}`", f"{step.seconds:.1f}"])
        rows += [["", f"  {part}", f"{took:.1f}"] for part, took in _parts(step).items()]
    return table(["step", "command", "s"], rows)


def _parts(step: Step) -> Mapping[str, float]:
    return {name: took for name, took in step.parts.items() if took >= 0.1}
