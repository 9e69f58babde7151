"""Put whole groups on one side: what is learned from, and what the model is judged by."""

import hashlib

import pandas as pd

from .config import Split
from .errors import ProjectError
from .rows import GROUP


def split(frame: pd.DataFrame, params: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows to train on, and the hold-out.

    Rows of one module are alike. If some were in training and some in the hold-out, the score
    would tell how well the model knows the module, not how well it does on a new one.
    """
    held_out = frame[GROUP].map(lambda group: is_held_out(group, params)).astype(bool)
    train, holdout = frame[~held_out], frame[held_out]
    check_no_group_crosses(train, holdout)
    return train.reset_index(drop=True), holdout.reset_index(drop=True)


def is_held_out(group: str, params: Split) -> bool:
    """Decided by the group's name alone: more or other data never move a group to the other side.

    Python's own hash() would not do: it changes with every process.
    """
    digest = hashlib.sha256(f"{params.salt}:{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < params.holdout_share


def check_no_group_crosses(train: pd.DataFrame, holdout: pd.DataFrame) -> None:
    both = sorted(set(train[GROUP]) & set(holdout[GROUP]))
    if both:
        raise ProjectError(
            what=f"{len(both)} group(s) are in training and in the hold-out.",
            why=f"For example {both[0]!r}: the score on the hold-out would be too good to be true.",
            do="Split by group, as is_held_out in split.py does.",
        )
    if train.empty or holdout.empty:
        raise ProjectError(
            what="One side of the split is empty.",
            why=f"{len(train)} rows to train on, {len(holdout)} held out.",
            do="Collect more groups, or change split.holdout_share in params.toml.",
        )
