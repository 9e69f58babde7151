"""From `mldeploy new` to the first prediction, beside the same chain typed by hand.

usage: .venv/bin/python benchmarks/journey.py [--cold] [--runs N] [--edits N] [--keep] [--json]

By hand means: pip, full mlflow, `bentoml.mlflow.import_model`, `bentoml build`, `bentoml serve`, as
their documentation has it, on the same rows with the same model class and parameters. The two
sides take turns, stage by stage, so that a busy machine slows both. Only programs are timed: what
a person would need to write those files and to read those documents is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from startup import base_interpreter, cache_folder, clean_environment, last_line, own_script, table

STEP_SECONDS, INSTALL_SECONDS, READY_SECONDS, STOP_SECONDS = 600, 1800, 120, 20
WARM_AIM, EDIT_AIM = 1 / 5, 1 / 3
STAGES = ("install", "train", "deploy", "predict")
COLLECT = "collect"  # ours only: the hand's side is given the rows that ours collected

# One edit is one of these, in turn. Whether it beat the champion is in the pass's note.
EDITS = ({"max_iterations": 140}, {"max_iterations": 150, "learning_rate": 0.04})


@dataclass(frozen=True)
class Step:
    """A step and the wall time of its programs in seconds, with the parts that it printed.

    Parts may overlap (what runs side by side is counted in both), and need not add up.
    """

    stage: str
    name: str
    seconds: float
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Pass:
    """Once through all stages, by both sides."""

    ours: tuple[Step, ...]
    hand: tuple[Step, ...]
    note: str = ""


@dataclass(frozen=True)
class Run:
    """A new project up to its first prediction, then edits of it."""

    first: Pass
    edits: tuple[Pass, ...]


class BenchmarkError(Exception):
    """A step of one of the sides failed; the message says which, and its last words."""


def main() -> int:
    options = _options()
    runs = []
    try:
        if options.far:
            import far_journey  # needs a Docker engine, root, and what the tests need

            return far_journey.main(as_json=options.json)
        for number in range(options.runs):
            _say(f"run {number + 1} of {options.runs}, caches {'cold' if options.cold else 'warm'}")
            runs.append(_run(options))
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; the servers are down.", file=sys.stderr)
        return 130
    print(json.dumps(as_json(runs, options.cold)) if options.json else report(runs, options.cold))
    return 0


# Pure: what programs printed in, numbers and words out.


def progress_parts(stderr: str) -> dict[str, float]:
    """Seconds by step from mldeploy's progress lines: ``name: outcome  (1.2 s)``."""
    found = re.findall(r"^  ([^:\n]+?)(?:: .*?)?  \((\d+\.\d) s\)$", stderr, re.MULTILINE)
    return {_short(name): float(seconds) for name, seconds in found}


def training_parts(stdout: str) -> dict[str, float]:
    """Seconds by step from the project's training lines: ``step  1.2 s  result``."""
    found = re.findall(r"^([a-z-]+) +(\d+\.\d) s ", stdout, re.MULTILINE)
    return {name: float(seconds) for name, seconds in found}


def _short(name: str) -> str:
    """Names that hold an identity (release v1-…, model x@champion) without it."""
    return name.split()[0] if name.startswith(("release ", "model ")) else name


def rest(name: str, seconds: float, parts: Mapping[str, float]) -> dict[str, float]:
    """``parts`` and, as ``name``, what they leave of ``seconds``."""
    left = seconds - sum(parts.values())
    return {**parts, name: round(left, 2)} if left > 0 else dict(parts)


def without_collect(
    stage: str, name: str, seconds: float, parts: Mapping[str, float]
) -> list[Step]:
    """Training as two steps, so that collecting can be left out of the comparison."""
    others = {part: took for part, took in parts.items() if part != COLLECT}
    collect = parts.get(COLLECT, 0.0)
    outside = "make, uv run, start and end of Python"
    training = Step(stage, name, seconds - collect, rest(outside, seconds - collect, others))
    return [Step(COLLECT, "collect the rows", collect), training]


def seconds_of(steps: Sequence[Step], stage: str) -> float:
    return sum(step.seconds for step in steps if step.stage == stage)


def total(steps: Sequence[Step]) -> float:
    """Without collecting, on both sides."""
    return sum(step.seconds for step in steps if step.stage != COLLECT)


