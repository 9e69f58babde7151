"""How long does a command take to start? `mldeploy` beside its peers, in one run.

usage: .venv/bin/python benchmarks/startup.py [--runs N] [--project DIR] [--json]

Every peer is installed in an environment of its own and run until its bytecode is written. Then
rounds: in each one every command runs once, so that a busy machine slows all of them alike.
It measures and judges in words; the exit code is 0 whatever it finds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from uv import find_uv_bin

INSTALL_SECONDS, COMMAND_SECONDS = 900, 120
WARM_UPS = 2

# What a measured program must not inherit: without bytecode everything is 1.7 to 3 times slower.
NOT_INHERITED = (
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
)
NO_TELEMETRY = {
    "BENTOML_DO_NOT_TRACK": "True",  # BentoML compares with this spelling only
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "SKYPILOT_DISABLE_USAGE_COLLECTION": "1",
    "DO_NOT_TRACK": "true",
}

CONFIGURATION = """\
[project]
name = "start-up"
service = "start_up.service:StartUp"
model = "start-up@champion"
golden = "tests/golden.json"

[targets.local]
kind = "process"
port = 3000
"""

HELP, STATUS, LIBRARY, BARE = (
    "mldeploy --help",
    "mldeploy status (down)",
    'python -c "import click"',
    "python -c pass",
)


@dataclass(frozen=True)
class Peer:
    """A tool that people compare mldeploy with: its package and its command."""

    package: str
    command: str


PEERS = (
    Peer("bentoml", "bentoml"),
    Peer("mlflow", "mlflow"),
    Peer("copier", "copier"),
    Peer("skypilot", "sky"),
    Peer("dstack", "dstack"),
)


@dataclass(frozen=True)
class Command:
    """Something to start: what the table calls it, its words, and the package's version."""

    name: str
    words: tuple[str, ...]
    version: str = ""
    peer: bool = False


@dataclass(frozen=True)
class Measured:
    """Wall times of one command in seconds, one for each round, in the order of the rounds."""

    name: str
    version: str
    peer: bool
    seconds: tuple[float, ...]


def main() -> int:
    options = _options()
    environment = clean_environment(os.environ)
    commands, missing = _peers(options.cache, environment)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "mldeploy.toml").write_text(CONFIGURATION, encoding="utf-8")
        everything = [*_ours(project, options.project, environment), *commands]
        home = options.cache / "home"  # the peers write their settings there, not in yours
        home.mkdir(parents=True, exist_ok=True)
        measured, failed = _measure(everything, environment | {"HOME": str(home)}, options.runs)
    missing |= failed
    if options.json:
        print(json.dumps(as_json(measured, missing)))
    else:
        print(report(measured, missing))
    return 0


# Pure: numbers in, numbers or words out.


