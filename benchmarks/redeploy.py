"""After a change: `mldeploy up docker` beside `bentoml build`, `containerize` and `docker run`.

usage: .venv/bin/python benchmarks/redeploy.py [--passes N] [--no-documented] [--json]

Three changes: a line of code, a new model, a new dependency; what makes the change (training,
locking) is not timed. Two peers: *same* builds the very same service, model and locked packages;
*documented* is the service as MLflow's and BentoML's documents have it, from journey.py. The sides
take turns, so that a busy machine slows all. Time ends when the new service answers `/readyz`: ours
through the edge, after the golden requests; the ends of old containers come after, on every side.
Needs a Docker engine with BuildKit: python -m tests.lab engine.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from journey import (
    READY_SECONDS,
    BenchmarkError,
    ByHand,
    Ours,
    _free_port,
    _is_ready,
    _say,
    _timed,
    edited,
    progress_parts,
)
from startup import cache_folder, clean_environment, own_script, table

from mldeploy.build import SCRIPTS
from mldeploy.images.buildkit import program

CONTAINERIZE_SECONDS = 1800
AIM = 1 / 5  # of the peer's time, after a change of code
CHANGES = ("code", "model", "dependency")
OURS, SAME, DOCUMENTED = "mldeploy up docker", "bentoml, same bento", "bentoml, as documented"
EXTRA = ("1.14.0", "1.15.0", "1.16.0", "1.17.0")  # versions of `six`: small, and pure Python

# What promotion does, without its judgement: the newest version serves next.
CHOOSE = """\
import shutil, sys
from mlflow.tracking import MlflowClient

client, name = MlflowClient("sqlite:///mlflow.db"), sys.argv[1]
newest = max(client.search_model_versions(f"name='{name}'"), key=lambda one: int(one.version))
client.set_registered_model_alias(name, "champion", newest.version)
shutil.copyfile(
    client.download_artifacts(newest.run_id, "serving/golden.json", sys.argv[2]),
    "tests/golden.json",
)
"""


@dataclass(frozen=True)
class Deployed:
    """One deployment: seconds of its steps, which make up the time until the new one answers.

    ``afterwards`` are seconds until the command ended, and ``size`` the bytes of the image.
    """

    change: str
    side: str
    steps: Mapping[str, float]
    afterwards: float
    size: int

    @property
    def seconds(self) -> float:
        return sum(self.steps.values())


class Side(Protocol):
    """One of those that are compared."""

    def change(self, kind: str, number: int) -> None: ...
    def deploy(self, kind: str) -> Deployed: ...


def main() -> int:
    options = _options()
    if program() is None:
        print("error: bentoml containerize needs a docker program with BuildKit", file=sys.stderr)
        return 1
    try:
        deployed = _run(options)
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; the containers are gone.", file=sys.stderr)
        return 130
    print(json.dumps(as_json(deployed)) if options.json else report(deployed))
    return 0


# Pure: measurements in, words out.


def of(deployed: Sequence[Deployed], change: str, side: str) -> list[Deployed]:
    return [one for one in deployed if (one.change, one.side) == (change, side)]


def parts_of(stderr: str) -> dict[str, float]:
    """Seconds by step of `up`, the three images apart."""
    found = re.findall(r"^  image: (\w+): \S+  \((\d+\.\d) s\)$", stderr, re.MULTILINE)
    others = {name: took for name, took in progress_parts(stderr).items() if name != "image"}
    images = {f"image of the {role.replace('image', 'release')}": float(s) for role, s in found}
    return {
        name.replace("start it beside what serves", "start"): s for name, s in others.items()
    } | images


def ratio(deployed: Sequence[Deployed], change: str, side: str) -> float:
    """Ours to a peer's: the median over passes of the ratios of one pass."""
    pairs = zip(of(deployed, change, OURS), of(deployed, change, side), strict=True)
    return statistics.median(ours.seconds / theirs.seconds for ours, theirs in pairs)


