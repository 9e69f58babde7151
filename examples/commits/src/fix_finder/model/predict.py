"""From rows to predictions. The service answers with this, and so do the golden requests."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from ..data.rows import Row
from ..errors import ProjectError
from . import features
from .answers import Prediction, predictions
from .persist import Forecaster


class Predictions(BaseModel):
    """An answer for each row, in the order of the rows."""

    predictions: list[Prediction]


class Predictor:
    """A model together with what it needs to know to answer."""

    def __init__(self, forecaster: Forecaster, about: dict[str, Any]) -> None:
        if tuple(about["features"]) != features.NAMES:
            different = sorted(set(about["features"]) ^ set(features.NAMES))
            raise ProjectError(
                what="The model and the code do not fit together.",
                why=f"features.py has changed since it was trained: {different or 'the order'}",
                do="Train again: make train",
            )
        self.forecaster = forecaster
        self.facts = about["answers"]

    def answer(self, rows: Sequence[Row]) -> Predictions:
        columns = {name: [getattr(row, name) for row in rows] for name in Row.model_fields}
        forecast = self.forecaster(features.build(columns))
        return Predictions(predictions=predictions(forecast, self.facts))


def golden_requests(
    predictor: Predictor, rows: Sequence[Row], unusual: Row
) -> list[dict[str, Any]]:
    """Requests with the answers that this model gives: one row, several rows, an unusual one.

    A release of this model must give the same answers before anybody is sent to it.
    """
    return [
        _golden(request, predictor.answer(request))
        for request in ([rows[0]], list(rows), [unusual])
    ]


def _golden(rows: Sequence[Row], answer: Predictions) -> dict[str, Any]:
    expect = answer.model_dump()
    numbers = [n for one in expect["predictions"] for n in one.values() if isinstance(n, float)]
    return {
        "path": "/predict",
        "body": {"rows": [row.model_dump() for row in rows]},
        "expect": expect,
        # Another processor may round the last digits of float32 in another way.
        "tolerance": 1e-6 * max(1.0, *map(abs, numbers)),
    }