def middle(passes: Sequence[Pass]) -> Pass:
    """One pass with the medians of several, step by step."""
    return Pass(
        ours=_middle_steps([each.ours for each in passes]),
        hand=_middle_steps([each.hand for each in passes]),
        note="; ".join(dict.fromkeys(each.note for each in passes if each.note)),
    )


def _middle_steps(sides: Sequence[Sequence[Step]]) -> tuple[Step, ...]:
    return tuple(
        Step(
            same[0].stage,
            same[0].name,
            statistics.median(step.seconds for step in same),
            {
                part: statistics.median(step.parts[part] for step in same if part in step.parts)
                for part in same[0].parts
            },
        )
        for same in zip(*sides, strict=True)
    )


def ratio(passes: Sequence[Pass]) -> float:
    """Ours to by hand: the median over passes of the ratios of the two totals."""
    return statistics.median(total(each.ours) / total(each.hand) for each in passes)


def comparison(passes: Sequence[Pass]) -> str:
    """A row for each stage and the total, seconds."""
    one = middle(passes)
    rows = []
    for stage in STAGES:
        pairs = [(seconds_of(p.ours, stage), seconds_of(p.hand, stage)) for p in passes]
        if not any(ours or hand for ours, hand in pairs):
            continue
        names = [
            " + ".join(s.name for s in side if s.stage == stage) for side in (one.ours, one.hand)
        ]
        ours, hand = (statistics.median(column) for column in zip(*pairs, strict=True))
        share = statistics.median(a / b for a, b in pairs) if hand else 0.0
        rows.append([stage, names[0], f"{ours:.2f}", names[1], f"{hand:.2f}", f"{share:.2f}"])
    totals = [statistics.median(total(side) for side in sides) for sides in _sides(passes)]
    last = ["**total**", "", f"{totals[0]:.1f}", "", f"{totals[1]:.1f}", f"**{ratio(passes):.2f}**"]
    return table(["stage", "ours", "s", "by hand", "s", "ours / by hand"], [*rows, last])


def _sides(passes: Sequence[Pass]) -> tuple[list[tuple[Step, ...]], list[tuple[Step, ...]]]:
    return [each.ours for each in passes], [each.hand for each in passes]


def details(first: Sequence[Step], edit: Sequence[Step]) -> str:
    """Our steps with their parts, the first time and in an edit, seconds."""
    rows = []
    for step in first:
        again = next((other for other in edit if other.name == step.name), None)
        rows.append([step.name, f"{step.seconds:.2f}", f"{again.seconds:.2f}" if again else "-"])
        for part, took in step.parts.items():
            repeated = again.parts.get(part) if again else None
            rows.append(
                [f"- {part}", f"{took:.1f}", "-" if repeated is None else f"{repeated:.1f}"]
            )
    return table(["ours", "first time s", "edit s"], rows)


def reasons(first: Sequence[Step], edit: Sequence[Step]) -> list[str]:
    """Our slowest two steps, their largest parts, and what these cost when they are repeated."""
    said = []
    for step in sorted(first, key=lambda each: each.seconds, reverse=True)[:2]:
        again = next((other for other in edit if other.name == step.name), None)
        words = [f"{step.name}, {step.seconds:.1f} s"]
        for part in sorted(step.parts, key=lambda name: step.parts[name], reverse=True)[:2]:
            took = step.parts[part]
            words.append(f"{part} {took:.1f} s ({took / step.seconds:.0%})")
            if again is not None and part in again.parts:
                words[-1] += f", in an edit {again.parts[part]:.1f} s"
        said.append("; ".join(words))
    return said


def aim(name: str, found: float, wanted: float) -> str:
    outcome = "reached" if found <= wanted else "NOT reached"
    return f"{name}: {found:.2f} of the time by hand; the aim of {wanted:.2f} at most is {outcome}"


def report(runs: Sequence[Run], cold: bool) -> str:
    firsts = [run.first for run in runs]
    edits = [edit for run in runs for edit in run.edits]
    first, edit = middle(firsts), middle(edits) if edits else Pass((), ())
    collected = seconds_of(first.ours, COLLECT)
    caches = "cold" if cold else "warm"
    lines = [
        f"First prediction, {caches} caches of uv and pip (median of {len(runs)})",
        "",
        comparison(firsts),
        "",
        f"Collecting the rows ({collected:.1f} s) is ours only, not in the totals: by hand they",
        "are given. Ours also draws plots, compares with a baseline and the champion, and proves a",
        "release on golden requests before it serves; that is counted.",
    ]
    if edits:
        lines += [
            "",
            f"Edit (median of {len(edits)}): a parameter and a line of the service change.",
            f"Our model was, by edit: {edit.note}.",
            "",
            comparison(edits),
        ]
    lines += ["", details(first.ours, edit.ours), "", "Our slowest two steps:"]
    lines += [f"- {why}" for why in reasons(first.ours, edit.ours)]
    lines += ["", aim(f"first prediction, {caches}", ratio(firsts), WARM_AIM)]
    if edits:
        lines.append(aim("edit", ratio(edits), EDIT_AIM))
    return "\n".join(lines)


