"""From rows to predictions. The service answers with this, and so do the golden requests."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from . import features
from .errors import ProjectError
from .rows import Prediction, Row, prediction


class Predictions(BaseModel):
    """An answer for each row, in the order of the rows."""

    predictions: list[Prediction]


class Predictor:
    """A model together with what it needs to know to answer."""

    def __init__(self, model: Any, about: dict[str, Any]) -> None:
        if tuple(about["features"]) != features.NAMES:
            different = sorted(set(about["features"]) ^ set(features.NAMES))
            raise ProjectError(
                what="The model and the code do not fit together.",
                why=f"features.py has changed since it was trained: {different or 'the order'}",
                do="Train again: make train",
            )
        self.model = model
        self.threshold = float(about["threshold"])
        self.column = list(about["classes"]).index(True)

    def answer(self, rows: Sequence[Row]) -> Predictions:
        columns = {name: [getattr(row, name) for row in rows] for name in Row.model_fields}
        probabilities = self.model.predict_proba(features.build(columns))[:, self.column]
        return Predictions(
            predictions=[prediction(float(each), self.threshold) for each in probabilities]
        )


def golden_requests(
    predictor: Predictor, rows: Sequence[Row], unusual: Row
) -> list[dict[str, Any]]:
    """Requests with the answers that this model gives: one row, several rows, an unusual one.

    A release of this model must give the same answers before anybody is sent to it.
    """
    return [
        {
            "path": "/predict",
            "body": {"rows": [row.model_dump() for row in request]},
            "expect": predictor.answer(request).model_dump(),
            "tolerance": 1e-6,
        }
        for request in ([rows[0]], list(rows), [unusual])
    ]
