"""The two sides that `drift` compares: rows that a model was judged by, and rows it was asked.

The reference is taken from the hold-out, not from the rows of the training: what a model says about
rows that it has learned by heart is no measure for what it says about new ones. And where the split
is by time, the hold-out is the newest that the model is known to be good at.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException

from ..data.rows import CATEGORIES
from ..data.schema import rows_of
from ..errors import NothingToCompareError
from ..model import persist
from ..model.predict import Predictor
from ..paths import Layout
from ..registry import tracking
from . import log

ROWS = 5_000  # enough to know the shape of each column
FILE = "drift/reference.csv"  # among the artifacts of the run


@dataclass(frozen=True)
class Reference:
    """What rows and answers looked like when the champion was judged."""

    version: str
    run_id: str
    categories: Mapping[str, tuple[str, ...]]  # with the answer, where it is one of some classes
    frame: pd.DataFrame


def keep(predictor: Predictor, holdout: pd.DataFrame) -> None:
    """Put a sample of the hold-out with its predictions into the active run."""
    sample = holdout.sample(min(ROWS, len(holdout)), random_state=0).sort_index()
    mlflow.log_text(answered(predictor, sample).to_csv(index=False), FILE)


def answered(predictor: Predictor, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table and what a model answers, as the service would have logged them."""
    rows = rows_of(frame)
    return pd.DataFrame(log.columns(rows, predictor.answer(rows).predictions))


def of_champion(layout: Layout) -> Reference:
    about = persist.describe(layout.champion)
    if about is None:
        raise NothingToCompareError(
            what="There is no champion yet.",
            why="Drift is a difference from the rows that the champion was judged by.",
            do="Train one: make train",
        )
    categories = dict(CATEGORIES)
    if "classes" in about["answers"]:
        categories[f"{log.PREDICTION}answer"] = tuple(about["answers"]["classes"])
    try:
        file = tracking.client(layout).download_artifacts(about["run_id"], FILE)
    except (MlflowException, OSError) as error:
        raise NothingToCompareError(
            what=f"Nothing is known of the rows that version {about['version']} was judged by.",
            why=f"Its run has no {FILE}, or its files were deleted: {error}",
            do="Train again: make train",
        ) from None
    frame = typed(_read(Path(file), categories), categories)
    return Reference(about["version"], about["run_id"], categories, frame)


def of_table(file: Path, reference: Reference) -> pd.DataFrame:
    """The columns of a CSV file that the reference has too."""
    try:
        frame = _read(file, reference.categories)
        shared = [name for name in reference.frame if name in frame]
        if not shared:
            raise ValueError("it has none of the columns that the model reads")
        return typed(frame[shared], reference.categories)
    except (OSError, ValueError) as error:
        raise NothingToCompareError(
            what=f"{file} cannot be compared.",
            why=str(error),
            do=f"Give it columns of Row, as numbers: {', '.join(reference.frame.columns)}",
        ) from None


def typed(frame: pd.DataFrame, categories: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    """Text for categories, numbers for all else; what is missing is missing in the same way."""
    return frame.astype({name: "str" if name in categories else "float64" for name in frame})


def logged(
    files: Iterable[Path], reference: Reference, latest: int, since: str
) -> tuple[pd.DataFrame, int]:
    """The latest rows that the champion answered, and how many lines are of other models.

    A line that is cut short, as after a crash, is passed over.
    """
    records, others = [], 0
    for file in files:
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            record = _record(line)
            if str(record.get("log.time")) < since:
                continue
            if record.get("log.run") == reference.run_id:
                records.append(record)
            else:
                others += bool(record)
    records.sort(key=lambda record: str(record["log.time"]))
    frame = pd.DataFrame(records[-latest:], columns=[*reference.frame.columns])
    return typed(frame, reference.categories), others


def _record(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _read(file: Path, categories: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    text = dict.fromkeys(categories, "str")
    return pd.read_csv(file, dtype=text, keep_default_na=False, na_values=[""])
