"""A table of the user's own for `new`: looked at before anything is made, then by the project."""

from __future__ import annotations

import csv
import gzip
import json
import re
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mldeploy.errors import ConfigError, FailedError, MldeployError
from mldeploy.programs import ProgramError, run
from mldeploy.project import find

LOOK_SECONDS = 900
START_BYTES = 1 << 16  # the header stands in the first of them, or it is no table
NOT_TEXT = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1", b"%PDF")  # Excel, Parquet, PDF
DEFAULT_TASK = "binary"


@dataclass(frozen=True)
class OwnTable:
    """A file, or an http(s) address, and the column to predict."""

    file: str
    target: str

    @property
    def is_address(self) -> bool:
        return self.file.lower().startswith(("http://", "https://"))

    @property
    def name(self) -> str:
        return self.file.rstrip("/").rpartition("/")[2].partition("?")[0]

    @property
    def place(self) -> str:
        """The file as it is found from any folder."""
        return self.file if self.is_address else str(Path(self.file).expanduser().resolve())


@dataclass(frozen=True)
class Proposal:
    """What the project's own `inspect` found."""

    task: str
    rows: int
    features: int
    group: str | None
    time: str | None


def check(table: OwnTable) -> None:
    """Refuse what can't be a table with that column; an address is only looked at later."""
    if table.is_address:
        return
    path = Path(table.place)
    if not path.is_file():
        is_folder = path.is_dir()
        raise ConfigError(
            "no-table",
            what=f"{table.file} is a folder." if is_folder else f"There is no file {table.file}.",
            why="One table is wanted." if is_folder else f"Looked for in {Path.cwd()}.",
            do=f"ls {path if is_folder else path.parent}     (and then: --csv FILE)",
        )
    try:
        start = _start(path)
    except (OSError, EOFError) as error:
        raise ConfigError(
            "unreadable-table",
            what=f"{table.file} can't be read.",
            why=str(error),
            do=f"ls -l {path}",
        ) from error
    if start.startswith(NOT_TEXT):
        raise ConfigError(
            "no-text",
            what=f"{table.file} is not a table of text.",
            why="It is an Excel, Parquet or PDF file; what is read are cells parted by a sign.",
            do="save it as CSV (UTF-8) where it was made, and name that file",
        )
    cells = _first_cells(start)
    if not cells:
        raise ConfigError(
            "empty-table",
            what=f"{table.file} is empty.",
            why="It holds no text.",
            do="look where it comes from: was the export or the download finished?",
        )
    if re.fullmatch(r"column[ _]\d+", table.target.lower()):  # a table without a header
        return
    if _plain(table.target) not in {_plain(cell) for cell in cells}:
        near = get_close_matches(table.target, cells, n=1, cutoff=0.5)
        raise ConfigError(
            "no-such-column",
            what=f"{table.name} has no column {table.target!r}.",
            why="It starts with: " + ", ".join(cells[:12]) + (", …" if len(cells) > 12 else ""),
            do=f"--target {near[0]!r}" if near else "--target COLUMN     (one of these)",
        )


def look(project: Path, package: str, table: OwnTable, *, write: bool) -> Proposal:
    """Let the project look at the table, and with ``write`` keep what it proposes."""
    python = find(project).python()
    command: list[str | Path] = [python, "-m", package, "inspect", table.place]
    command += ["--target", table.target, "--json"]
    try:
        said = run([*command, *["--write"] * write], cwd=project, timeout=LOOK_SECONDS)
    except ProgramError as error:
        raise _refused(error) from error
    told = json.loads(said.splitlines()[-1])
    return Proposal(
        task=told["task"],
        rows=told["rows"],
        features=sum(column["use"] in ("yes", "days before time") for column in told["columns"]),
        group=told["group"],
        time=told["time"],
    )


def _refused(error: ProgramError) -> MldeployError:
    """The project's own words, if it said why."""
    try:
        told: dict[str, Any] = json.loads(error.output.strip().splitlines()[-1])["error"]
        return FailedError("table-refused", what=told["what"], why=told["why"], do=told["do"])
    except (ValueError, IndexError, KeyError, TypeError):
        return error


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as content:
        return content.read(START_BYTES)


def _first_cells(start: bytes) -> list[str]:
    """The cells of the first lines, whatever parts them."""
    lines = [line for line in _text(start).splitlines() if line.strip()][:20]
    separator = max(",;\t|", key=lambda mark: sum(line.count(mark) for line in lines))
    cells = [cell.strip() for row in csv.reader(lines, delimiter=separator) for cell in row]
    return list(dict.fromkeys(cell for cell in cells if cell))


def _text(start: bytes) -> str:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return start.decode("utf-16", errors="replace")
    return start.replace(b"\0", b"").decode("utf-8-sig", errors="replace")


def _plain(name: str) -> str:
    """Price (€), price and PRICE are one name, as they are for the project."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", letters).strip("_") or name.strip().lower()
