"""From raw data to a registered, judged version of the model, in the order of the steps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from . import config, files
from .data.clean import clean
from .data.collect import collect
from .data.report import report
from .data.rows import TARGET
from .data.split import split
from .evaluation import details, honesty, intervals, metrics, plots, slices
from .evaluation.card import Facts
from .evaluation.judge import Verdict, judge
from .evaluation.metrics import MAIN
from .model import features, persist
from .model.fit import fit
from .model.forecast import forecast
from .paths import Layout
from .registry import register, tracking

Say = Callable[[str, str], None]  # told the step, and what it did


@dataclass(frozen=True)
class Data:
    """Clean rows on the two sides of the split."""

    train: pd.DataFrame
    holdout: pd.DataFrame
    sha256: str  # of the raw file
    cleaning: dict[str, Any]  # what cleaning did, in figures


@dataclass(frozen=True)
class Trained:
    """A registered version of the model, and whether it is good enough."""

    version: str
    verdict: Verdict


def prepare(params: config.Params, layout: Layout, say: Say) -> Data:
    """Collect, clean and split. The same parameters and sources give the same rows."""
    raw = collect(params.collect, layout)
    notes = "".join(f", {name.replace('_', ' ')} {count}" for name, count in raw.notes.items())
    say("collect", f"{len(raw.frame)} rows ({'as before' if raw.reused else 'new'}){notes}")
    cleaned = clean(raw.frame, params.clean)
    say("clean", f"{len(cleaned.frame)} rows left; {cleaned.told()}")
    cleaning = report(raw.frame, cleaned)
    files.write(layout.clean, cleaned.frame.to_csv(index=False, lineterminator="\n").encode())
    files.write(layout.cleaning, persist.to_json(cleaning))
    train, holdout = split(cleaned.frame, params.split)
    say("split", f"{len(train)} rows to train on, {len(holdout)} held out, by {params.split.by}")
    return Data(train, holdout, raw.sha256, cleaning)


def train(data: Data, params: config.Params, layout: Layout, say: Say) -> Trained:
    """Fit, judge on the hold-out, and register with everything that is needed to repeat it."""
    origin = tracking.origin(layout)  # before the training: it is this code that made the model
    matrix, truth = features.build(data.holdout), metrics.truth(data.holdout[TARGET])
    known = metrics.truth(data.train[TARGET])
    told = metrics.check(known, truth)
    with tracking.run(layout) as run_id:
        model = fit(features.build(data.train), known, params.model)
        say("train", f"{len(known)} rows, {matrix.shape[1]} features")

        said = forecast(model, matrix)
        scores = metrics.score(truth, said, params.evaluation)
        likely = intervals.of(data.holdout, truth, said, params)
        dumb = metrics.baseline(known, len(truth))
        baseline = metrics.score(truth, dumb, params.evaluation)
        findings = honesty.check(data.train, data.holdout, said, params)
        verdict = judge(likely[MAIN], baseline[MAIN], findings, params)
        plots.draw(layout.plots, model, matrix, truth, said)
        say("evaluate", f"{'passed' if verdict.passed else 'FAILED'}: {'; '.join(verdict.reasons)}")
        for finding in findings:
            say("honest?", f"{'ok  ' if finding.passed else 'LOOK'} {finding.sentence}")

        answers = details.facts(data.train, params)
        parts = slices.of(data.holdout, truth, said, params)
        facts = Facts(
            origin=origin,
            params=config.flat(params),
            data_sha256=data.sha256,
            cleaning=data.cleaning,
            rows=(len(data.train), len(data.holdout)),
            metrics=scores,
            intervals={name: (each.low, each.high) for name, each in likely.items()},
            baseline=baseline,
            slices=slices.table(parts),
            details=details.details(data.train, truth, said, answers, params),
            remarks=(
                *told,
                *intervals.remarks(likely, data.holdout, params),
                slices.worst(parts, scores[MAIN]),
            ),
            findings=findings,
            verdict=verdict.reasons,
        )
        record = register.Record(model, answers, verdict.passed, facts)
        register.log(record, data.train, layout)
        version = register.register(record, run_id, data.holdout, layout)
        say("register", f"version {version}, run {run_id}")
    return Trained(version, verdict)
