"""Requests a second, latency, start and memory of a served model: ours beside its peers, one run.

usage: .venv/bin/python benchmarks/serving.py [--quick] [--rounds N] [--seconds S] [--json]

The same model and the same row, as JSON, one at a time. "ours" is the service of a generated
project, started by the program that `mldeploy up local` starts. The peers are what their
documentation shows: `bentoml serve` of a class with a scikit-learn model, `mlflow models serve`,
and a FastAPI app with `async def`, the last also with our ONNX file. "in process" is the bare
`predict` without any server. All servers of a model run at once and take turns, so that a busy
machine slows all of them; who is not asked sleeps. Everything listens on the loopback only.

It measures and judges in words; the exit code is 0 whatever it finds, 1 if it could not measure.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from startup import base_interpreter, cache_folder, clean_environment, last_line, own_script, table
from uv import find_uv_bin

STEP_SECONDS, READY_SECONDS, STOP_SECONDS = 1200, 120, 20
CONNECTIONS = (1, 16, 64)
KINDS = ("boosting", "forest", "linear", "empty")
OURS, BENTOML, MLFLOW, FASTAPI, FASTAPI_ONNX = (
    "ours",
    "bentoml serve",
    "mlflow models serve",
    "fastapi",
    "fastapi + onnx",
)
SERVE_BENTO = Path(__file__).parents[1] / "src" / "mldeploy" / "project_side" / "serve_bento.py"
ROOT = Path(__file__).parents[1]
PACKAGE, SLUG = "serving_benchmark", "serving-benchmark"


@dataclass(frozen=True)
class Load:
    """What one window of requests found; latencies in milliseconds."""

    requests_a_second: float
    p50: float
    p99: float
    errors: int


@dataclass
class Measured:
    """One server with one kind of model."""

    kind: str
    server: str
    ready_seconds: list[float] = field(default_factory=list)  # to the first right answer
    loads: dict[int, list[Load]] = field(default_factory=dict)  # by connections, in rounds
    memory_mib: float = 0.0  # PSS of all its processes after the load; RSS where there is no PSS
    processes: int = 0


@dataclass(frozen=True)
class Request:
    """A request that every server of a kind must answer with ``expected``, a probability."""

    path: str
    body: bytes
    expected: float | None


@dataclass(frozen=True)
class Contestant:
    """A server to start: its words get the port, its answer is looked for in ``request``."""

    name: str
    words: tuple[str, ...]
    folder: Path
    request: Request
    takes_orders: bool = False  # ours listens on a port of its own choice first


class BenchmarkError(Exception):
    """Something could not be measured; the message says what, and the program's last words."""


def main() -> int:
    options = _options()
    environment = clean_environment(os.environ)
    load = "wrk" if shutil.which("wrk") else "built-in"
    if load != "wrk":
        _say("wrk is missing (apt install wrk): the built-in client costs more than the servers")
    try:
        with tempfile.TemporaryDirectory(prefix="serving-") as folder:
            made = _Made(Path(folder), options.cache, environment)
            measured = _measure(made, options, load)
            bare = made.bare(options.kinds)
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; the servers are down.", file=sys.stderr)
        return 130
    print(json.dumps(as_json(measured, bare, load)) if options.json else report(measured, bare))
    return 0


# Pure: numbers in, numbers or words out.


def middle(values: Sequence[float]) -> float:
    return statistics.median(values) if values else float("nan")


def ratio(ours: Measured, other: Measured, connections: int) -> float:
    """Requests a second, ours to theirs: the median of the rounds' own ratios."""
    pairs = zip(ours.loads[connections], other.loads[connections], strict=True)
    return middle([a.requests_a_second / max(b.requests_a_second, 0.01) for a, b in pairs])


