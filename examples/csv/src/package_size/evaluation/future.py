"""Dates after the time of the row: what they tell is not known yet when you have to predict."""

import pandas as pd

from ..data.rows import ASIDE, DATES, NUMBERS, TIME
from .leaks import Finding

FORGIVEN = 0.01  # the share of rows that may be slips of the pen


def future_dates(frame: pd.DataFrame) -> list[Finding]:
    """A finding for the dates that the model sees, and one for those that were kept from it."""
    shown = {name: frame[f"{name}_days"] < 0 for name in DATES if f"{name}_days" in NUMBERS}
    kept = {name: frame[name] > frame[str(TIME)] for name in DATES if name in ASIDE and TIME}
    found = []
    if told := _late(shown):
        said = f"{told} lies after the time of the row: you would not know it yet"
        found.append(Finding("future dates", False, said))
    elif shown:
        found.append(Finding("future dates", True, "no date lies after the time of its row"))
    if told := _late(kept):
        said = f"{told} lies after the time of the row: it is kept from the model"
        found.append(Finding("future dates", True, said))
    return found


def _late(dates: "dict[str, pd.Series[bool]]") -> str:
    """The dates that are too late in more than a few rows, with the share of these."""
    shares = {name: float(late.mean()) for name, late in dates.items()}
    return " and ".join(
        f"{name} ({share:.0%} of the rows)" for name, share in shares.items() if share > FORGIVEN
    )