def report(deployed: Sequence[Deployed]) -> str:
    sides = list(dict.fromkeys(one.side for one in deployed))
    rows = []
    for change in dict.fromkeys(one.change for one in deployed):
        for side in sides:
            some = of(deployed, change, side)
            steps = ", ".join(
                f"{name} {statistics.median(one.steps.get(name, 0.0) for one in some):.1f}"
                for name in some[0].steps
            )
            seconds = [one.seconds for one in some]
            rows.append(
                [
                    f"{change}: {side}",
                    f"{statistics.median(seconds):.1f}",
                    f"{min(seconds):.1f}-{max(seconds):.1f}",
                    "" if side == OURS else f"{ratio(deployed, change, side):.2f}",
                    f"{some[-1].size / 1e6:.0f}",
                    steps,
                ]
            )
    headings = [
        "change: side",
        "s until it answers",
        "min-max",
        "ours to it",
        "image MB",
        "steps, s",
    ]
    return "\n".join([table(headings, rows), "", *verdicts(deployed)])


def verdicts(deployed: Sequence[Deployed]) -> list[str]:
    """Whether the aim for a change of code was met, by each peer, in words."""
    lines = []
    for side in dict.fromkeys(one.side for one in deployed if one.side != OURS):
        found = ratio(deployed, "code", side)
        word = "met" if found <= AIM else "missed"
        lines.append(f"{word}: a change of code takes {found:.2f} of {side}; the aim is {AIM:.2f}")
    later = statistics.median(one.afterwards for one in deployed if one.side == OURS)
    lines.append(f"mldeploy ends {later:.1f} s later, when the old replica has finished and ended")
    return lines


def as_json(deployed: Sequence[Deployed]) -> dict[str, object]:
    sides = dict.fromkeys(one.side for one in deployed if one.side != OURS)
    changes = dict.fromkeys(one.change for one in deployed)
    ratios = {side: {c: ratio(deployed, c, side) for c in changes} for side in sides}
    return {"aim": AIM, "ratios": ratios, "deployed": [asdict(one) for one in deployed]}


# Effects: an engine, processes, clocks.


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--passes", type=int, default=3, metavar="N", help="of each change (3)")
    parser.add_argument("--no-documented", action="store_true", help="leave that peer out")
    parser.add_argument("--cache", type=Path, default=cache_folder("redeploy"), metavar="DIR")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not 1 <= options.passes < len(EXTRA):
        parser.error(f"--passes must be from 1 to {len(EXTRA) - 1}")
    return options


def _run(options: argparse.Namespace) -> list[Deployed]:
    docker = str(program())
    folder = Path(tempfile.mkdtemp(prefix="mldeploy-redeploy-"))
    environment = clean_environment(os.environ) | {
        # bentoml calls whatever `docker` is first
        "PATH": os.pathsep.join([str(Path(docker).parent), os.environ.get("PATH", os.defpath)]),
        "XDG_CACHE_HOME": str(options.cache.resolve()),
    }
    _base_of_the_peers(docker, environment)
    deployed: list[Deployed] = []
    with ExitStack() as cleanup:
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        ours = MldeployUp(folder / "redeploy-bench", environment)
        cleanup.callback(ours.down)
        ours.make()
        sides: list[Side] = [ours]
        same = SameBento(folder / "same", environment, docker, ours)
        cleanup.callback(same.containers.down)
        sides.append(same)
        if not options.no_documented:
            documented = Documented(folder / "documented", environment, docker, ours)
            cleanup.callback(documented.containers.down)
            documented.install()
            sides.append(documented)
        _say("every side once, untimed: base images, first layers, caches")
        for side in sides:
            side.change("code", 0)
            side.change("model", 0)
            side.deploy("first")
        for number in range(1, options.passes + 1):
            for kind in CHANGES:
                for side in sides:
                    side.change(kind, number)
                turn = number % len(sides)
                deployed += [side.deploy(kind) for side in sides[turn:] + sides[:turn]]
    order = {name: place for place, name in enumerate((OURS, SAME, DOCUMENTED))}
    return sorted(deployed, key=lambda one: (CHANGES.index(one.change), order[one.side]))


