"""What a column is, by its cells alone: the first look at a table that somebody hands you."""

import re
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Any, Literal

import pandas as pd

from ..data import values

Role = Literal[
    "number", "yes/no", "category", "date", "identifier", "free text", "constant", "empty"
]

MOSTLY = 0.9  # of the cells must be numbers, or dates, for the column to be one of them
MOST_VALUES = 30  # of a category get a column of their own in the model; the rest is "another one"
# Stand for "nothing" in many programs. Believed only when they lie far from all other values.
STAND_INS = [-1, *(sign * (10**digits - 1) for digits in range(1, 10) for sign in (1, -1))]
FAR = 10  # times the distance between the quartiles


@dataclass(frozen=True)
class Column:
    """A column of the table and what was found in it."""

    header: str
    name: str
    role: Role
    _: KW_ONLY
    missing: float  # share of the rows
    optional: bool  # may it be missing? yes, if some cell is or if not all were looked at
    distinct: int
    example: str
    notes: tuple[str, ...] = ()
    values: tuple[str, ...] = ()  # of a category, the most frequent first, as mostly spelled
    formats: tuple[str, ...] = ()  # of a date
    low: float = 0.0  # of a number, without what stands for "nothing"
    high: float = 0.0
    whole: bool = False  # a number without decimals


def look(
    header: str,
    name: str,
    texts: "pd.Series[str]",
    missing: "pd.Series[bool]",
    decimal: str,
    complete: bool = True,
) -> Column:
    """The role of a column; `complete` says that these are all of its cells."""
    known = texts[~missing]
    small = known.str.lower()
    distinct = int(small.nunique())
    gone = float(missing.mean())
    common: dict[str, Any] = {"missing": gone, "optional": gone > 0 or not complete}
    common |= {"distinct": distinct, "example": str(known.iloc[0])[:60] if distinct else ""}
    found = partial(Column, header=header, name=name, **common)

    if distinct < 2:
        return found(role="constant" if distinct else "empty")
    if distinct == 2 and values.flags(small.drop_duplicates()).nunique() == 2:
        return found(role="yes/no", values=spellings(known))
    numbers = values.numbers(known, decimal)
    share = float(numbers.notna().mean())
    if known.str.fullmatch(r"0\d+").mean() > 1 - MOSTLY:
        share = 0.0  # 01067 is a name, not a number
    formats = date_formats(known)
    if formats and (share < MOSTLY or formats == ("%Y%m%d",)):
        others = known[values.dates(known, formats).isna()]
        return found(role="date", notes=_mixed(others, "dates"), formats=formats)
    if share >= MOSTLY:
        return _number(numbers, _mixed(known[numbers.isna()], "numbers"), found)

    notes: tuple[str, ...] = ()
    if share > 1 - MOSTLY:
        notes = (f"{share:.0%} of the cells are numbers, the rest is text: read as text",)
    top = float(small.value_counts().head(MOST_VALUES).sum() / len(known))
    once = distinct > 0.9 * len(known) and distinct > MOST_VALUES / 2
    if not once and (distinct <= MOST_VALUES or top >= 0.5):
        return found(role="category", notes=notes, values=spellings(known))
    words = float(known.str.count(r"\s+").mean()) + 1
    return found(role="free text" if words > 3 else "identifier", notes=notes)


def spellings(known: "pd.Series[str]") -> tuple[str, ...]:
    """The most frequent values, each as it is mostly spelled: City, not CITY or city."""
    counts = known.value_counts().rename_axis("text").reset_index(name="count")
    counts["small"] = counts["text"].str.lower().str.split().str.join(" ")
    counts["all"] = counts.groupby("small")["count"].transform("sum")
    order = counts.sort_values(
        ["all", "small", "count", "text"], ascending=[False, True, False, True]
    )
    return tuple(order.drop_duplicates("small")["text"].head(MOST_VALUES))


def date_formats(known: "pd.Series[str]") -> tuple[str, ...]:
    """The formats that together read nearly all cells, the one that reads most first."""
    rest = known.drop_duplicates()
    rest = rest[:: max(1, len(rest) // 500)]
    enough = (1 - MOSTLY) * len(rest)
    formats: list[str] = []
    while len(rest) > enough and len(formats) < 3:
        read = {form: int(values.dates(rest, [form]).notna().sum()) for form in values.DATES}
        best = max(values.DATES, key=lambda form: read[form])
        if not read[best]:
            return ()
        formats.append(best)
        rest = rest[values.dates(rest, [best]).isna()]
    return tuple(formats) if len(rest) <= enough else ()


def _number(
    numbers: "pd.Series[float]", notes: tuple[str, ...], found: "partial[Column]"
) -> Column:
    """A number that is far from all others is told; one that stands for "nothing" is left out."""
    known = numbers.dropna()
    if _counts_up(known, found.keywords["name"]):
        return found(role="identifier")
    first, third = known.quantile(0.25), known.quantile(0.75)
    reach = FAR * (third - first)
    far = known[(known < first - reach) | (known > third + reach)] if reach else known[:0]
    stand_ins = far[far.isin(STAND_INS)]
    rest, others = known.drop(stand_ins.index), far.drop(stand_ins.index)
    if len(stand_ins):
        which = ", ".join(f"{value:,.10g}" for value in sorted(stand_ins.unique()))
        notes += (f"{which} ({len(stand_ins):,} times) is far off: taken for missing",)
    if len(others):
        notes += (f"{len(others):,} far from the rest, for example {others.iloc[0]:,.10g}",)
    low, high, whole = float(rest.min()), float(rest.max()), bool((rest % 1 == 0).all())
    column = found(role="number", notes=notes, low=low, high=high, whole=whole)
    return replace(column, optional=column.optional or len(rest) < len(numbers))


def _counts_up(numbers: "pd.Series[float]", name: str) -> bool:
    """Whole numbers, no two the same, that are called a number or run on without a gap."""
    if numbers.duplicated().any() or (numbers % 1 != 0).any():
        return False
    called = re.search(r"(^|_)(id|no|nr|number|key|index|uuid|code|row)(_|$)", name)
    return bool(called) or numbers.max() - numbers.min() + 1 == len(numbers)


def _mixed(others: "pd.Series[str]", kind: str) -> tuple[str, ...]:
    if others.empty:
        return ()
    examples = ", ".join(repr(text[:30]) for text in others.drop_duplicates().head(3))
    return (f"{len(others):,} cells are no {kind}, for example {examples}: taken for missing",)
