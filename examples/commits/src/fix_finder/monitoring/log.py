"""Writes down what the service was asked and what it answered, for `drift` to look at.

Only the columns that the model reads are written, no address and no key. Of a category, only the
values that are listed in data/rows.py: whatever else somebody types in is written as UNSEEN.
"""

import json
import logging
import os
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import bentoml
from bentoml.monitoring import MonitorBase
from pydantic import BaseModel

from ..data.rows import CATEGORIES, NUMBERS, Row

FOLDER = "monitoring"  # in the folder where the service was started
FILES = "rows-*.jsonl"
SWITCH = "PARAMS_MONITORING__LOG"  # false switches it off, whatever params.toml says
UNSEEN = "(unseen)"
PREDICTION = "prediction."  # the dot keeps what was answered apart from columns of the same name
BYTES = 5_000_000  # of a file; with the one before it at most twice as much, some 40,000 rows
ROWS = 100  # of one request; of a larger one a part is written, evenly spread

logger = logging.getLogger("bentoml")


def is_on(params: Path) -> bool:
    """What [monitoring] in params.toml says, unless the environment variable says otherwise."""
    if (said := os.environ.get(SWITCH)) is not None:
        return said.strip().lower() in ("1", "true", "yes", "on")
    section = tomllib.loads(params.read_text(encoding="utf-8")).get("monitoring", {})
    return bool(section.get("log", False))


class Log:
    """Call it with the rows of a request and their predictions."""

    def __init__(self, on: bool, run_id: str) -> None:
        self.on = on
        self.run_id = run_id  # of the model: `drift` compares each answer with its own model's
        worker = bentoml.server_context.worker_index or 0
        self.file = Path(FOLDER).absolute() / f"rows-{worker}.jsonl"

    def __call__(self, rows: Sequence[Row], predictions: Sequence[BaseModel]) -> None:
        if not self.on:
            return
        step = -(-len(rows) // ROWS)
        options = {"file": self.file, "run_id": self.run_id}
        with bentoml.monitor(str(self.file), f"{__name__}.Lines", options) as monitor:
            for name, values in columns(rows[::step], predictions[::step]).items():
                role = "prediction" if name.startswith(PREDICTION) else "feature"
                kind = "categorical" if name in CATEGORIES else "numerical"
                monitor.log_batch(values, name, role, kind)


def columns(rows: Sequence[Row], predictions: Sequence[BaseModel]) -> dict[str, list[Any]]:
    """What is written, column by column."""
    answers = [name for name in ("answer", "probability") if hasattr(predictions[0], name)]
    return {
        **{name: [getattr(row, name) for row in rows] for name in NUMBERS},
        **{name: [_known(name, row) for row in rows] for name in CATEGORIES},
        **{PREDICTION + name: [getattr(each, name) for each in predictions] for name in answers},
    }


def _known(name: str, row: Row) -> str | None:
    value: str | None = getattr(row, name)
    return value if value is None or value in CATEGORIES[name] else UNSEEN


class Lines(MonitorBase[Any]):
    """A line of JSON for each row, in a file that is set aside when it is full.

    BentoML's own monitor lets its files grow for ever, takes twice as long for a row, and
    closes the handlers of all other loggers when it starts (1.4, monitoring/default.py).
    """

    PRESERVED_COLUMNS = ()

    def __init__(self, name: str, file: Path, run_id: str) -> None:
        super().__init__(name)
        self.file = file
        self.run_id = run_id
        self.stream: TextIO | None = None
        self.broken = False

    def export_schema(self, columns_schema: dict[str, dict[str, str]]) -> None:
        """Nothing to write: each line names its columns."""

    def export_data(self, datas: dict[str, Any]) -> None:
        """Never raises: an answer is worth more than a line about it."""
        if self.broken:
            return
        same = {"log.time": datetime.now(UTC).isoformat(timespec="seconds"), "log.run": self.run_id}
        lines = [
            json.dumps(same | dict(zip(datas, values, strict=True))) + "\n"
            for values in zip(*datas.values(), strict=True)
        ]
        try:
            self._write("".join(lines))
        except OSError as error:  # a read-only file system, or a full one
            self.broken = True
            logger.warning("Nothing more is logged for `drift`: %s", error)

    def _write(self, lines: str) -> None:
        if self.stream is None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.stream = self.file.open("a", encoding="utf-8")
        self.stream.write(lines)
        self.stream.flush()
        if self.stream.tell() > BYTES:
            self.stream.close()
            self.stream = None
            self.file.replace(self.file.with_suffix(".1.jsonl"))
