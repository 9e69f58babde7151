"""What cleaning did, in figures: rows by rule, and each column before and after."""

from dataclasses import asdict
from typing import Any

import pandas as pd

from .clean import Cleaned
from .rows import CATEGORIES, NUMBERS, TARGET


def report(raw: pd.DataFrame, cleaned: Cleaned) -> dict[str, Any]:
    """As it is written to reports/cleaning.json and told in the model card."""
    columns = [*NUMBERS, *CATEGORIES, TARGET]
    return {
        "rows_in": len(raw),
        "rows_out": len(cleaned.frame),
        "rules": [asdict(count) for count in cleaned.counts],
        "columns": {
            name: {"before": _figures(raw[name]), "after": _figures(cleaned.frame[name])}
            for name in columns
        },
    }


def _figures(column: "pd.Series[Any]") -> dict[str, Any]:
    """Of a number: its range and middle. Of anything else: how many values, and the commonest."""
    missing = round(float(column.isna().mean()), 4)
    if column.isna().all():
        return {"missing": missing}
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        low, middle, high = (float(column.quantile(share)) for share in (0, 0.5, 1))
        return {"missing": missing, "min": low, "median": middle, "max": high}
    counts = column.value_counts()
    return {"missing": missing, "values": len(counts), "commonest": str(counts.index[0])}
