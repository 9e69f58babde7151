"""Which version is the champion, the one that is served? Only the best that passed."""

from dataclasses import dataclass
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities.model_registry import ModelVersion

from .. import PROJECT
from ..config import Params
from ..data.rows import TARGET
from ..evaluation import intervals, metrics
from ..evaluation.intervals import Interval
from ..evaluation.metrics import MAIN
from ..model import features, onnx, persist
from ..paths import Layout
from . import agreement, tracking
from .export import export
from .versions import files_of, find


@dataclass(frozen=True)
class Decision:
    """Whether a version becomes the champion, and why, in words."""

    promoted: bool
    why: str


def promote(version: str | None, holdout: pd.DataFrame, params: Params, layout: Layout) -> Decision:
    """Move the alias to `version` (None: the newest) if it deserves it, and export the champion.

    Both models answer the same hold-out now. Metrics that were written down earlier may come from
    other data, and would not be comparable.
    """
    client = tracking.client(layout)
    candidate = find(client, version)
    champion = tracking.champion(client)
    if champion is not None and str(champion.version) == str(candidate.version):
        export(client, champion, layout)
        return Decision(True, f"version {champion.version} is the champion already")
    decision = _compare(client, candidate, champion, holdout, params)
    tracking.mark(client, str(candidate.version), {"promotion": decision.why})
    if decision.promoted:
        client.set_registered_model_alias(PROJECT, tracking.ALIAS, candidate.version)
        champion = candidate
    if champion is not None:  # also when it stays: its files may be missing, as in a new clone
        export(client, champion, layout)
    return decision


def decide(
    candidate: ModelVersion,
    score: float,
    champion: ModelVersion | None,
    ahead: Interval | None,
    repeatable: bool = False,
) -> Decision:
    """The rules. `score` is the main metric on the hold-out now; `ahead` is by how much that is
    more than the champion's, with the interval of chance (None: the champion cannot be scored).
    `repeatable`: it was made from committed code, and the champion was not."""
    name = f"version {candidate.version}"
    if not score > float(candidate.tags[f"baseline_{MAIN}"]):
        return Decision(False, f"{name} does not beat the baseline: {MAIN} {score:.4f}")
    if champion is None:
        return Decision(True, f"{name} is the first champion: {MAIN} {score:.4f}")
    other = f"the champion, version {champion.version}"
    if ahead is None:
        return Decision(True, f"{name}: {other}, reads columns that are no longer built")
    numbers = f"{MAIN} {score:.4f}, {ahead.value:+.4f} ({ahead.low:+.4f} to {ahead.high:+.4f})"
    if ahead.low == ahead.value == ahead.high == 0:
        how = "from committed code" if repeatable else "not better"
        return Decision(repeatable, f"{name} is as good as {other}, {how}: {numbers}")
    if ahead.low <= 0 < ahead.value:
        return Decision(False, f"{name} beats {other}, but within noise: {numbers}")
    better = ahead.low > 0
    return Decision(better, f"{name} {'beats' if better else 'does not beat'} {other}: {numbers}")


def _compare(
    client: mlflow.MlflowClient,
    candidate: ModelVersion,
    champion: ModelVersion | None,
    holdout: pd.DataFrame,
    params: Params,
) -> Decision:
    found = candidate.tags.get("evaluation", "missing")
    if found != "passed":
        return Decision(False, f"the evaluation of version {candidate.version} is: {found}")
    forecaster, about = persist.load_from(files_of(client, candidate))
    matrix = _matrix(about, holdout)
    if matrix is None:
        why = f"version {candidate.version} reads columns that features.py no longer builds"
        return Decision(False, why)
    said = forecaster(matrix)
    if about["model_file"] == persist.ONNX:
        apart = agreement.difference(client, candidate, matrix, said)
        if not apart <= onnx.TOLERANCE:
            why = f"the ONNX file of version {candidate.version} differs from its model"
            return Decision(False, f"{why} by up to {apart:.1e} on this hold-out")
    truth = metrics.truth(holdout[TARGET])
    score = metrics.main(truth, said)
    if champion is None:
        return decide(candidate, score, None, None)
    rival, known = persist.load_from(files_of(client, champion))
    matrix = _matrix(known, holdout)
    ahead = None
    if matrix is not None:
        ahead = intervals.difference(holdout, truth, said, rival(matrix), params)
    repeatable = about["git_dirty"] is False and known.get("git_dirty") is not False
    return decide(candidate, score, champion, ahead, repeatable)


def _matrix(about: dict[str, Any], holdout: pd.DataFrame) -> features.Matrix | None:
    """The columns that this model was trained on, in its order; None when one of them is gone."""
    if not set(about["features"]) <= set(features.NAMES):
        return None
    columns = [features.NAMES.index(name) for name in about["features"]]
    return np.ascontiguousarray(features.build(holdout)[:, columns])