class MldeployUp(Ours):
    """Our side; it is also where the peers' rows, models and parameters come from."""

    def make(self) -> None:
        self.port = _free_port()
        self.new()
        # A threshold that no change of a parameter fails: what is timed is not the judgement.
        params = self.root / "params.toml"
        params.write_text(edited(self.params(), {"minimum": 0.6}), encoding="utf-8")
        settings = self.root / "mldeploy.toml"
        text = settings.read_text(encoding="utf-8")
        text = re.sub(r"(?ms)^\[targets\.docker\].*?(?=^\[|\Z)", "", text)
        section = f'\n[targets.docker]\nkind = "docker"\nport = {self.port}\n'
        settings.write_text(text + section, encoding="utf-8")
        self.train()
        self._choose()

    @property
    def package(self) -> str:
        return next(self.root.glob("src/*/service.py")).parent.name

    def change(self, kind: str, number: int) -> None:
        if kind == "code":
            with next(self.root.glob("src/*/service.py")).open("a", encoding="utf-8") as code:
                code.write(f"\n# change {number}\n")
        elif kind == "model" and number:
            changes = {"max_iterations": 60 + 5 * number}
            file = self.root / "params.toml"
            file.write_text(edited(self.params(), changes), encoding="utf-8")
            self.train()
            self._choose()
        elif kind == "dependency":
            words = [str(own_script("uv")), "add", "--group", "serve", f"six=={EXTRA[number]}"]
            _timed(words, self.root, self.environment)

    def _choose(self) -> None:
        python = str(self.root / ".venv" / "bin" / "python")
        with tempfile.TemporaryDirectory() as place:
            words = [python, "-c", CHOOSE, self.root.name, place]
            _timed(words, self.root, self.environment)

    def model(self, folder: Path) -> None:
        """The champion's files, as a person would have fetched them."""
        python, script = self.root / ".venv" / "bin" / "python", SCRIPTS / "take_champion.py"
        with tempfile.TemporaryDirectory() as place:
            words = [str(python), str(script), self.root.name, "champion", place]
            _timed(words, self.root, self.environment)
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(Path(place, "serving"), folder)

    def pins(self) -> list[str]:
        words = ["export", "--quiet", "--locked", "--only-group", "serve", "--no-emit-project"]
        words += ["--no-header", "--no-annotate", "--no-hashes"]
        return _timed([str(own_script("uv")), *words], self.root, self.environment)[1].splitlines()

    def deploy(self, kind: str) -> Deployed:
        before = _release_at(self.port)
        answered: list[float] = []
        done = threading.Event()

        def watch() -> None:
            while not done.is_set():
                if (now := _release_at(self.port)) and now != before:
                    answered.append(time.perf_counter())
                    return
                time.sleep(0.02)

        watching = threading.Thread(target=watch)
        watching.start()
        began = time.perf_counter()
        try:
            words = [self.mldeploy, "up", "docker", "--json"]
            seconds, stdout, stderr = _timed(words, self.root, self.environment, READY_SECONDS * 5)
        finally:
            done.set()
            watching.join(timeout=30)
        if not answered:
            raise BenchmarkError(f"no new release answers after {stdout}")
        until = answered[0] - began
        shown = {name: took for name, took in parts_of(stderr).items() if name != "switch"}
        rest = max(0.0, until - sum(shown.values()))
        _say(f"{kind}: {OURS}: {until:.1f} s")
        tag = f"mldeploy-{self.root.name}-docker:{json.loads(stdout)['release']}"
        size = _size("docker", tag, self.environment)
        return Deployed(kind, OURS, {**shown, "the rest": rest}, seconds - until, size)

    def down(self) -> None:
        if (self.root / ".mldeploy").exists():
            words = [self.mldeploy, "down", "docker", "--yes"]
            _timed(words, self.root, self.environment)


class Containers:
    """`bentoml build`, `bentoml containerize`, `docker run`; and the end of what it started."""

    def __init__(self, name: str, docker: str, bentoml: Path, environment: dict[str, str]) -> None:
        self.name, self.docker, self.bentoml = name, docker, str(bentoml)
        self.environment = environment
        self.running = ""
        self.tags: list[str] = []

    def deploy(self, kind: str, side: str, folder: Path, request: bytes) -> Deployed:
        built, *_ = _timed([self.bentoml, "build"], folder, self.environment)
        tag = f"{self.name}:{len(self.tags)}"
        words = [self.bentoml, "containerize", f"{self.name}:latest", "--image-tag", tag]
        made, *_ = _timed(words, folder, self.environment, CONTAINERIZE_SECONDS)
        self.tags.append(tag)
        started = self._start(tag, request)
        steps = {"bentoml build": built, "containerize": made, "docker run, ready": started}
        _say(f"{kind}: {side}: {sum(steps.values()):.1f} s")
        return Deployed(kind, side, steps, 0.0, _size(self.docker, tag, self.environment))

    def _start(self, tag: str, request: bytes) -> float:
        port, old = _free_port(), self.running
        began = time.perf_counter()
        words = [self.docker, "run", "--detach", "--publish", f"127.0.0.1:{port}:3000", tag]
        _, stdout, _ = _timed(words, Path.cwd(), self.environment)
        self.running = stdout.strip()
        while not _is_ready(port):
            if time.perf_counter() - began > READY_SECONDS:
                raise BenchmarkError(f"{tag} was not ready: docker logs {self.running[:12]}")
            time.sleep(0.02)
        seconds = time.perf_counter() - began
        _predict(port, request)
        self._remove(old)
        return seconds

    def _remove(self, container: str) -> None:
        if container:
            _timed([self.docker, "rm", "--force", container], Path.cwd(), self.environment)

    def down(self) -> None:
        self._remove(self.running)
        for tag in self.tags:
            _timed([self.docker, "rmi", "--force", tag], Path.cwd(), self.environment)