def as_json(runs: Sequence[Run], cold: bool) -> dict[str, object]:
    """All steps in seconds, and the ratios of the totals (ours to by hand, without collecting)."""
    edits = [edit for run in runs for edit in run.edits]
    return {
        "caches": "cold" if cold else "warm",
        "collect": "left out of both sides' totals",
        "first_ratio": ratio([run.first for run in runs]),
        "edit_ratio": ratio(edits) if edits else None,
        "aims": {"first_warm": WARM_AIM, "edit": EDIT_AIM},
        "runs": [asdict(run) for run in runs],
    }


# The files that a person would write, after the three libraries' documentation.

HAND_TRAIN = """\
import sys

import mlflow
import pandas as pd
from mlflow import MlflowClient
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

PARAMS = {params}

mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.set_experiment("function-docs")

rows = pd.read_csv("rows.csv")
truth = rows["documented"]
matrix = rows.drop(columns=["module", "name", "documented"])
split = GroupShuffleSplit(n_splits=1, test_size=0.25, random_state=1)
train, holdout = next(split.split(matrix, truth, rows["module"]))

with mlflow.start_run():
    model = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["kind"]),
            remainder="passthrough",
        ),
        HistGradientBoostingClassifier(**PARAMS),
    )
    model.fit(matrix.iloc[train], truth.iloc[train])
    probability = model.predict_proba(matrix.iloc[holdout])[:, 1]
    mlflow.log_params(PARAMS)
    mlflow.log_metrics({{
        "roc_auc": roc_auc_score(truth.iloc[holdout], probability),
        "accuracy": accuracy_score(truth.iloc[holdout], probability >= 0.5),
    }})
    info = mlflow.sklearn.log_model(
        model,
        name="model",
        input_example=matrix.iloc[holdout].head(3),
        registered_model_name="function-docs",
        serialization_format="cloudpickle",  # the default, skops, refuses trees
    )
MlflowClient().set_registered_model_alias(
    "function-docs", "champion", info.registered_model_version
)
"""

HAND_IMPORT = """\
import bentoml
import mlflow

mlflow.set_tracking_uri("sqlite:///mlflow.db")
bentoml.mlflow.import_model("function-docs", "models:/function-docs@champion")
"""

HAND_SERVICE = """\
import bentoml
import pandas as pd
from pydantic import BaseModel


class Row(BaseModel):
{fields}


class Prediction(BaseModel):
    documented: bool


@bentoml.service
class FunctionDocs:
    bento_model = bentoml.models.BentoModel("function-docs:latest")

    def __init__(self) -> None:
        self.model = bentoml.mlflow.load_model(self.bento_model)

    @bentoml.api
    def predict(self, rows: list[Row]) -> list[Prediction]:
        frame = pd.DataFrame([row.model_dump() for row in rows])
        return [Prediction(documented=bool(each)) for each in self.model.predict(frame)]
"""

HAND_BENTOFILE = """\
service: "service:FunctionDocs"
name: function-docs
include:
  - "*.py"
python:
  packages: [mlflow, scikit-learn, pandas]
"""

NOT_FEATURES = ("module", "name", "documented")


def hand_fields(header: str, row: str) -> tuple[str, dict[str, object]]:
    """The lines of the pydantic class for a CSV's columns, and its row as a request's JSON."""
    values = dict(zip(header.strip().split(","), row.strip().split(","), strict=True))
    example = {name: _value(text) for name, text in values.items() if name not in NOT_FEATURES}
    fields = "\n".join(f"    {name}: {type(value).__name__}" for name, value in example.items())
    return fields, example


def _value(text: str) -> object:
    if text in ("True", "False"):
        return text == "True"
    return int(text) if re.fullmatch(r"-?\d+", text) else text


