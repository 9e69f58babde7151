"""Write a trained model into its MLflow run, and make it a version in the registry."""

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import mlflow.sklearn
import pandas as pd
from mlflow.data.pandas_dataset import from_pandas
from mlflow.models import infer_signature

from .. import PROJECT, config, files
from ..data.rows import EXTREME, TARGET
from ..data.schema import rows_of
from ..evaluation.judge import Verdict
from ..evaluation.metrics import MAIN
from ..model import features, persist
from ..model.predict import Predictor, golden_requests
from ..paths import Layout
from . import tracking


@dataclass(frozen=True)
class Record:
    """What is to be known of a trained model."""

    model: Any
    metrics: dict[str, float]
    baseline: dict[str, float]
    answers: dict[str, Any]  # what the service needs to know to answer
    verdict: Verdict
    params: config.Params
    origin: dict[str, Any]
    data_sha256: str


def log(record: Record, train: pd.DataFrame, layout: Layout) -> None:
    """Parameters, metrics with the baseline beside them, plots, and which data and code it was."""
    mlflow.log_params(config.flat(record.params))
    baseline = {f"baseline_{name}": value for name, value in record.baseline.items()}
    mlflow.log_metrics(record.metrics | baseline)
    origin = {name: str(value) for name, value in record.origin.items()}
    mlflow.set_tags(origin | {"data_sha256": record.data_sha256})
    with warnings.catch_warnings():
        # Two harmless ones: which of its two ways to read a local file, and whole numbers as such.
        warnings.filterwarnings("ignore", message="The specified dataset source can be")
        warnings.filterwarnings("ignore", message="Hint: Inferred schema contains integer")
        dataset = from_pandas(train, source=str(layout.raw), targets=TARGET, name=PROJECT)
        mlflow.log_input(dataset, context="training")
    mlflow.log_artifacts(str(layout.reports), "reports")


def register(record: Record, run_id: str, holdout: pd.DataFrame, layout: Layout) -> str:
    """Log the model, register it as the next version, say on it how it was judged."""
    example = features.build(holdout.head(3))
    info = mlflow.sklearn.log_model(
        record.model,
        name="model",
        signature=infer_signature(example, record.model.predict(example)),
        input_example=example,
        # Named, because to find them out MLflow starts a second Python and loads the model in it.
        pip_requirements=[
            f"{name}=={record.origin['versions'][name]}"
            for name in ("scikit-learn", "skops", "numpy")
        ],
        skops_trusted_types=persist.TRUSTED_TYPES,
    )
    client = tracking.client(layout)
    version = tracking.new_version(client, info, run_id)
    _log_serving_files(record, run_id, version, holdout)
    # Last: a version without this mark, as after Ctrl+C, is never promoted.
    tracking.mark(
        client,
        version,
        {
            "evaluation": "passed" if record.verdict.passed else "failed",
            MAIN: f"{record.metrics[MAIN]:.6f}",
            f"baseline_{MAIN}": f"{record.baseline[MAIN]:.6f}",
        },
    )
    return version


def _log_serving_files(record: Record, run_id: str, version: str, holdout: pd.DataFrame) -> None:
    """What promotion hands to the service: the model, what is known of it, golden requests."""
    content = persist.dump(record.model)
    rows = rows_of(holdout.head(4))
    about = {
        "format": persist.FORMAT,
        "name": PROJECT,
        "version": version,
        "run_id": run_id,
        **record.origin,
        "data_sha256": record.data_sha256,
        "model_sha256": files.sha256(content),
        "features": list(features.NAMES),
        "answers": record.answers,
        "metrics": record.metrics,
        "baseline": record.baseline,
        "examples": [row.model_dump() for row in rows],
    }
    with tempfile.TemporaryDirectory() as folder:
        persist.save_to(Path(folder), content, about)
        # Answered by the files as the service will load them, not by the model in memory.
        predictor = Predictor(*persist.load_from(Path(folder)))
        golden = {"run_id": run_id, "requests": golden_requests(predictor, rows, EXTREME)}
        files.write(Path(folder) / "golden.json", persist.to_json(golden))
        mlflow.log_artifacts(folder, "serving")