def rows(measured: Sequence[Measured], bare: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    """A line for each server: requests a second, p50 and p99 by connections; start; memory."""
    lines = []
    for each in measured:
        cells = [each.kind, each.server]
        for connections in sorted(each.loads):
            loads = each.loads[connections]
            cells += [
                f"{middle([one.requests_a_second for one in loads]):.0f}",
                "/".join(
                    f"{middle([getattr(one, name) for one in loads]):.1f}"
                    for name in ("p50", "p99")
                ),
            ]
        errors = sum(one.errors for loads in each.loads.values() for one in loads)
        cells += [str(errors), f"{middle(each.ready_seconds):.2f}", f"{each.memory_mib:.0f}"]
        lines.append(cells)
        last = each is measured[-1] or measured[measured.index(each) + 1].kind != each.kind
        for name, per_second in bare.get(each.kind, {}).items() if last else ():
            empty = ["-"] * (len(cells) - 3)
            lines.append([each.kind, f"in process, {name}", f"{per_second:.0f}", *empty])
    return lines


def verdicts(measured: Sequence[Measured]) -> list[str]:
    """The aims, each with its numbers."""
    by = {(each.kind, each.server): each for each in measured}
    said = []

    def speed(kind: str, peer: str, wanted: float) -> None:
        if (kind, OURS) not in by or (kind, peer) not in by:
            return
        ours, other = by[kind, OURS], by[kind, peer]
        found = {c: ratio(ours, other, c) for c in sorted(ours.loads)}
        numbers = ", ".join(f"{value:.1f}x at {c}" for c, value in found.items())
        outcome = "reached" if min(found.values()) >= wanted else "NOT reached everywhere"
        said.append(f"{kind}: {wanted:.0f} times the requests of {peer}: {outcome}: {numbers}")

    for kind in ("boosting", "forest"):
        speed(kind, MLFLOW, 10)
    speed("linear", MLFLOW, 2)
    speed("empty", BENTOML, 2)
    for kind in KINDS:
        if (kind, OURS) not in by or (kind, BENTOML) not in by:
            continue
        ours, other = by[kind, OURS], by[kind, BENTOML]
        found = middle(
            [a / b for a, b in zip(ours.ready_seconds, other.ready_seconds, strict=True)]
        )
        outcome = "reached" if found <= 0.5 else "NOT reached"
        said.append(f"{kind}: ready in half of {BENTOML}'s time: {outcome}: {found:.2f}")
        tails = []
        for peer in (BENTOML, MLFLOW):
            if (kind, peer) not in by:
                continue
            for c in sorted(ours.loads):
                mine, theirs = (
                    middle([one.p99 for one in each.loads[c]]) for each in (ours, by[kind, peer])
                )
                if not mine < theirs:
                    tails.append(f"{mine:.1f} ms against {theirs:.1f} of {peer} at {c}")
        said.append(f"{kind}: p99 below both: {'NOT: ' + '; '.join(tails) if tails else 'reached'}")
    errors = sum(
        one.errors
        for e in measured
        if e.server == OURS
        for loads in e.loads.values()
        for one in loads
    )
    said.append(f"no errors of ours: {'reached' if not errors else f'NOT: {errors}'}")
    return said


def report(measured: Sequence[Measured], bare: Mapping[str, Mapping[str, float]]) -> str:
    used = sorted({c for each in measured for c in each.loads})
    headings = ["model", "server"]
    for c in used:
        headings += [f"req/s, {c}", "p50/p99 ms"]
    headings += ["errors", "ready s", "MiB"]
    return "\n".join([table(headings, rows(measured, bare)), "", *verdicts(measured)])


def as_json(
    measured: Sequence[Measured], bare: Mapping[str, Mapping[str, float]], load: str
) -> dict[str, object]:
    return {
        "load": load,
        "measured": [asdict(each) for each in measured],
        "in_process_requests_a_second": {kind: dict(found) for kind, found in bare.items()},
        "verdicts": verdicts(measured),
    }


# What the peers run, after their documentation.

PLAIN_BENTOML = """\
import bentoml
import joblib
import numpy as np


@bentoml.service
class Plain:
    def __init__(self) -> None:
        self.model = joblib.load("model.joblib")

    @bentoml.api
    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.model.predict_proba(rows)
"""

EMPTY_BENTOML = """\
import bentoml
from pydantic import BaseModel


class Answer(BaseModel):
    predictions: list[float]


@bentoml.service
class Empty:
    @bentoml.api
    def predict(self, rows: list[list[float]]) -> Answer:
        return Answer(predictions=[0.5 for row in rows])
"""

# The settings of template/src/{{package_name}}/service.py.jinja, and nothing to do.
EMPTY_OURS = """\
import gc

import bentoml
from pydantic import BaseModel


class Answer(BaseModel):
    predictions: list[float]


@bentoml.service(
    traffic={"timeout": 5},
    tracing={"excluded_urls": ".*"},
    logging={"access": {"enabled": False}},
)
class Empty:
    def __init__(self) -> None:
        gc.collect()
        gc.freeze()

    @bentoml.api
    async def predict(self, rows: list[list[float]]) -> Answer:
        return Answer(predictions=[0.5 for row in rows])
"""

FASTAPI_APP = """\
import os
import sys

import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

kind = sys.argv[1]
if kind == "sklearn":
    import joblib

    model = joblib.load("model.joblib")

    def forecast(rows):
        return model.predict_proba(np.array(rows))[:, 1].tolist()
elif kind == "onnx":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession("model.onnx", options)
    output = session.get_outputs()[-1].name

    def forecast(rows):
        return session.run([output], {"rows": np.array(rows, np.float32)})[0][:, 1].tolist()
else:

    def forecast(rows):
        return [0.5 for row in rows]

app = FastAPI()


class Rows(BaseModel):
    rows: list[list[float]]


class Answer(BaseModel):
    predictions: list[float]


@app.post("/predict")
async def predict(rows: Rows) -> Answer:
    return Answer(predictions=forecast(rows.rows))


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
"""

# Run in the project's own environment: each kind of model on the project's rows, stored as the
# project stores its champion, and as the peers want it.
MAKE_MODELS = """\
import json
import sys
from pathlib import Path

import joblib
import mlflow.sklearn
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from serving_benchmark import config, paths, train
from serving_benchmark.data.rows import TARGET
from serving_benchmark.data.schema import rows_of
from serving_benchmark.evaluation import metrics
from serving_benchmark.model import features, persist
from serving_benchmark.model.fit import fit
from serving_benchmark.model.forecast import forecast
from serving_benchmark.model.predict import Predictor

layout, out = paths.here(), Path(sys.argv[1])
params = config.load(layout.params)
data = train.prepare(params, layout, lambda step, result: None)
matrix, truth = features.build(data.train), metrics.truth(data.train[TARGET])
held_out = features.build(data.holdout)
about = persist.describe(layout.champion)
models = {
    "boosting": lambda: fit(matrix, truth, params.model),
    "forest": lambda: RandomForestClassifier(100, random_state=1).fit(matrix, truth),
    "linear": lambda: make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000)
    ).fit(matrix, truth),
}
one = data.holdout.head(1)
for kind, make in models.items():
    folder, model = out / kind, make()
    folder.mkdir(parents=True)
    known = persist.save_to(folder, model, held_out, about)
    assert known["model_file"] == "model.onnx", known["why_not_onnx"]
    joblib.dump(model, folder / "model.joblib")
    mlflow.sklearn.save_model(
        model, folder / "mlflow", serialization_format="cloudpickle",
        pyfunc_predict_fn="predict_proba", pip_requirements=[],
    )
    (folder / "requests.json").write_text(json.dumps({
        "named": {"rows": [row.model_dump() for row in rows_of(one)]},
        "matrix": features.build(one).tolist(),
        "expected": float(forecast(model, features.build(one))[0]),
    }))
"""

BARE = """\
import json
import sys
import time

import joblib
import numpy as np
import onnxruntime

matrix = np.array(json.load(open("requests.json"))["matrix"])
model = joblib.load("model.joblib")
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession("model.onnx", options)
output, narrow = session.get_outputs()[-1].name, matrix.astype(np.float32)
runs = {
    "scikit-learn": lambda: model.predict_proba(matrix),
    "onnx": lambda: session.run([output], {"rows": narrow}),
}
found = {}
for name, run in runs.items():
    for _ in range(20):
        run()
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < 1.5:
        run()
        count += 1
    found[name] = count / (time.perf_counter() - began)
print(json.dumps(found))
"""

WRK = """\
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = io.open("body.json"):read("*a")
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


# Effects: environments, processes, clocks.


class _Made:
    """A project with a release of it, the models, and an environment for each peer."""

    def __init__(self, folder: Path, cache: Path, environment: dict[str, str]) -> None:
        self.folder, self.cache = folder, cache
        # One thread: scikit-learn's trees otherwise spin while they wait for a core.
        self.environment = environment | {
            "OMP_NUM_THREADS": "1",
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'peers.db'}",
            "BENTOML_HOME": str(folder / "bentoml"),
        }
        self.project = cache / SLUG  # the folder names the package
        self.models = folder / "models"
        self._make_project()
        script = folder / "make_models.py"
        script.write_text(MAKE_MODELS, encoding="utf-8")
        _say("training the three models")
        python = str(self.project / ".venv" / "bin" / "python")
        self._run([python, str(script), str(self.models)], self.project)

    def contestants(self, kind: str) -> list[Contestant]:
        """Everybody's server of this kind of model, in the order in which they take turns."""
        if kind == "empty":
            return self._empty()
        folder = self.models / kind
        known = json.loads((folder / "requests.json").read_text(encoding="utf-8"))
        matrix, expected = known["matrix"], known["expected"]
        rows = Request("/predict", json.dumps({"rows": matrix}).encode(), expected)
        named = Request("/predict", json.dumps(known["named"]).encode(), expected)
        inputs = Request("/invocations", json.dumps({"inputs": matrix}).encode(), expected)
        (folder / "plain.py").write_text(PLAIN_BENTOML, encoding="utf-8")
        (folder / "app.py").write_text(FASTAPI_APP, encoding="utf-8")
        fastapi = self._peer("fastapi", "fastapi", "uvicorn", "onnxruntime", *self._libraries())
        mlflow = self._peer(
            "mlflow", f"mlflow=={self._locked('mlflow-skinny')}", *self._libraries()
        )
        serve = [str(mlflow / "mlflow"), "models", "serve", "-m", str(folder / "mlflow")]
        serve += ["--env-manager", "local", "-h", "127.0.0.1", "-p", "PORT"]
        app = (str(fastapi / "python"), "app.py")
        return [
            self._ours(kind, self._bento(kind), named),
            Contestant(BENTOML, (*self._bentoml(), "plain:Plain", *ON), folder, rows),
            Contestant(MLFLOW, tuple(serve), folder, inputs),
            Contestant(FASTAPI, (*app, "sklearn", "PORT"), folder, rows),
            Contestant(FASTAPI_ONNX, (*app, "onnx", "PORT"), folder, rows),
        ]

    def bare(self, kinds: Sequence[str]) -> dict[str, dict[str, float]]:
        """Predictions a second in one process, one row at a time, without a server."""
        fastapi = self._peer("fastapi", "fastapi", "uvicorn", "onnxruntime", *self._libraries())
        script = self.folder / "bare.py"
        script.write_text(BARE, encoding="utf-8")
        words = [str(fastapi / "python"), str(script)]
        return {
            kind: json.loads(self._run(words, self.models / kind))
            for kind in kinds
            if kind != "empty"
        }

    def _empty(self) -> list[Contestant]:
        folder = self.folder / "empty"
        ours = folder / "ours"
        ours.mkdir(parents=True, exist_ok=True)
        (ours / "service.py").write_text(EMPTY_OURS, encoding="utf-8")
        (folder / "plain.py").write_text(EMPTY_BENTOML, encoding="utf-8")
        (folder / "app.py").write_text(FASTAPI_APP, encoding="utf-8")
        request = Request("/predict", b'{"rows": [[1, 2, 3, 4]]}', 0.5)
        fastapi = self._peer("fastapi", "fastapi", "uvicorn", "onnxruntime", *self._libraries())
        app = (str(fastapi / "python"), "app.py", "empty", "PORT")
        return [
            self._ours("empty", ours, request),
            Contestant(BENTOML, (*self._bentoml(), "plain:Empty", *ON), folder, request),
            Contestant(FASTAPI, app, folder, request),
        ]

    def _ours(self, kind: str, bento: Path, request: Request) -> Contestant:
        run = self.folder / "runs" / kind
        run.mkdir(parents=True, exist_ok=True)
        words = (str(self._serving_python()), str(SERVE_BENTO), str(bento), "benchmark")
        return Contestant(OURS, words, run, request, takes_orders=True)

    def _bento(self, kind: str) -> Path:
        """The release's bento with this model in the place of the champion."""
        bento = self.folder / "bentos" / kind
        if not bento.exists():
            shutil.copytree(self._release() / "bento", bento)
            champion = bento / "src" / "models" / "champion"
            for name in ("model.onnx", "model.json"):
                shutil.copy(self.models / kind / name, champion / name)
        return bento

    def _release(self) -> Path:
        releases = (self.project / ".mldeploy" / "releases").iterdir()
        return max(releases, key=lambda each: each.stat().st_mtime)

    def _serving_python(self) -> Path:
        facts = json.loads((self._release() / "release.json").read_text(encoding="utf-8"))
        return self.project / ".mldeploy" / "envs" / str(facts["environment"]) / "bin" / "python"

    def _make_project(self) -> None:
        """Made anew each time: the template may have changed. uv's caches make it quick."""
        _say("a new project, trained, and its release")
        shutil.rmtree(self.project, ignore_errors=True)
        self.project.parent.mkdir(parents=True, exist_ok=True)
        mldeploy = str(own_script("mldeploy"))
        new = [mldeploy, "new", str(self.project), "--defaults", "--data", "functions"]
        new += ["--template", str(ROOT), "--ref", "HEAD"]
        self._run(new, self.project.parent)
        renamed = self.project / "src" / PACKAGE
        own = {"MLFLOW_TRACKING_URI": f"sqlite:///{self.project / 'mlflow.db'}"}
        if not renamed.exists():
            raise BenchmarkError(f"the project's package is not called {PACKAGE}")
        self._run([str(self.project / ".venv" / "bin" / SLUG), "train"], self.project, own)
        port = self.project / "mldeploy.toml"
        text = port.read_text(encoding="utf-8").replace("3000", str(_free_port()))
        port.write_text(text, encoding="utf-8")
        self._run([mldeploy, "up"], self.project, own)
        self._run([mldeploy, "down"], self.project, own)

    def _bentoml(self) -> tuple[str, str]:
        folder = self._peer("bentoml", f"bentoml=={self._locked('bentoml')}", *self._libraries())
        return str(folder / "bentoml"), "serve"

    def _libraries(self) -> list[str]:
        """The same versions for everybody: a model is read by the library that wrote it."""
        return [f"{name}=={self._locked(name)}" for name in ("scikit-learn", "numpy", "joblib")]

    def _locked(self, name: str) -> str:
        lock = (self.project / "uv.lock").read_text(encoding="utf-8")
        return lock.split(f'name = "{name}"\nversion = "', 1)[1].split('"', 1)[0]

    def _peer(self, name: str, *packages: str) -> Path:
        """The programs of an environment with these packages, made once for each list of them."""
        place = self.cache / name
        listing = place / "packages.json"
        wanted = json.dumps(packages)
        if not (listing.exists() and listing.read_text(encoding="utf-8") == wanted):
            _say(f"installing {name}")
            shutil.rmtree(place, ignore_errors=True)
            uv, python = find_uv_bin(), str(base_interpreter())
            self._run([uv, "venv", "--quiet", "--python", python, str(place)], self.folder)
            install = [uv, "pip", "install", "--quiet", "--compile-bytecode"]
            self._run([*install, "--python", str(place / "bin" / "python"), *packages], self.folder)
            listing.write_text(wanted, encoding="utf-8")
        return place / "bin"

    def _run(
        self, words: Sequence[str], folder: Path, more: Mapping[str, str] | None = None
    ) -> str:
        try:
            done = subprocess.run(
                list(words),
                cwd=folder,
                env=self.environment | dict(more or {}),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=STEP_SECONDS,
                check=True,
            )
        except subprocess.CalledProcessError as error:
            said = f"{error.stdout[-1500:]}\n{error.stderr[-3000:]}"
            raise BenchmarkError(f"{' '.join(words[:4])} failed:\n{said}") from error
        except subprocess.TimeoutExpired as error:
            raise BenchmarkError(f"{' '.join(words[:4])} took over {STEP_SECONDS} s") from error
        return done.stdout


ON = ("--host", "127.0.0.1", "--port", "PORT")


@dataclass
class _Running:
    """A server that answers."""

    process: subprocess.Popen[bytes]
    port: int
    ready_seconds: float


def _measure(made: _Made, options: argparse.Namespace, load: str) -> list[Measured]:
    measured: list[Measured] = []
    for kind in options.kinds:
        contestants = made.contestants(kind)
        found = {each.name: Measured(kind, each.name) for each in contestants}
        for _ in range(options.starts - 1):
            for each in contestants:
                with _started(each, made) as server:
                    found[each.name].ready_seconds.append(server.ready_seconds)
        with ExitStack() as stack:
            servers = {}
            for each in contestants:
                servers[each.name] = stack.enter_context(_started(each, made))
                ready = servers[each.name].ready_seconds
                found[each.name].ready_seconds.append(ready)
                _say(f"{kind}: {each.name} is ready after {ready:.2f} s")
            for each in contestants:  # to warm up: caches, lazy imports, learned waits
                _window(each, servers[each.name].port, 4, 2.0, made.folder, load)
            for number in range(options.rounds):
                for connections in options.connections:
                    for each in contestants:
                        port = servers[each.name].port
                        got = _window(each, port, connections, options.seconds, made.folder, load)
                        found[each.name].loads.setdefault(connections, []).append(got)
                _say(f"{kind}: round {number + 1} of {options.rounds}")
            for each in contestants:
                memory, processes = _memory(servers[each.name].process.pid)
                found[each.name].memory_mib, found[each.name].processes = memory, processes
        measured += found.values()
    return measured


@contextmanager
def _started(contestant: Contestant, made: _Made) -> Iterator[_Running]:
    """A server from its start to its first right answer; it does not outlive the block."""
    port = _free_port()
    words = [port_or_word.replace("PORT", str(port)) for port_or_word in contestant.words]
    log = made.folder / f"{contestant.name.replace(' ', '-')}.log"
    for name in ("started.json", "serving.json", "stopped.json"):
        (contestant.folder / name).unlink(missing_ok=True)
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            words,
            cwd=contestant.folder,
            # mlflow starts uvicorn by name.
            env=made.environment | {"PATH": f"{Path(words[0]).parent}:{os.environ['PATH']}"},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        first = None if contestant.takes_orders else port
        seconds = _until_ready(contestant, process, first, began, log)
        if contestant.takes_orders:
            assert process.stdin is not None
            process.stdin.write(f"take {port}\n".encode())
            process.stdin.flush()
            _until_ready(contestant, process, port, time.perf_counter(), log)
        yield _Running(process, port, seconds)
    finally:
        _end(process)


def _until_ready(
    contestant: Contestant,
    process: subprocess.Popen[bytes],
    port: int | None,
    began: float,
    log: Path,
) -> float:
    """Seconds until the right answer came. ``port`` None: the server says where it listens."""
    while time.perf_counter() - began < READY_SECONDS and process.poll() is None:
        where = port if port is not None else _told_port(contestant.folder)
        answer = None if where is None else _ask(where, contestant.request)
        if answer is not None:
            seconds = time.perf_counter() - began
            expected = contestant.request.expected
            if expected is not None and not any(abs(n - expected) < 1e-5 for n in numbers(answer)):
                raise BenchmarkError(f"{contestant.name} answered {answer}, not {expected}")
            return seconds
        time.sleep(0.01)
    said = log.read_text(encoding="utf-8", errors="replace")
    raise BenchmarkError(f"{contestant.name} was not ready: {last_line(said)}")


def numbers(answer: Any) -> Iterator[float]:
    """All numbers in an answer, whatever its shape."""
    if isinstance(answer, dict):
        for value in answer.values():
            yield from numbers(value)
    elif isinstance(answer, list):
        for value in answer:
            yield from numbers(value)
    elif isinstance(answer, int | float) and not isinstance(answer, bool):
        yield float(answer)


def _told_port(folder: Path) -> int | None:
    try:
        port: int = json.loads((folder / "started.json").read_text(encoding="utf-8"))["port"]
    except (OSError, ValueError, KeyError):
        return None
    return port


def _ask(port: int, request: Request) -> Any:
    """The answer, or None while there is none."""
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}{request.path}", data=request.body, headers=headers
    )
    try:
        with urllib.request.urlopen(asked, timeout=5) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        if error.code == 503:  # on its way
            return None
        said = error.read().decode(errors="replace")[:300]
        raise BenchmarkError(f"status {error.code}: {said}") from error
    except (OSError, ValueError):  # refused, reset: not yet
        return None


