"""Where the rows come from: the table that params.toml names, read as rows.py says.

To learn from another table, let `inspect` write both: inspect FILE --target COLUMN --write.
"""

from collections import Counter
from difflib import get_close_matches
from hashlib import file_digest
from pathlib import Path
from typing import Any

import pandas as pd

from .. import PROJECT
from ..errors import ProjectError
from ..paths import Layout
from . import fetching, values
from .formats import Format
from .reading import pieces
from .rows import ASIDE, CATEGORIES, COLUMNS, DATES, GROUP, LABEL, TARGET, TIME, Row
from .settings import Collect

DAY = 24 * 60 * 60  # seconds


def collect(params: Collect, layout: Layout) -> pd.DataFrame:
    """A row for each row of the table, in its order: the same on every call.

    `attrs` of the frame counts rows with too few or too many cells, and cells that hold something
    else than their column, such as text among numbers; these are taken for missing.
    """
    path = fetching.located(params, layout)
    counts: Counter[str] = Counter()
    form = Format(params.encoding, params.separator, params.skip_rows, params.header)
    tables = [_typed(piece, params, counts, path) for piece in pieces(path, form, counts)]
    frame = pd.concat(tables) if tables else pd.DataFrame(columns=list(COLUMNS.values()))
    frame.attrs = {name: counts[name] for name in ("ragged_rows", "cells_not_read")}
    return frame


def origin(params: Collect, layout: Layout) -> dict[str, Any]:
    """What decides, beside the parameters, whether rows of last time are still the same."""
    rows = Path(__file__).with_name("rows.py")
    return {"file": _sha256(fetching.located(params, layout)), "rows.py": _sha256(rows)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _typed(piece: pd.DataFrame, params: Collect, counts: Counter[str], path: Path) -> pd.DataFrame:
    """The piece with the names and types of rows.py."""
    for header in COLUMNS:
        if header not in piece:
            there = [str(name) for name in piece]
            near = get_close_matches(header, there, n=1) or there[:1]
            raise ProjectError(
                what=f"{path.name} has no column {header!r}.",
                why=f"rows.py reads it; the nearest name in the table is {near[0]!r}.",
                do=f"Correct COLUMNS in rows.py, or look again: uv run {PROJECT} inspect --write",
            )
    texts, gone = {}, {}
    for header, name in COLUMNS.items():
        texts[name] = piece[header]
        gone[name] = values.missing(piece[header], params.missing)
    moments = {name: values.dates(texts[name], forms) for name, forms in DATES.items()}
    made: dict[str, Any] = {name: _iso(moments[name]) for name in ASIDE}
    for about in (GROUP, LABEL):
        if about is not None:  # a row that belongs to nothing is a group of its own
            rows = "row " + pd.Series(piece.index + 1, index=piece.index).astype("str")
            made[about] = texts[about].where(~gone[about], rows)
    if TIME is not None:
        made[TIME] = _iso(moments[TIME])
    for name, field in Row.model_fields.items():
        if name in CATEGORIES:
            made[name] = texts[name].mask(gone[name])
        elif name not in texts:  # the days from a date until the time of the row
            passed = moments[str(TIME)] - moments[name.removesuffix("_days")]
            made[name] = passed.dt.total_seconds() / DAY
        elif field.annotation is bool:
            flags = values.flags(texts[name])
            made[name] = flags if flags.isna().any() else flags.astype(bool)
        else:
            made[name] = values.numbers(texts[name].mask(gone[name], ""), params.decimal)
            made[name] = made[name].astype(float)
    made[TARGET] = values.numbers(texts[TARGET].mask(gone[TARGET], ""), params.decimal)
    counts["cells_not_read"] += sum(
        int((pd.isna(made[name]) & ~gone[name]).sum()) for name in made if name in gone
    )
    return pd.DataFrame(made)


def _iso(moments: "pd.Series[Any]") -> "pd.Series[str]":
    """As text that sorts as time does; missing where there is none."""
    texts: pd.Series[str] = moments.dt.strftime("%Y-%m-%dT%H:%M:%S").astype("str")
    return texts
