"""From a file to tables of text, a piece at a time: a million rows need not fit into memory."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import pandas as pd

from ..errors import ProjectError
from .decoding import text
from .formats import Format

PIECE = 50_000  # rows
MOST_COLUMNS = 1_000
KEPT = 200_000  # rows that are looked at, evenly spread over the file


@dataclass(frozen=True)
class Sample:
    """Rows to look at, all of the file or some of it."""

    frame: pd.DataFrame
    rows: int  # in the file
    ragged: int  # rows with too few or too many cells


def pieces(path: Path, form: Format, counts: Counter[str]) -> Iterator[pd.DataFrame]:
    """The rows in tables of text, in their order; the index is the number of the row in the file.

    A row with too few cells lacks the last ones; one with too many loses the rest. Both are counted
    as `ragged_rows`. Rows without any text are left out.
    """
    try:
        with text(path, form.encoding) as lines:
            rows = csv.reader(lines, delimiter=form.separator)
            first = next(islice(rows, form.skip_rows, None), [])
            names = headers(first, form.header)
            piece: list[list[str]] = []
            for cells in chain([] if form.header else [first], rows):
                counts["lines"] += 1
                if len(cells) != len(names) and any(cells):
                    # A separator too many at the end of each row is no fault.
                    counts["ragged_rows"] += len(cells) < len(names) or any(cells[len(names) :])
                    cells = (cells + [""] * len(names))[: len(names)]
                if any(cells):
                    piece.append([cell.strip() for cell in cells])
                if len(piece) == PIECE:
                    yield _table(piece, names, counts)
                    piece = []
            if piece:
                yield _table(piece, names, counts)
    except UnicodeDecodeError as error:
        raise ProjectError(
            what=f"{path.name} cannot be read as {form.encoding}.",
            why=f"After row {counts['lines']:,}: {error.reason}, {error.object[error.start]:#04x}.",
            do="Leave --encoding out, so that it is looked for, or name another: --encoding cp1252",
        ) from None
    except csv.Error as error:
        raise ProjectError(
            what=f"{path.name} cannot be cut into cells after row {counts['lines']:,}.",
            why=f"{error}: most likely a quote that is opened there and never closed.",
            do="Look at that row in an editor, or name the right separator with --separator",
        ) from None


def sample(path: Path, form: Format) -> Sample:
    """All rows, or every second, fourth, eighth … of them when there are too many to look at."""
    counts: Counter[str] = Counter()
    kept: list[pd.DataFrame] = []
    step = 1
    for piece in pieces(path, form, counts):
        kept.append(piece[piece.index % step == 0])
        if sum(map(len, kept)) > KEPT:
            step *= 2
            kept = [each[each.index % step == 0] for each in kept]
    if not kept:
        raise ProjectError(
            what=f"{path.name} has a header and no rows." if form.header else "There are no rows.",
            why="Nothing can be learned from it.",
            do="Look where it comes from: was the export or the download finished?",
        )
    return Sample(pd.concat(kept), counts["rows"], counts["ragged_rows"])


def headers(first: list[str], header: bool) -> list[str]:
    """The names of the columns as they stand in the file, made different where two are the same.

    A column without a name is called by its place: `column 3`.
    """
    names = [" ".join(cell.split()) for cell in first] if header else [""] * len(first)
    if len(names) > MOST_COLUMNS:
        raise ProjectError(
            what=f"The table has {len(names):,} columns.",
            why=f"More than {MOST_COLUMNS:,} are not looked at: a service asks for each of them.",
            do="Keep the columns that are known when a prediction is wanted; inspect that file",
        )
    names = [name or f"column {place}" for place, name in enumerate(names, start=1)]
    seen: Counter[str] = Counter()
    for place, name in enumerate(names):
        seen[name] += 1
        if seen[name] > 1:
            names[place] = f"{name} ({seen[name]})"
    return names


def _table(piece: list[list[str]], names: list[str], counts: Counter[str]) -> pd.DataFrame:
    start = counts["rows"]
    counts["rows"] += len(piece)
    return pd.DataFrame(piece, columns=names, index=range(start, counts["rows"]), dtype="str")
