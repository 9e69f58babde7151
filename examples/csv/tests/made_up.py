"""A made-up table of the shape of rows.py, for the tests: yours is not in git, and may be large.

Its answers follow a rule that is known here, so the tests can say what the model must have learned:
the larger the first number, the sooner the answer is yes, the last class, or a large number.
"""

import csv
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from package_size.data.rows import (
    CATEGORIES,
    COLUMNS,
    DATES,
    GROUP,
    LABEL,
    NUMBERS,
    TARGET,
    Row,
)
from package_size.data.settings import Collect
from package_size.data.values import ISO

ROWS, GROUPS = 1_500, 100
START = datetime(2024, 1, 1)
FIELDS = Row.model_json_schema()["properties"]
SAYS = 0.5 if NUMBERS else 2.0  # what a category adds to the answer: without numbers it is all


def written(path: Path) -> Collect:
    """The table at `path`, and how to read it."""
    draw = random.Random(1)  # noqa: S311 - for a made-up table, not for a secret
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number in range(ROWS):
            cells = _row(number, draw)
            writer.writerow([cells[name] for name in COLUMNS.values()])
    return Collect(
        file=str(path),
        url="",
        encoding="utf-8",
        separator=",",
        decimal=".",
        skip_rows=0,
        header=True,
        missing=("",),
    )


def _row(number: int, draw: random.Random) -> dict[str, Any]:
    """The cells of a row by the names of their columns."""
    now = START + timedelta(days=number)
    cells: dict[str, Any] = {}
    score = draw.gauss(0, 0.5)
    for place, name in enumerate(NUMBERS):
        share = draw.random()
        score += (2.0, 1.0, -1.0, 0.5)[place] * share if place < 4 else 0.0
        low, high = usual(name)
        cells[name] = low + share * (high - low)
        if FIELDS[name].get("type") == "boolean":
            cells[name] = "yes" if share > 0.5 else "no"
    for name, values in CATEGORIES.items():
        cells[name] = draw.choice(values)
        score += SAYS * (cells[name] == values[0])
    for name in Row.model_fields:
        if "anyOf" in FIELDS[name] and draw.random() < 0.03:
            cells[name] = ""
    for name, forms in DATES.items():
        days = cells.get(f"{name}_days", 0)
        moment = now - timedelta(days=round(days or 0))
        written = moment.isoformat() if forms[0] == ISO else moment.strftime(forms[0])
        cells[name] = "" if days == "" else written
    if GROUP is not None:
        cells[GROUP] = f"group {draw.randrange(GROUPS)}"
    if LABEL is not None:
        cells[LABEL] = f"row {number}"
    cells[TARGET] = _answer(score)
    return cells


def usual(name: str) -> tuple[float, float]:
    """A narrow range inside the limits of the number."""
    limits = FIELDS[name].get("anyOf", [FIELDS[name]])[0]
    if name.endswith("_days") and name not in COLUMNS.values():
        return 0.0, 400.0
    low, high = limits.get("minimum", 0.0), limits.get("maximum", 1.0)
    return max(low, 0.0), max(low, 0.0) + (high - max(low, 0.0)) / 10


def _answer(score: float) -> str:
    return f"{100 * score:.2f}"