def clean_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment without what would slow Python down, and with telemetry off."""
    kept = {key: value for key, value in inherited.items() if key not in NOT_INHERITED}
    return kept | NO_TELEMETRY


def paired_ratio(of: Sequence[float], to: Sequence[float]) -> float:
    """The median over rounds of ``of / to``: noise that slows a whole round cancels out."""
    return statistics.median(a / b for a, b in zip(of, to, strict=True))


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that is Markdown too: the first column to the left, numbers to the right."""
    lines = [list(headings), *[list(row) for row in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(headings))]
    rule = ["-" * widths[0], *["-" * (width - 1) + ":" for width in widths[1:]]]
    return "\n".join(
        "| "
        + " | ".join(
            [line[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        )
        + " |"
        for line in [lines[0], rule, *lines[1:]]
    )


def verdicts(measured: Sequence[Measured]) -> list[str]:
    """The two claims of the project for each of our commands, in words with their numbers."""
    by_name = {each.name: each.seconds for each in measured}
    peers = [each for each in measured if each.peer]
    said = []
    for name, seconds in by_name.items():
        if not name.startswith("mldeploy"):
            continue
        if peers:
            ratios = {peer.name: paired_ratio(peer.seconds, seconds) for peer in peers}
            nearest = min(ratios, key=lambda peer: ratios[peer])
            holds = "yes" if ratios[nearest] > 1 else "NO"
            said.append(
                f"{name} faster than every measured peer: {holds}; "
                f"the nearest, {nearest}, takes {ratios[nearest]:.1f}x as long"
            )
        if LIBRARY in by_name:
            ratio = paired_ratio(seconds, by_name[LIBRARY])
            holds = "yes" if ratio <= 2 else "NO"
            said.append(f"{name} within 2x of importing click: {holds}; {ratio:.2f}x")
    return said


def report(measured: Sequence[Measured], missing: Mapping[str, str]) -> str:
    by_name = {each.name: each.seconds for each in measured}
    rows = [
        [
            f"`{each.name}`" + (f" {each.version}" if each.version else ""),
            f"{statistics.median(each.seconds) * 1000:.0f}",
            f"{min(each.seconds) * 1000:.0f}-{max(each.seconds) * 1000:.0f}",
            *(
                f"{paired_ratio(each.seconds, by_name[other]):.2f}" if other in by_name else "-"
                for other in (HELP, LIBRARY)
            ),
        ]
        for each in sorted(measured, key=lambda each: statistics.median(each.seconds))
    ]
    rounds = len(measured[0].seconds) if measured else 0
    headings = ["command", "median ms", "min-max ms", "to mldeploy --help", "to import click"]
    return "\n".join(
        [
            f"{rounds} interleaved rounds; a ratio is the median of the rounds' own ratios.",
            "",
            table(headings, rows),
            "",
            *verdicts(measured),
            *(f"not measured: {name}: {why}" for name, why in missing.items()),
        ]
    )


def as_json(measured: Sequence[Measured], missing: Mapping[str, str]) -> dict[str, object]:
    """Times in seconds."""
    return {
        "commands": [
            asdict(each) | {"median": statistics.median(each.seconds)} for each in measured
        ],
        "verdicts": verdicts(measured),
        "not_measured": dict(missing),
    }


# Effects: environments, processes, clocks.


def cache_folder(name: str) -> Path:
    """Where benchmarks keep what takes long to make; never in the repository."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mldeploy-benchmarks" / name


def own_script(name: str) -> Path:
    """A console script of the environment that runs us."""
    return Path(sys.executable).with_name(name)


def base_interpreter() -> Path:
    """The Python that our environment was made from, not a shim: those take seconds to start."""
    base = Path(sys.base_prefix) / "bin" / "python3"
    return base if base.exists() else Path(sys.executable)


def last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=15, metavar="N", help="rounds (15)")
    parser.add_argument("--project", type=Path, metavar="DIR", help="also its `status`")
    parser.add_argument("--cache", type=Path, default=cache_folder("startup"), metavar="DIR")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs must be 1 or more")
    options.cache = options.cache.resolve()
    return options


def _ours(project: Path, running: Path | None, environment: dict[str, str]) -> list[Command]:
    mldeploy = str(own_script("mldeploy"))
    commands = [
        Command(BARE, (sys.executable, "-c", "pass")),
        Command(LIBRARY, (sys.executable, "-c", "import click")),
        Command(HELP, (mldeploy, "--help")),
        Command(STATUS, (mldeploy, "-C", str(project), "status")),
    ]
    if running is not None:
        words = (mldeploy, "-C", str(running.resolve()), "status")
        asked = subprocess.run(
            [*words, "--json"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        try:
            state = json.loads(asked.stdout)["state"]
        except (ValueError, KeyError):
            state = "unknown"
        commands.append(Command(f"mldeploy status ({state})", words))
    return commands


def _peers(cache: Path, environment: dict[str, str]) -> tuple[list[Command], dict[str, str]]:
    """Each peer's `--help`, installed if it isn't yet; and why one could not be installed."""
    commands, missing = [], {}
    for peer in PEERS:
        name = f"{peer.command} --help"
        try:
            version = _install(peer, cache / peer.package, environment)
        except (subprocess.SubprocessError, OSError) as error:
            said = getattr(error, "stderr", None) or str(error)
            missing[name] = f"{peer.package} was not installed: {last_line(str(said))}"
            continue
        words = (str(cache / peer.package / "bin" / peer.command), "--help")
        commands.append(Command(name, words, version, peer=True))
    return commands, missing


def _install(peer: Peer, folder: Path, environment: dict[str, str]) -> str:
    """Install the newest version that installs; returns that version."""
    done = folder / "installed.txt"  # written last: a folder without it is half an environment
    if not done.exists():
        print(f"installing {peer.package} …", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        uv, python = find_uv_bin(), str(folder / "bin" / "python")
        ask = f"import importlib.metadata as m; print(m.version({peer.package!r}))"
        said = ""
        for words in (
            [uv, "venv", "--quiet", "--python", str(base_interpreter()), str(folder)],
            [uv, "pip", "install", "--quiet", "--python", python, peer.package],
            [python, "-c", ask],
        ):
            said = subprocess.run(
                words,
                env=environment,
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                check=True,
            ).stdout
        done.write_text(said.strip(), encoding="utf-8")
    return done.read_text(encoding="utf-8")


def _measure(
    commands: Sequence[Command], environment: dict[str, str], rounds: int
) -> tuple[list[Measured], dict[str, str]]:
    failed: dict[str, str] = {}
    for command in commands:
        print(f"warming up {command.name} …", file=sys.stderr)
        for _ in range(WARM_UPS):  # the first run writes bytecode
            try:
                _seconds(command, environment)
            except (subprocess.SubprocessError, OSError) as error:
                failed[command.name] = last_line(str(getattr(error, "stderr", "") or error))
                break
    working = [command for command in commands if command.name not in failed]
    seconds: dict[str, list[float]] = {command.name: [] for command in working}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds} …", file=sys.stderr)
        start = number % max(1, len(working))  # nobody always runs after the same neighbour
        for command in [*working[start:], *working[:start]]:
            seconds[command.name].append(_seconds(command, environment))
    measured = [Measured(c.name, c.version, c.peer, tuple(seconds[c.name])) for c in working]
    return measured, failed


def _seconds(command: Command, environment: dict[str, str]) -> float:
    """Wall time of the whole process in seconds; its output is discarded."""
    began = time.perf_counter()
    subprocess.run(
        command.words,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=COMMAND_SECONDS,
        check=True,
    )
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
