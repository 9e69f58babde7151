"""What the text in a cell means: a number, a date, yes or no, or nothing."""

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

# In small letters. Which of them the table uses is written to params.toml, to be corrected there.
MISSING = frozenset(
    ["", "-", "--", "---", ".", "?", "n/a", "na", "n.a.", "#n/a", "nan", "nil", "none", "null"]
) | {"missing", "k.a.", "k. a."}
YES = frozenset(["yes", "y", "true", "t", "1", "on", "ja", "oui", "si", "sí", "sim"])
NO = frozenset(["no", "n", "false", "f", "0", "off", "nein", "non", "não"])

# Tried in this order: where day and month cannot be told apart, the day comes first.
ISO = "ISO8601"
DATES = (
    ISO, "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y", "%d/%m/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S", "%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%Y/%m/%d",
    "%d-%m-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y",
    "%B %d, %Y", "%Y%m%d",
)  # fmt: skip
# pandas also takes a lone year for a date of ISO 8601; here it stays a number.
_LIKE_ISO = r"\d{4}-\d\d-\d\d.*"
_LIKE_DAY = r"(?:19|20)\d{6}"

_BLANKS = dict.fromkeys("€$£¥₹%\u00a0\u202f\u2009", " ")
_SIGNS = str.maketrans({"\u2212": "-", "\u2019": "'"} | _BLANKS)
# Whole thousands with a mark between them, or plain digits; then, maybe, decimals.
_NUMBER = r"[+-]?(?:\d{{1,3}}(?:(?P<mark>[{other}' ])\d{{3}})(?:(?P=mark)\d{{3}})*|\d+)?"
_SHAPES = {
    decimal: re.compile(
        _NUMBER.format(other=other) + rf"(?:[{decimal}]\d+)?(?:[eE][+-]?\d+)?"
        # The other mark followed by one, two or many digits can only be a decimal one, too.
        rf"|[+-]?\d+[{other}](?:\d{{1,2}}|\d{{4,}})"
    )
    for decimal, other in ((".", ","), (",", "."))
}
_ALWAYS = {".": re.compile(r"\d+\.(\d{1,2}|\d{4,})|\d{1,3}(,\d{3})+\.\d+")}
_ALWAYS[","] = re.compile(r"\d+,(\d{1,2}|\d{4,})|\d{1,3}(\.\d{3})+,\d+")


def missing(texts: "pd.Series[str]", spellings: Sequence[str]) -> "pd.Series[bool]":
    """Which cells say nothing."""
    return texts.isin([*spellings, ""]) | texts.str.lower().isin(spellings)


def decimal_of(texts: "pd.Series[str]", separator: str) -> str:
    """The decimal mark that the cells agree on, by those in which it can't be anything else."""
    counts = {mark: int(texts.str.fullmatch(shape).sum()) for mark, shape in _ALWAYS.items()}
    if counts["."] == counts[","]:
        return "," if separator == ";" else "."
    return max(counts, key=lambda mark: counts[mark])


def number(text: str, decimal: str) -> float:
    """1.250,50 € is 1250.5 where the decimal mark is a comma; what is no number is NaN."""
    bare = text.translate(_SIGNS).strip()
    if not bare or bare in "+-" or not (found := _SHAPES[decimal].fullmatch(bare)):
        return math.nan
    if (mark := found["mark"]) is not None:
        bare = bare.replace(mark, "")
    mantissa = bare.lower().partition("e")[0]  # "e3" is a name
    return float(bare.replace(",", ".")) if any(map(str.isdigit, mantissa)) else math.nan


def numbers(texts: "pd.Series[str]", decimal: str) -> "pd.Series[float]":
    """The column as numbers; NaN where a cell holds none."""
    codes, distinct = pd.factorize(texts)
    values = np.array([number(str(text), decimal) for text in distinct], dtype=np.float64)
    return pd.Series(values[codes] if len(values) else math.nan, index=texts.index, dtype=float)


def dates(texts: "pd.Series[str]", formats: Sequence[str]) -> "pd.Series[Any]":
    """The column as moments (UTC where a zone is given); NaT where no format fits."""
    found = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us]")
    for form in formats:
        rest = texts[found.isna()]
        if form in (ISO, "%Y%m%d"):
            rest = rest[rest.str.fullmatch(_LIKE_ISO if form == ISO else _LIKE_DAY)]
        moments = pd.to_datetime(rest, format=form, errors="coerce", utc=True)
        found = found.where(found.notna(), moments.dt.tz_localize(None).dt.as_unit("us"))
    return found


def flags(texts: "pd.Series[str]") -> "pd.Series[Any]":
    """The column as yes (True) and no (False); missing where it is neither."""
    small = texts.str.lower()
    known = small.isin(YES) | small.isin(NO)
    return small.isin(YES).astype("boolean").where(known, pd.NA)
