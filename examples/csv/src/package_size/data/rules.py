"""Which rows are dropped or repaired, and why. The first line of each rule is printed."""

import pandas as pd

from .rows import CATEGORIES, TARGET, TIME, Row
from .settings import Clean


def no_answer(frame: pd.DataFrame, params: Clean) -> "pd.Series[bool]":
    """The answer is missing: such a row can neither teach nor examine."""
    return frame[TARGET].isna()


def no_time(frame: pd.DataFrame, params: Clean) -> "pd.Series[bool]":
    """The time is missing: the row could be from before or after any other."""
    return frame[TIME].isna() if TIME else pd.Series(False, index=frame.index)


def one_spelling(frame: pd.DataFrame, params: Clean) -> pd.DataFrame:
    """City, CITY and city are one value: it is spelled as most rows spell it."""
    repaired = frame.copy()
    spellings = CATEGORIES
    for name, known in spellings.items():
        usual = {_plain(value): value for value in known}
        distinct = frame[name].dropna().unique()
        repaired[name] = frame[name].replace({v: usual.get(_plain(v), v) for v in distinct})
    return repaired


def impossible_value(frame: pd.DataFrame, params: Clean) -> pd.DataFrame:
    """A value beyond the limits of Row cannot be meant: it is taken for missing."""
    repaired = frame.copy()
    for name, about in Row.model_json_schema()["properties"].items():
        limits = about.get("anyOf", [about])[0]
        if "maximum" in limits:
            inside = frame[name].between(limits.get("minimum", float("-inf")), limits["maximum"])
            repaired[name] = frame[name].where(inside)
        elif "maxLength" in limits:
            repaired[name] = frame[name].where(frame[name].str.len() <= limits["maxLength"])
    return repaired


def mostly_empty(frame: pd.DataFrame, params: Clean) -> "pd.Series[bool]":
    """Too little is known of the row to say anything about it."""
    return frame[list(Row.model_fields)].isna().mean(axis="columns") > params.most_empty


def copy(frame: pd.DataFrame, params: Clean) -> "pd.Series[bool]":
    """The same row again, in every column: the model would be examined with what it learned."""
    return frame.duplicated() & params.drop_copies


def looks_the_same(frame: pd.DataFrame, params: Clean) -> "pd.Series[bool]":
    """Nothing tells it from an earlier package but its name, as with hundreds of Rust libraries."""
    return frame.duplicated(list(Row.model_fields))


# In this order: a row that breaks two rules is counted for the first.
RULES = (
    no_answer,
    no_time,
    one_spelling,
    impossible_value,
    mostly_empty,
    copy,
    looks_the_same,
)


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
