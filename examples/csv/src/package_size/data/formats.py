"""Which kind of file is it? Encoding, separator, header: looked up in the file, not asked."""

import codecs
import csv
import io
import math
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ..errors import ProjectError
from .decoding import encoding_of, opened
from .values import number

SEPARATORS = ",;\t|"
NOT_TEXT = {b"PK\x03\x04": "an Excel file or a zip archive", b"\xd0\xcf\x11\xe0": "an Excel file"}
NOT_TEXT |= {b"PAR1": "a Parquet file", b"%PDF": "a PDF", b"SQLite": "a database"}


@dataclass(frozen=True)
class Format:
    """How the text of a table is laid out."""

    encoding: str
    separator: str = ","
    skip_rows: int = 0  # before the header, or before the first row
    header: bool = True


def recognise(path: Path, encoding: str | None = None, separator: str | None = None) -> Format:
    """The format of the file; what is given is taken as said."""
    with opened(path) as file:
        start = file.read(1 << 20)
    for magic, kind in NOT_TEXT.items():
        if start.startswith(magic):
            raise ProjectError(
                what=f"{path.name} is {kind}, not a table of text.",
                why="Only text with separators is read: .csv, .tsv, .txt, also packed as .gz.",
                do="Open it where it was made and save it as CSV (UTF-8), then inspect that file",
            )
    if not start.strip(b"\0\r\n\t \xef\xbb\xbf\xff\xfe"):
        raise ProjectError(
            what=f"{path.name} is empty.",
            why=f"It holds {len(start)} bytes and no text.",
            do="Look where it comes from: was the export or the download finished?",
        )
    encoding = _known(encoding) if encoding else encoding_of(path, start)
    # Not str.splitlines: it also cuts at signs that may stand inside a cell.
    sample = io.StringIO(start.decode(encoding, errors="replace").replace("\0", ""), newline="")
    lines = list(islice(sample, 200))
    separator = _one_sign(separator) if separator else _separator(lines)
    table = _rows(lines, separator)
    width = _width(table)
    # The header may be a cell shorter, when each row ends with a separator.
    skip = next(at for at, row in enumerate(table) if len(row) >= max(width - 1, 1))
    return Format(encoding, separator, skip, _has_header(table[skip:]))


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise ProjectError(
            what=f"There is no encoding {encoding!r}.",
            why="Python knows, for example: utf-8, utf-16, cp1252, cp1251, shift_jis, gb18030.",
            do="Leave --encoding out, or name one of them",
        ) from None


def _one_sign(separator: str) -> str:
    sign = {"tab": "\t", "\\t": "\t"}.get(separator, separator)
    if len(sign) == 1 and sign not in '"\r\n':
        return sign
    raise ProjectError(
        what=f"{separator!r} cannot part cells.",
        why="A separator is one sign, such as , ; | or tab.",
        do="Leave --separator out, or name one: --separator ';'",
    )


def _separator(lines: list[str]) -> str:
    """The one that cuts the most lines into the same number of cells; of equals, the most."""

    def order(separator: str) -> tuple[float, int]:
        rows = _rows(lines, separator)
        width = _width(rows)
        return (width > 1) * round(sum(len(row) == width for row in rows) / len(rows), 1), width

    return max(SEPARATORS, key=order)


def _rows(lines: list[str], separator: str) -> list[list[str]]:
    """The rows of the lines, up to one that cannot be cut: reading the file will say which."""
    rows: list[list[str]] = []
    with suppress(csv.Error):
        rows.extend(csv.reader(lines, delimiter=separator))
    return rows or [[""]]


def _width(table: list[list[str]]) -> int:
    """How many cells most rows have."""
    return Counter(len(row) for row in table if row).most_common(1)[0][0]


def _has_header(table: list[list[str]]) -> bool:
    """No, if a cell of the first row is a number like all those below it (a year may be a name)."""
    below = [row for row in table[1:] if len(row) == len(table[0])]
    return not any(
        _is_number(cell)
        and not re.fullmatch(r"(19|20)\d\d", cell.strip())
        and all(_is_number(row[at]) or not row[at].strip() for row in below)
        for at, cell in enumerate(table[0])
    )


def _is_number(cell: str) -> bool:
    return any(not math.isnan(number(cell, mark)) for mark in ".,")
