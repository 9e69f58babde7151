"""Can the score be believed? Leaks, copies, groups and time across the split, and chance.

What is found is printed, stands in the model card, and a check that fails fails the evaluation. A
finding that you have looked into, and that is no leak, goes into honesty.accepted of params.toml.
"""

import numpy as np
import pandas as pd

from ..config import Honesty, Params, Split
from ..data import split
from ..data.rows import GROUP, TARGET, TIME, Row
from ..errors import ProjectError
from ..model import features
from ..model.fit import fit
from ..model.forecast import forecast
from . import intervals, leaks, metrics
from .intervals import Interval
from .leaks import Finding, Sides
from .metrics import CHANCE, MAIN, Forecast


def check(
    train: pd.DataFrame, holdout: pd.DataFrame, said: Forecast, params: Params
) -> tuple[Finding, ...]:
    """All findings. `said` is what the model says of the hold-out."""
    if not params.honesty.checks:
        return (Finding("checks", False, "the checks are switched off: honesty.checks"),)
    sides = _sides(train, holdout)
    likely = intervals.of(holdout, sides.holdout_truth, said, params)[MAIN]
    frame = pd.concat([train, holdout], ignore_index=True)
    return (
        leaks.single_column(sides, params.honesty),
        leaks.few_columns(sides, params.honesty),
        copies(train, holdout, said, params.honesty),
        *_other_split(frame, train, holdout, likely, params),
        shuffled(frame, params),
    )


def copies(train: pd.DataFrame, holdout: pd.DataFrame, said: Forecast, params: Honesty) -> Finding:
    """Rows that stand on both sides: the model has seen the question before.

    Small things are alike by nature, so what counts is whether the score lives on the copies.
    """
    columns = list(Row.model_fields)  # not the answer: those with the same one are the easy ones
    known = pd.MultiIndex.from_frame(train[columns].drop_duplicates())
    copied = pd.MultiIndex.from_frame(holdout[columns]).isin(known)
    truth, share = metrics.truth(holdout[TARGET]), float(copied.mean())
    told = f"{share:.1%} of the rows held out look exactly like a row in training"
    if share <= params.copies:
        return Finding("copies", True, told)
    rest = metrics.main(truth[~copied], said[~copied]) if not copied.all() else float("nan")
    gained = metrics.main(truth, said) - rest
    told += f"; without them {MAIN} is {rest:.3f}, {-gained:+.3f}"
    return Finding("copies", gained <= params.optimism, told)


def shuffled(frame: pd.DataFrame, params: Params) -> Finding:
    """With shuffled answers there is nothing to learn: a score above chance means a leak."""
    mixed = frame[TARGET].sample(frac=1, random_state=params.model.seed).to_numpy()
    value = _score(*split.split(frame.assign(**{TARGET: mixed}), params.split), params)
    said = f"with shuffled answers {MAIN} is {value:.3f}, where chance is {CHANCE:.3f}"
    return Finding("shuffled answers", value < CHANCE + params.honesty.shuffled, said)


def _other_split(
    frame: pd.DataFrame,
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    likely: Interval,
    params: Params,
) -> list[Finding]:
    """Split at random instead, or as it should have been: the difference is the optimism."""
    found = []
    if params.split.by != "rows":
        lucky = _score(*_split(frame, "rows", params), params)
        gained = lucky - likely.value
        said = f"split at random, {MAIN} would be {lucky:.3f}: an optimism of {gained:+.3f}"
        found.append(Finding("optimism", True, said))
    if GROUP is not None and params.split.by != "group":
        both = set(train[GROUP]) & set(holdout[GROUP])
        told = f"{len(both)} groups are on both sides"
        found.append(_honest("group", told, frame, likely, params))
    if TIME is not None and params.split.by != "time":
        later = float((train[TIME] > holdout[TIME].min()).mean())
        told = f"{later:.0%} of the training rows are later than the first row held out"
        found.append(_honest("time", told, frame, likely, params))
    return found


def _honest(by: str, told: str, frame: pd.DataFrame, likely: Interval, params: Params) -> Finding:
    name = {"group": "groups across the split", "time": "time order"}[by]
    try:
        train, holdout = _split(frame, by, params)
        metrics.check(metrics.truth(train[TARGET]), metrics.truth(holdout[TARGET]))
    except ProjectError as error:  # as when one group holds nearly all rows
        return Finding(name, True, f"{told}; by {by} it cannot be split: {error.what}")
    value = _score(train, holdout, params)
    optimism = likely.value - value
    said = f"{told}; split by {by}, {MAIN} is {value:.3f}: an optimism of {optimism:+.3f}"
    if by == "group":
        # Tomorrow's rows of a group that is known today are what a split by time asks for; single
        # rows of a group on both sides are what naming the group was to prevent.
        return Finding(name, params.split.by == "time", said)
    noise = likely.value - likely.low  # of few rows, a score moves by more than the parameter
    return Finding(name, optimism <= max(params.honesty.optimism, noise), said)


def _split(frame: pd.DataFrame, by: str, params: Params) -> tuple[pd.DataFrame, pd.DataFrame]:
    return split.split(frame, Split.model_validate({**params.split.model_dump(), "by": by}))


def _sides(train: pd.DataFrame, holdout: pd.DataFrame) -> Sides:
    return Sides(
        features.build(train),
        metrics.truth(train[TARGET]),
        features.build(holdout),
        metrics.truth(holdout[TARGET]),
    )


def _score(train: pd.DataFrame, holdout: pd.DataFrame, params: Params) -> float:
    """The main metric of a model that is fitted and judged on these sides."""
    sides = _sides(train, holdout)
    model = fit(sides.matrix, sides.truth, params.model)
    value = metrics.main(sides.holdout_truth, forecast(model, sides.holdout))
    return float(np.nan_to_num(value, nan=CHANCE))