def sklearn_parameters(params: str) -> dict[str, object]:
    """The model's parameters of our params.toml, under scikit-learn's names."""
    model = tomllib.loads(params)["model"]
    return {
        "max_iter": model["max_iterations"],
        "learning_rate": model["learning_rate"],
        "max_leaf_nodes": model["max_leaves"],
        "min_samples_leaf": model["min_leaf_rows"],
        "l2_regularization": model["l2"],
        "early_stopping": False,
        "random_state": model["seed"],
    }


def edited(params: str, changes: Mapping[str, object]) -> str:
    """params.toml with other values for some of its keys."""
    for key, value in changes.items():
        params, count = re.subn(rf"(?m)^{key} = \S+", f"{key} = {value}", params)
        if count != 1:
            raise BenchmarkError(f"params.toml has {count} lines for {key}, expected one")
    return params


# Effects: folders, processes, clocks.


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cold", action="store_true", help="uv and pip start with empty caches")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="from nothing (1)")
    parser.add_argument("--edits", type=int, default=2, metavar="N", help="in each run (2)")
    parser.add_argument("--cache", type=Path, default=cache_folder("journey"), metavar="DIR")
    parser.add_argument("--keep", action="store_true", help="leave the folders there")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--far", action="store_true", help="to a bare machine behind SSH instead")
    options = parser.parse_args()
    if options.runs < 1 or options.edits < 0:
        parser.error("--runs must be 1 or more, --edits 0 or more")
    return options


def _run(options: argparse.Namespace) -> Run:
    folder = Path(tempfile.mkdtemp(prefix="mldeploy-journey-"))
    _say(f"in {folder}")
    with ExitStack() as cleanup:
        if not options.keep:
            cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        caches = folder / "caches" if options.cold else options.cache.resolve()
        environment = clean_environment(os.environ) | {
            "UV_CACHE_DIR": str(caches / "uv"),
            "PIP_CACHE_DIR": str(caches / "pip"),
            "XDG_CACHE_HOME": str(caches / "other"),  # mldeploy's own
        }
        if not options.cold:
            _fill(caches, environment, folder / "filling")
        ours = Ours(folder / "function-docs", environment)
        hand = ByHand(folder / "by-hand", environment)
        cleanup.callback(hand.stop)  # the last in is the first out: servers, then folders
        cleanup.callback(ours.stop)
        first = _first(ours, hand)
        edits = [_edit(ours, hand, EDITS[n % len(EDITS)], n) for n in range(options.edits)]
        return Run(first, tuple(edits))


def _first(ours: Ours, hand: ByHand) -> Pass:
    made = [ours.new()]
    by_hand = hand.install()
    ours.prepare()
    made += ours.train()
    hand.write(ours.rows(), ours.params())
    by_hand.append(hand.train())
    made.append(ours.up())
    by_hand += hand.deploy()
    made.append(ours.predict())
    by_hand.append(hand.predict())
    return Pass(tuple(made), tuple(by_hand))


def _edit(ours: Ours, hand: ByHand, changes: Mapping[str, object], number: int) -> Pass:
    _say(f"edit {number + 1}: {changes}")
    ours.edit(changes, number)
    hand.write(ours.rows(), ours.params(), number)
    made, by_hand = ours.train(), [hand.train()]
    made.append(ours.up())
    by_hand += hand.deploy()
    made.append(ours.predict())
    by_hand.append(hand.predict())
    values = ", ".join(f"{key} {value}" for key, value in changes.items())
    outcome = "promoted" if ours.promoted else "not promoted"
    return Pass(tuple(made), tuple(by_hand), f"{values}: {outcome}")


def _fill(caches: Path, environment: dict[str, str], folder: Path) -> None:
    """Fill the caches as an earlier project on this machine does, once; not timed.

    Ours goes all the way: at its first `up` mldeploy keeps the bytecode for the next project. By
    hand there is nothing of the kind to fill: pip compiles at every install, in the time it takes.
    """
    done = caches / "filled-by-a-project.txt"
    if done.exists():
        return
    _say("filling the caches with an earlier project, untimed, once …")
    ours = Ours(folder / "function-docs", environment)
    try:
        ours.new()
        ours.prepare()
        ours.train()
        ours.up()
    finally:
        ours.stop()
    ByHand(folder / "hand", environment).install()
    shutil.rmtree(folder)
    done.write_text("a project has been here\n", encoding="utf-8")