class SameBento:
    """The service, model and locked packages of our side, in BentoML's own hands."""

    def __init__(
        self, root: Path, environment: dict[str, str], docker: str, ours: MldeployUp
    ) -> None:
        self.root, self.ours = root, ours
        bentoml = ours.root / ".venv" / "bin" / "bentoml"
        settings = environment | {"BENTOML_HOME": str(root.with_name("same-home"))}
        self.containers = Containers("same-bento", docker, bentoml, settings)

    def change(self, kind: str, number: int) -> None:
        """What our side has by now: it is changed first."""
        package = self.ours.package
        shutil.copytree(self.ours.root / "src", self.root, dirs_exist_ok=True)
        shutil.copyfile(self.ours.root / "params.toml", self.root / "params.toml")
        if kind == "model":
            self.ours.model(self.root / "models" / "champion")
        name = "".join(word.capitalize() for word in package.split("_"))
        packages = "".join(f"    - {json.dumps(pin)}\n" for pin in self.ours.pins())
        (self.root / "bentofile.yaml").write_text(
            f'service: "{package}.service:{name}"\nname: same-bento\ninclude: ["**"]\n'
            f"python:\n  lock_packages: false\n  packages:\n{packages}",
            encoding="utf-8",
        )

    def deploy(self, kind: str) -> Deployed:
        golden = json.loads((self.ours.root / "tests/golden.json").read_text(encoding="utf-8"))
        body = json.dumps(golden["requests"][0]["body"]).encode()
        return self.containers.deploy(kind, SAME, self.root, body)


class Documented(ByHand):
    """The service as the libraries' documents have it: the model as MLflow logs it."""

    def __init__(
        self, root: Path, environment: dict[str, str], docker: str, ours: MldeployUp
    ) -> None:
        super().__init__(root, environment)
        self.ours, self.extra = ours, ""
        bentoml = self.bin / "bentoml"
        self.containers = Containers("function-docs", docker, bentoml, self.environment)

    def change(self, kind: str, number: int) -> None:
        self.write(self.ours.rows(), self.ours.params(), number)
        if kind == "model":
            self.train()
            _timed([str(self.bin / "python"), "import_model.py"], self.root, self.environment)
        if kind == "dependency":
            self.extra = f', "six=={EXTRA[number]}"'
        file = self.service / "bentofile.yaml"
        text = file.read_text(encoding="utf-8").replace("pandas]", f"pandas{self.extra}]")
        file.write_text(text, encoding="utf-8")

    def deploy(self, kind: str) -> Deployed:  # type: ignore[override]  # to containers, and timed
        return self.containers.deploy(kind, DOCUMENTED, self.service, self.request)


def _base_of_the_peers(docker: str, environment: Mapping[str, str]) -> None:
    """BentoML writes `python:3.x-slim`, another name of the image that we name in full."""
    python = f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    try:
        _size(docker, python, environment)
    except BenchmarkError:
        _timed([docker, "tag", f"{python}-bookworm", python], Path.cwd(), environment)


def _predict(port: int, body: bytes) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/predict", data=body, headers={"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=READY_SECONDS) as response:
            json.load(response)
    except (urllib.error.URLError, ValueError) as error:
        raise BenchmarkError(f"a peer's prediction failed: {error}") from error


def _release_at(port: int) -> str:
    """Which release answers through the edge; empty if none does."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as response:
            return str(response.headers.get("x-mldeploy-release", ""))
    except OSError:
        return ""


def _size(docker: str, tag: str, environment: Mapping[str, str]) -> int:
    words = [docker, "image", "inspect", "--format", "{{.Size}}", tag]
    return int(_timed(words, Path.cwd(), environment)[1])


if __name__ == "__main__":
    sys.exit(main())
