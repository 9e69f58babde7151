"""From raw data to a registered, judged version of the model, in the order of the steps."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from . import config, evaluate, features, files, plots, register, tracking
from .clean import clean
from .collect import collect
from .paths import Layout
from .rows import TARGET
from .split import split

Say = Callable[[str, str], None]  # told the step, and what it did


@dataclass(frozen=True)
class Data:
    """Clean rows on the two sides of the split."""

    train: pd.DataFrame
    holdout: pd.DataFrame
    sha256: str  # of the raw file


@dataclass(frozen=True)
class Trained:
    """A registered version of the model, and whether it is good enough."""

    version: str
    verdict: evaluate.Verdict


def prepare(params: config.Params, layout: Layout, say: Say) -> Data:
    """Collect, clean and split. The same parameters and Python give the same rows."""
    raw = collect(params.collect, layout)
    notes = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in raw.notes.items())
    say("collect", f"{len(raw.frame)} rows ({'as before' if raw.reused else 'new'}); {notes}")
    cleaned = clean(raw.frame, params.clean)
    dropped = ", ".join(f"{rule} {count}" for rule, count in cleaned.dropped.items())
    say("clean", f"{len(cleaned.frame)} rows left; dropped: {dropped}")
    files.write(layout.clean, cleaned.frame.to_csv(index=False, lineterminator="\n").encode())
    train, holdout = split(cleaned.frame, params.split)
    say("split", f"{len(train)} rows to train on, {len(holdout)} held out, by whole groups")
    return Data(train, holdout, raw.sha256)


def fit(train: pd.DataFrame, params: config.Model) -> HistGradientBoostingClassifier:
    """The model. The same rows and parameters give the same model: the seed is a parameter."""
    model = HistGradientBoostingClassifier(
        max_iter=params.max_iterations,
        learning_rate=params.learning_rate,
        max_leaf_nodes=params.max_leaves,
        min_samples_leaf=params.min_leaf_rows,
        l2_regularization=params.l2,
        early_stopping=False,
        random_state=params.seed,
    )
    return model.fit(features.build(train), train[TARGET].to_numpy(dtype=bool))


def train(data: Data, params: config.Params, layout: Layout, say: Say) -> Trained:
    """Fit, judge on the hold-out, and register with everything that is needed to repeat it."""
    origin = tracking.origin(layout)  # before the training: it is this code that made the model
    matrix, truth = features.build(data.holdout), data.holdout[TARGET].to_numpy(dtype=bool)
    threshold = params.evaluation.threshold
    with tracking.run(layout) as run_id:
        model = fit(data.train, params.model)
        say("train", f"{params.model.max_iterations} trees on {matrix.shape[1]} features")

        probability = evaluate.probabilities(model, matrix)
        dumb = evaluate.baseline(data.train[TARGET].to_numpy(dtype=bool), len(truth))
        metrics = evaluate.score(truth, probability, threshold)
        baseline = evaluate.score(truth, dumb, threshold)
        verdict = evaluate.judge(metrics, baseline, params.evaluation)
        plots.draw(layout.plots, model, matrix, truth, probability)
        say("evaluate", f"{'passed' if verdict.passed else 'FAILED'}: {'; '.join(verdict.reasons)}")

        record = register.Record(model, metrics, baseline, verdict, params, origin, data.sha256)
        register.log(record, data.train, layout)
        version = register.register(record, run_id, data.holdout, layout)
        say("register", f"version {version}, run {run_id}")
    return Trained(version, verdict)
