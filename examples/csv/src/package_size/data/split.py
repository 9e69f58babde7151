"""Two sides: what is learned from, and the hold-out that the model is judged by."""

import hashlib

import pandas as pd

from ..config import Split
from ..errors import ProjectError
from .rows import GROUP, TIME, Row


def split(frame: pd.DataFrame, params: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows to train on, and the hold-out.

    By "group": rows of one group are alike. If some were in training and some in the hold-out, the
    score would tell how well the model knows the group, not how well it does on a new one.
    By "time": the latest rows are held out, because the model will be asked about tomorrow.
    By "rows": each row for itself. Right only if no two rows have anything to do with each other.
    """
    if params.by == "time":
        held_out = _latest(frame, params)
    else:
        key = frame[_group()] if params.by == "group" else _fingerprint(frame)
        held_out = key.map(lambda name: is_held_out(name, params)).astype(bool)
    train, holdout = frame[~held_out], frame[held_out]
    if train.empty or holdout.empty:
        raise ProjectError(
            what="One side of the split is empty.",
            why=f"{len(train)} rows to train on, {len(holdout)} held out, split by {params.by}.",
            do="Collect more, or change split.holdout_share in params.toml.",
        )
    return train.reset_index(drop=True), holdout.reset_index(drop=True)


def is_held_out(name: str, params: Split) -> bool:
    """Decided by the name alone: more or other data never move a group to the other side.

    Python's own hash() would not do: it changes with every process.
    """
    digest = hashlib.sha256(f"{params.salt}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < params.holdout_share


def _latest(frame: pd.DataFrame, params: Split) -> "pd.Series[bool]":
    """The last share of the rows. Rows of the same moment stay together."""
    if TIME is None:
        raise _no_column("time", "TIME")
    times = frame[TIME].sort_values()
    first_held_out = times.iloc[int(len(times) * (1 - params.holdout_share))]
    return frame[TIME].ge(first_held_out)


def _group() -> str:
    if GROUP is None:
        raise _no_column("group", "GROUP")
    return GROUP


def _fingerprint(frame: pd.DataFrame) -> "pd.Series[str]":
    """What a row is to the model, as a number in text: copies of a row stay on one side."""
    columns = frame[list(Row.model_fields)]
    # Quick also for a million rows, equal in every process, and at home with missing values.
    return pd.util.hash_pandas_object(columns, index=False).astype(str)


def _no_column(by: str, name: str) -> ProjectError:
    return ProjectError(
        what=f'The rows cannot be split by "{by}".',
        why=f"data/rows.py says {name} = None: no column tells it.",
        do='Name the column in data/rows.py, or set split.by in params.toml to "rows".',
    )
