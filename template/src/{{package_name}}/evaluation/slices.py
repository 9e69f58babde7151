"""The main metric for parts of the rows."""

import pandas as pd

from ..config import Params
from ..data.rows import SLICES
from . import metrics
from .metrics import Forecast, Truth


def table(
    holdout: pd.DataFrame, truth: Truth, said: Forecast, params: Params
) -> tuple[tuple[str, ...], ...]:
    rows = [
        (column, str(value), str(int(part.sum())), f"{metrics.main(truth[part], said[part]):.4f}")
        for column in SLICES
        for value in sorted(holdout[column].dropna().unique(), key=str)
        if (part := (holdout[column] == value).to_numpy()).sum() > 50
    ]
    return (("column", "value", "rows", metrics.MAIN), *rows)