class Ours:
    """The journey with mldeploy, each method a step that a person types."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.root, self.environment = root, environment
        self.mldeploy = str(own_script("mldeploy"))
        self.promoted = False  # by the last training

    def new(self) -> Step:
        words = [self.mldeploy, "new", str(self.root), "--defaults"]
        seconds, _, stderr = _timed(words, self.root.parent, self.environment, INSTALL_SECONDS)
        parts = rest("render the template, start of Python", seconds, progress_parts(stderr))
        return _told(Step("install", "mldeploy new", seconds, parts))

    def prepare(self) -> None:
        """A free port, and a threshold that no edit fails: what is timed is not the judgement."""
        params = self.root / "params.toml"
        params.write_text(edited(self.params(), {"minimum": 0.6}), encoding="utf-8")
        file = self.root / "mldeploy.toml"
        text = file.read_text(encoding="utf-8").replace("port = 3000", f"port = {_free_port()}")
        file.write_text(text, encoding="utf-8")
        me = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@example.invalid"]
        words = ["git", *me, "commit", "--quiet", "--no-verify", "--all", "-m", "Measured"]
        _timed(words, self.root, self.environment)

    def train(self) -> list[Step]:
        by_make = (self.root / "Makefile").exists()
        uv = str(own_script("uv"))
        words = ["make", "train"] if by_make else [uv, "run", self.root.name, "train"]
        seconds, stdout, _ = _timed(words, self.root, self.environment)
        self.promoted = re.search(r"^promote .* yes: ", stdout, re.MULTILINE) is not None
        steps = without_collect("train", "make train", seconds, training_parts(stdout))
        return [_told(step) for step in steps]

    def up(self) -> Step:
        words = [self.mldeploy, "up", "--json"]
        seconds, _, stderr = _timed(words, self.root, self.environment)
        return _told(Step("deploy", "mldeploy up", seconds, progress_parts(stderr)))

    def predict(self) -> Step:
        words = [self.mldeploy, "predict", "--json"]
        seconds, stdout, _ = _timed(words, self.root, self.environment)
        if not json.loads(stdout).get("response"):
            raise BenchmarkError(f"mldeploy predict answered nothing: {stdout}")
        return _told(Step("predict", "mldeploy predict", seconds))

    def edit(self, changes: Mapping[str, object], number: int) -> None:
        file = self.root / "params.toml"
        file.write_text(edited(file.read_text(encoding="utf-8"), changes), encoding="utf-8")
        service = next(self.root.glob("src/*/service.py"))
        with service.open("a", encoding="utf-8") as code:
            code.write(f"\n# edit {number}\n")

    def rows(self) -> Path:
        """The CSV that our project made, cleaned if it keeps a cleaned one."""
        found = [*self.root.glob("data/clean/*.csv"), *self.root.glob("data/raw/*.csv")]
        if not found:
            raise BenchmarkError(f"{self.root} has no CSV in data/clean or data/raw")
        return found[0]

    def params(self) -> str:
        return (self.root / "params.toml").read_text(encoding="utf-8")

    def stop(self) -> None:
        if not (self.root / ".mldeploy").exists():
            return
        try:
            _timed([self.mldeploy, "down", "--yes"], self.root, self.environment)
        except BenchmarkError as error:  # the folder goes next, and the server ends with it
            _say(str(error))


class ByHand:
    """The same chain with pip, mlflow and bentoml, each method a step that a person types."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.root = root
        self.service = root / "service"  # apart: bentoml packs all that lies beside a service
        self.bin = root / "venv" / "bin"
        self.environment = environment | {
            "BENTOML_HOME": str(root / "bentoml"),
            "PATH": os.pathsep.join([str(self.bin), environment.get("PATH", os.defpath)]),
        }
        self.server: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.request = b""

    def install(self) -> list[Step]:
        self.service.mkdir(parents=True)
        python = str(base_interpreter())
        made, *_ = _timed([python, "-m", "venv", "venv"], self.root, self.environment)
        packages = ["bentoml", "mlflow", "scikit-learn", "pandas"]
        pip = [str(self.bin / "pip"), "install", "--quiet", *packages]
        installed, *_ = _timed(pip, self.root, self.environment, INSTALL_SECONDS)
        return [
            _told(Step("install", "python -m venv", made)),
            _told(Step("install", "pip install", installed)),
        ]

    def write(self, rows: Path, params: str, number: int = -1) -> None:
        """What a person writes and edits: not timed."""
        shutil.copyfile(rows, self.root / "rows.csv")
        with rows.open(encoding="utf-8") as lines:
            fields, example = hand_fields(next(lines), next(lines))
        self.request = json.dumps({"rows": [example]}).encode()
        service = HAND_SERVICE.format(fields=fields) + f"\n# edit {number}\n"
        train = HAND_TRAIN.format(params=repr(sklearn_parameters(params)))
        (self.root / "train.py").write_text(train, encoding="utf-8")
        (self.root / "import_model.py").write_text(HAND_IMPORT, encoding="utf-8")
        (self.service / "service.py").write_text(service, encoding="utf-8")
        (self.service / "bentofile.yaml").write_text(HAND_BENTOFILE, encoding="utf-8")

    def train(self) -> Step:
        words = [str(self.bin / "python"), "train.py"]
        seconds, *_ = _timed(words, self.root, self.environment)
        return _told(Step("train", "train.py", seconds))

    def deploy(self) -> list[Step]:
        """Import, build, and serve until ready; the old server is ended first, as by Ctrl+C."""
        python, bentoml = str(self.bin / "python"), str(self.bin / "bentoml")
        imported, *_ = _timed([python, "import_model.py"], self.root, self.environment)
        built, *_ = _timed([bentoml, "build"], self.service, self.environment)
        self.stop()
        served = self._serve(bentoml)
        return [
            _told(Step("deploy", "import_model.py", imported)),
            _told(Step("deploy", "bentoml build", built)),
            _told(Step("deploy", "bentoml serve", served)),
        ]

    def predict(self) -> Step:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/predict",
            data=self.request,
            headers={"content-type": "application/json"},
        )
        began = time.perf_counter()
        try:
            with urllib.request.urlopen(request, timeout=READY_SECONDS) as response:
                answer = json.load(response)
        except (urllib.error.URLError, ValueError) as error:
            raise BenchmarkError(f"the prediction by hand failed: {error}") from error
        seconds = time.perf_counter() - began
        if "documented" not in answer[0]:
            raise BenchmarkError(f"the service made by hand answered {answer}")
        return _told(Step("predict", "POST /predict", seconds))

    def stop(self) -> None:
        if self.server is None:
            return
        self.server.terminate()
        try:
            self.server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _say("the server made by hand did not end when asked; its processes are killed")
        with suppress(ProcessLookupError):  # its workers: the group was made for them alone
            os.killpg(self.server.pid, signal.SIGKILL)
        self.server.wait(STOP_SECONDS)
        self.server = None

    def _serve(self, bentoml: str) -> float:
        """Seconds from the command to the first 200 of /readyz."""
        self.port = _free_port()
        # Without --host it would listen on all addresses.
        where = ["--host", "127.0.0.1", "--port", str(self.port)]
        log = self.root / "server.log"
        began = time.perf_counter()
        with log.open("wb") as output:
            self.server = subprocess.Popen(
                [bentoml, "serve", "function-docs:latest", *where],
                cwd=self.root,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while time.perf_counter() - began < READY_SECONDS:
            if self.server.poll() is not None:
                break
            if _is_ready(self.port):
                return time.perf_counter() - began
            time.sleep(0.02)
        said = log.read_text(encoding="utf-8", errors="replace")
        raise BenchmarkError(f"bentoml serve was not ready: {last_line(said)}")


def _timed(
    words: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    limit: float = STEP_SECONDS,
) -> tuple[float, str, str]:
    """Run a program in ``folder``; wall time in seconds, stdout and stderr."""
    with _asked_to_end(words, folder, environment) as process:
        began = time.perf_counter()
        try:
            stdout, stderr = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired as error:
            raise BenchmarkError(f"{' '.join(words)} took longer than {limit:.0f} s") from error
        seconds = time.perf_counter() - began
    if process.returncode != 0:
        said = "\n".join([*stdout.splitlines()[-40:], *stderr.splitlines()[-15:]])
        raise BenchmarkError(f"{' '.join(words)} ended with {process.returncode}:\n{said}")
    return seconds, stdout, stderr


@contextmanager
def _asked_to_end(
    words: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """A started program that does not outlive the block, whatever ends it."""
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        list(words),
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:  # refused, reset, or a 503: not yet
        return False


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _told(step: Step) -> Step:
    _say(f"{step.name}: {step.seconds:.1f} s")
    return step


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