def _window(
    contestant: Contestant, port: int, connections: int, seconds: float, folder: Path, load: str
) -> Load:
    """Requests for some seconds, each connection with one after the other."""
    url = f"http://127.0.0.1:{port}{contestant.request.path}"
    if load != "wrk":
        return asyncio.run(_own_load(port, contestant.request, connections, seconds))
    (folder / "load.lua").write_text(WRK, encoding="utf-8")
    (folder / "body.json").write_bytes(contestant.request.body)
    words = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency"]
    words += ["--timeout", "10s", "-s", "load.lua", url]
    try:
        said = subprocess.run(
            words, cwd=folder, capture_output=True, text=True, timeout=seconds + 60, check=True
        ).stdout
    except subprocess.SubprocessError as error:
        raise BenchmarkError(f"wrk failed: {error}") from error
    requests, took, p50, p99, errors = map(int, said.rsplit("RESULT ", 1)[1].split())
    return Load(requests / took * 1e6, p50 / 1000, p99 / 1000, errors)


async def _own_load(port: int, request: Request, connections: int, seconds: float) -> Load:
    head = (
        f"POST {request.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(request.body)}\r\n\r\n"
    ).encode()
    times: list[float] = []
    errors = 0
    end = time.perf_counter() + seconds

    async def connection() -> None:
        nonlocal errors
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while time.perf_counter() < end:
                began = time.perf_counter()
                writer.write(head + request.body)
                answer = await reader.readuntil(b"\r\n\r\n")
                length = answer.lower().split(b"content-length:", 1)[1].split(b"\r", 1)[0]
                await reader.readexactly(int(length))
                times.append(time.perf_counter() - began)
                errors += not answer.startswith(b"HTTP/1.1 200")
        finally:
            writer.close()

    began = time.perf_counter()
    try:
        async with asyncio.timeout(seconds + 30), asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(connection())
    except* (OSError, TimeoutError, asyncio.IncompleteReadError):
        errors += 1
    took = time.perf_counter() - began
    times.sort()
    if not times:
        raise BenchmarkError(f"no answer at all from {request.path} on port {port}")
    p50, p99 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.99))
    return Load(len(times) / took, p50, p99, errors)


def _memory(pid: int) -> tuple[float, int]:
    """MiB of a process and its descendants, and how many they are."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    total = 0
    for process in family:
        with suppress(psutil.Error):
            found = process.memory_full_info()
            total += getattr(found, "pss", found.rss)
    return total / 2**20, len(family)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server with all that it started: they are a session of their own."""
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
            return


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one short round: does it all work?")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds (3)")
    parser.add_argument("--seconds", type=float, metavar="S", help="of a window (5)")
    parser.add_argument("--starts", type=int, metavar="N", help="how often each starts (3)")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--cache", type=Path, default=cache_folder("serving"), metavar="DIR")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.cache = options.cache.resolve()
    options.connections = (1, 16) if options.quick else CONNECTIONS
    for name, quick, full in (("rounds", 1, 3), ("seconds", 1.0, 5.0), ("starts", 1, 3)):
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else full)
        if getattr(options, name) <= 0:
            parser.error(f"--{name} must be more than 0")
    return options


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
