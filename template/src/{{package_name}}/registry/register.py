"""Write a trained model into its MLflow run, and make it a version in the registry."""

import tempfile
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.data.pandas_dataset import from_pandas

from .. import PROJECT, files
from ..data.rows import EXTREME, TARGET
from ..data.schema import rows_of
from ..evaluation import card, document
from ..evaluation.metrics import MAIN
from ..model import features, persist
from ..model.predict import Predictor, golden_requests
from ..monitoring import reference
from ..paths import Layout
from . import agreement, export, flavour, tracking


@dataclass(frozen=True)
class Record:
    """What is to be known of a trained model."""

    model: Any
    answers: dict[str, Any]  # what the service needs to know to answer
    passed: bool
    facts: card.Facts


def log(record: Record, train: pd.DataFrame, layout: Layout) -> None:
    """Parameters, metrics with the baseline beside them, plots, and which data and code it was."""
    facts = record.facts
    mlflow.log_params(facts.params)
    baseline = {f"baseline_{name}": value for name, value in facts.baseline.items()}
    mlflow.log_metrics(facts.metrics | baseline)
    origin = {name: str(value) for name, value in facts.origin.items()}
    mlflow.set_tags(origin | {"data_sha256": facts.data_sha256})
    with warnings.catch_warnings():
        # Two harmless ones: which of its two ways to read a local file, and whole numbers as such.
        warnings.filterwarnings("ignore", message="The specified dataset source can be")
        warnings.filterwarnings("ignore", message="Hint: Inferred schema contains integer")
        dataset = from_pandas(train, source=str(layout.raw), targets=TARGET, name=PROJECT)
        mlflow.log_input(dataset, context="training")


def register(record: Record, run_id: str, holdout: pd.DataFrame, layout: Layout) -> str:
    """Log the model, register it as the next version, say on it how it was judged."""
    example = features.build(holdout.head(3))
    info = flavour.log(record.model, example, record.facts.origin["versions"])
    client = tracking.client(layout)
    version = tracking.new_version(client, info, run_id)
    about = _about(record, run_id, version, holdout)
    _log_serving_files(record, about, holdout)
    _log_reports(about, layout)
    # Last: a version without this mark, as after Ctrl+C, is never promoted.
    tracking.mark(
        client,
        version,
        {
            "evaluation": "passed" if record.passed else "failed",
            MAIN: f"{record.facts.metrics[MAIN]:.6f}",
            f"baseline_{MAIN}": f"{record.facts.baseline[MAIN]:.6f}",
        },
    )
    return version


def _about(record: Record, run_id: str, version: str, holdout: pd.DataFrame) -> dict[str, Any]:
    """What model.json says of the model: to the service, to promotion, and to `why`."""
    facts = record.facts
    return {
        "format": persist.FORMAT,
        "name": PROJECT,
        "version": version,
        "run_id": run_id,
        **facts.origin,
        "data_sha256": facts.data_sha256,
        "features": list(features.NAMES),
        "answers": record.answers,
        "metrics": facts.metrics,
        "intervals": facts.intervals,
        "baseline": facts.baseline,
        "params": facts.params,
        "cleaning": {name: facts.cleaning[name] for name in ("rows_in", "rows_out", "rules")},
        "findings": [asdict(finding) for finding in facts.findings],
        "card": document.to_json(card.sections(facts)),
        "description": card.WHAT,
        # Far apart: neighbours in a table are often alike.
        "examples": [row.model_dump() for row in rows_of(holdout.iloc[:: len(holdout) // 4 + 1])],
    }


def _log_serving_files(record: Record, about: dict[str, Any], holdout: pd.DataFrame) -> None:
    """What promotion hands to the service: the model, what is known of it, golden requests."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        known = persist.save_to(folder, record.model, features.build(holdout), about)
        if known[agreement.METRIC] is not None:
            mlflow.log_metric(agreement.METRIC, known[agreement.METRIC])
        # Answered by the files as the service will load them, not by the model in memory.
        predictor = Predictor(*persist.load_from(folder))
        requests = golden_requests(predictor, rows_of(holdout.head(4)), EXTREME)
        golden = {"run_id": about["run_id"], "requests": requests}
        files.write(folder / "golden.json", persist.to_json(golden))
        mlflow.log_artifacts(name, "serving")
        reference.keep(predictor, holdout)


def _log_reports(about: dict[str, Any], layout: Layout) -> None:
    """The card of this run, promoted or not, beside its pictures and the figures of cleaning."""
    pictures = [f"plots/{name}" for name in sorted(each.name for each in layout.plots.iterdir())]
    files.write(layout.last_card, export.card(about, pictures))
    mlflow.log_artifacts(str(layout.reports), "reports")
