"""A release to a machine behind SSH: mldeploy beside `docker save IMAGE | ssh HOST docker load`.

usage: .venv/bin/python benchmarks/ship.py [--trained PROJECT] [--rate KBIT] [--json]

Timed is the way from a release's folder to its image on the host's engine, for a first release, for
a change of code, and for a second project on the same host. Bytes are those of the host's SSH port,
towards it, headers included. The peer ships the very same image, which it has to build here first:
that is timed apart. `--rate` slows the line, both ways, to so many kbit/s.

The host is one of the lab's (`python -m tests.lab engine` first): a container with an sshd and an
engine of its own, so both sides share this machine's processors.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from startup import table  # noqa: E402 - the folders above come first

from mldeploy import build, project  # noqa: E402
from mldeploy.engines.docker import DockerEngine  # noqa: E402
from mldeploy.project import Project  # noqa: E402
from mldeploy.release import Release  # noqa: E402
from mldeploy.ui import Ui  # noqa: E402
from tests.conftest import MLDEPLOY, copy_of  # noqa: E402
from tests.lab.host import Host  # noqa: E402
from tests.lab.hosts import lab_host  # noqa: E402

SHIP_SECONDS = 1800
TARGETS = """
[targets.there]
kind = "ssh"
host = "box"

[targets.here]
kind = "ssh"
host = "box"
build = "here"
"""


@dataclass(frozen=True)
class Measured:
    """``seconds`` and ``sent`` (bytes to the host) of one way; ``before`` is what it needed first,
    in seconds, on this machine."""

    what: str
    way: str
    sent: int
    seconds: float
    before: float = 0.0


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="mldeploy-ship-") as folder:
        base = Path(folder)
        trained = arguments.trained or _train(base)
        with lab_host(Ui()) as host:
            os.environ["PATH"] = host.write_laptop(base / "laptop").environment["PATH"]
            if arguments.rate:
                host.slow(rate_kbit=arguments.rate)
            found = measure(host, trained, base)
    if arguments.json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    else:
        print(text(found))


def measure(host: Host, trained: Path, base: Path) -> list[Measured]:
    one, two = (_project(trained, base / name, name) for name in ("ship-one", "ship-two"))
    found: list[Measured] = []
    for what, here, change in (
        ("first release", one, ""),
        ("change of code", one, "another line"),
        ("second project", two, ""),
    ):
        release = _release(here, change)
        image, before = _built_here(here, release)
        for way, ship in (
            # The peer first: it sends the same whenever it comes, but layers that the next way
            # brings would save it time.
            ("docker save | ssh docker load", partial(_piped, image)),
            ("built there", partial(_engine(here, "there").prepare, release, Ui())),
            ("built here", partial(_engine(here, "here").prepare, release, Ui())),
        ):
            sent, seconds = _timed(host, ship)
            needs = 0.0 if way == "built there" else before
            found.append(Measured(what, way, sent, seconds, needs))
            if way.startswith("docker"):  # or the next way would find it there
                host.exec(["docker", "rmi", image])
    return found


def text(found: list[Measured]) -> str:
    def whole(one: Measured) -> float:
        return one.seconds + one.before

    peers = {one.what: one for one in found if one.way.startswith("docker")}
    rows = [
        [
            one.what,
            one.way,
            f"{one.sent / 1000:,.0f}",
            f"{one.seconds:.1f}",
            f"{one.before:.1f}" if one.before else "-",
            f"{one.sent / peers[one.what].sent:.5f}",
            f"{whole(one) / whole(peers[one.what]):.2f}",
        ]
        for one in found
    ]
    heads = ["what", "way", "KB sent", "s", "build here s", "bytes to peer", "time to peer"]
    return table(heads, rows)


def _timed(host: Host, ship: Callable[[], None]) -> tuple[int, float]:
    sent, began = host.bytes_through()[0], time.monotonic()
    ship()
    took = time.monotonic() - began
    return host.bytes_through()[0] - sent, took


def _piped(image: str) -> None:
    command = f"docker save {image} | ssh box docker load"
    subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        check=True,
        timeout=SHIP_SECONDS,
        stdout=subprocess.DEVNULL,
    )


def _engine(here: Project, name: str) -> DockerEngine:
    target = here.config.targets[name]
    return DockerEngine(here, name, target)  # type: ignore[arg-type]


def _release(here: Project, change: str) -> Release:
    if change:
        (service,) = here.root.glob("src/*/service.py")
        service.write_text(f"{service.read_text()}\n# {change}\n")
    here.make_state()
    return build.build(here, Ui())


def _built_here(here: Project, release: Release) -> tuple[str, float]:
    """The same image on this machine's engine, which the peer needs, and what it took."""
    from mldeploy.engines.docker_client import connect
    from mldeploy.images import build as images
    from mldeploy.images.ingredients import collect
    from mldeploy.images.recipe import steps

    began = time.monotonic()
    made = images.ensure(connect(), steps(collect(here, "here", None, release)), Ui())
    return made.tag, time.monotonic() - began


def _project(trained: Path, root: Path, name: str) -> Project:
    copy = copy_of(trained, root)
    settings = copy / "mldeploy.toml"
    lines = settings.read_text().splitlines()
    named = [f'name = "{name}"' if line.startswith("name = ") else line for line in lines]
    settings.write_text("\n".join(named) + "\n" + TARGETS)
    return project.find(copy)


def _train(base: Path) -> Path:
    root = base / "function-docs"
    for words, cwd in (
        ([MLDEPLOY, "new", root, "--defaults"], base),
        ([root / ".venv/bin/function-docs", "train"], root),
    ):
        subprocess.run(list(map(str, words)), cwd=cwd, check=True, timeout=900)
    return root


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--trained", type=Path, help="a trained project of mldeploy new")
    parser.add_argument("--rate", type=float, default=0, help="kbit/s of the line; 0: as it is")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
