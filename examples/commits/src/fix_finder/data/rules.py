"""Which rows are dropped, and why. The first line of each rule is printed in the report."""

import pandas as pd

from .rows import LABEL
from .settings import Clean


def too_early(frame: pd.DataFrame, params: Clean) -> "pd.Series[bool]":
    """The first commits of a repository: they have hardly any past to learn from."""
    return frame["number"] <= params.first_commits


def too_large(frame: pd.DataFrame, params: Clean) -> "pd.Series[bool]":
    """Imports, generated files and new formatting: no reader would ask if they are a fix."""
    lines = frame["added"] + frame["deleted"]
    return (frame["files"] > params.max_files) | (lines > params.max_lines)


def copied(frame: pd.DataFrame, params: Clean) -> "pd.Series[bool]":
    """The same commit in a second repository, as in a fork: it would be learned and asked."""
    return frame.duplicated(LABEL)


# In this order: a row that breaks two rules is counted for the first.
RULES = (too_early, too_large, copied)
