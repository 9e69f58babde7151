"""A job on a machine behind SSH: `mldeploy run` beside `rsync … && ssh HOST docker run …`.

usage: .venv/bin/python benchmarks/jobs.py [--rounds N] [--project DIR] [--rate KBIT] [--json]

Timed is the way to the command's first line here, and to the prompt. The command says one word, so
that nothing is measured but what is around it: once with the code as it was, once after a line of
it was changed. The peer is what one types who has an image with the packages there already (it is
given ours); it keeps no log, fetches nothing that was made, brings no runs home, and ends when the
line is cut. Bytes are those of the host's SSH port, both ways, headers included. The sides take
turns in who begins. `--rate` slows the line, both ways, to so many kbit/s.

The host is one of the lab's (`python -m tests.lab engine` first): a container with an sshd and an
engine of its own, so both sides share this machine's processors. rsync is installed there first.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from startup import clean_environment, table  # noqa: E402 - the folders above come first

from mldeploy.ui import Ui  # noqa: E402
from tests.conftest import MLDEPLOY  # noqa: E402
from tests.lab.host import Host  # noqa: E402
from tests.lab.hosts import lab_host  # noqa: E402

RUN_SECONDS = 1800
WORD = "it-runs"
OURS, PEER = "mldeploy run", "rsync && ssh docker run"
FIRST, SAME, CHANGED = "first job", "unchanged", "a line of code"
BOX = '\n[targets.box]\nkind = "ssh"\nhost = "box"\n'
NOT_CODE = (".git", ".venv", ".mldeploy", "mlruns", "mlflow.db")


@dataclass(frozen=True)
class Measured:
    """``started`` and ``seconds`` to the first line and to the end; ``sent`` and ``got`` bytes."""

    what: str
    way: str
    started: float
    seconds: float
    sent: int
    got: int


def main() -> None:
    arguments = _arguments()
    with (
        tempfile.TemporaryDirectory(prefix="mldeploy-jobs-") as folder,
        lab_host(Ui()) as host,
    ):
        laptop = host.write_laptop(Path(folder, "laptop"))
        environment = clean_environment(os.environ) | {"PATH": laptop.environment["PATH"]}
        root = _project(arguments.project, Path(folder), environment)
        _install_rsync(host)
        if arguments.rate:
            host.slow(rate_kbit=arguments.rate)
        found = measure(host, root, environment, arguments.rounds)
    if arguments.json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    else:
        print(text(found))


def measure(host: Host, root: Path, environment: dict[str, str], rounds: int) -> list[Measured]:
    ours = [str(MLDEPLOY), "run", "--on", "box", "--", f"echo {WORD}"]
    found = [_timed(host, FIRST, OURS, ours, root, environment)]
    peer = ["sh", "-c", _by_hand(_image_there(host))]
    subprocess.run(peer, cwd=root, env=environment, check=True, timeout=RUN_SECONDS)
    for number in range(rounds):
        for what in (SAME, CHANGED):
            if what == CHANGED:
                _edit(root)
            ways = [(OURS, ours), (PEER, peer)]
            for way, words in ways if number % 2 else reversed(ways):
                found.append(_timed(host, what, way, words, root, environment))
    return found


def text(found: Sequence[Measured]) -> str:
    """Medians of the rounds; a ratio is the median of the rounds' own ratios."""
    rows = []
    for what in (FIRST, SAME, CHANGED):
        peers = [one for one in found if (one.what, one.way) == (what, PEER)]
        for way in (OURS, PEER):
            those = [one for one in found if (one.what, one.way) == (what, way)]
            if those:
                rows.append([what, way, *_figures(those), _ratio(those, peers)])
    return table(
        ["what", "way", "started s", "whole s", "KB sent", "KB got", "whole to peer"], rows
    )


def _figures(those: Sequence[Measured]) -> list[str]:
    def median(name: str) -> float:
        values: list[float] = [getattr(one, name) for one in those]
        return statistics.median(values)

    return [
        f"{median('started'):.1f}",
        f"{median('seconds'):.1f}",
        f"{median('sent') / 1000:,.0f}",
        f"{median('got') / 1000:,.0f}",
    ]


def _ratio(those: Sequence[Measured], peers: Sequence[Measured]) -> str:
    if not peers:
        return "-"
    pairs = zip(those, peers, strict=True)
    return f"{statistics.median(one.seconds / peer.seconds for one, peer in pairs):.2f}"


def _timed(
    host: Host, what: str, way: str, words: list[str], root: Path, environment: dict[str, str]
) -> Measured:
    before, began, started = host.bytes_through(), time.monotonic(), 0.0
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            words, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=said, text=True
        ) as process,
    ):
        for line in process.stdout or ():
            if line.strip() == WORD:
                started = time.monotonic() - began
        code = process.wait(timeout=RUN_SECONDS)
        seconds = time.monotonic() - began
        if code or not started:
            said.seek(0)
            raise SystemExit(f"{way} ended with {code}:\n{said.read()}")
    sent, got = (after - then for after, then in zip(host.bytes_through(), before, strict=True))
    return Measured(what, way, started, seconds, sent, got)


def _by_hand(image: str) -> str:
    left_out = " ".join(f"--exclude {name}" for name in NOT_CODE)
    return (
        f"rsync -a --delete {left_out} ./ box:work/ && "
        f"ssh box docker run --rm -v /root/work:/job/code {image} echo {WORD}"
    )


def _image_there(host: Host) -> str:
    """With the packages, which the peer mounts the code into."""
    shown = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "mldeploy-job-packages"]
    return host.exec(shown).split()[0]


def _install_rsync(host: Host) -> None:
    host.exec(["sh", "-c", "apt-get -q update && apt-get -qy install rsync"], timeout=300)


def _edit(root: Path) -> None:
    (file,) = root.glob("src/*/train.py")
    lines = [line for line in file.read_text().splitlines() if not line.startswith("# edit")]
    file.write_text("\n".join([*lines, f"# edit {secrets.token_hex(8)}"]) + "\n")


def _project(given: Path | None, folder: Path, environment: dict[str, str]) -> Path:
    """A new one, or a copy of one: its code is edited."""
    root = folder / "function-docs"
    words = [str(MLDEPLOY), "new", str(root), "--defaults"]
    if given:
        words = ["cp", "-r", str(given), str(root)]
    subprocess.run(words, cwd=folder, env=environment, check=True, timeout=900)
    settings = root / "mldeploy.toml"
    settings.write_text(settings.read_text() + BOX)
    return root


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="of each side")
    parser.add_argument("--project", type=Path, help="a project of mldeploy new, to copy")
    parser.add_argument("--rate", type=float, default=0, help="kbit/s of the line; 0: as it is")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
