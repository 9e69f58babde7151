"""The champion as a web service.

It imports what serving needs and no more: no MLflow, no pandas, nothing that trains. The image
stays small and starts quickly, and a fault in training code cannot stop it.
"""

import gc
from typing import Annotated

import bentoml
from pydantic import Field

from . import PROJECT, page, paths, refusals
from .data.rows import TARGET, Row
from .model import persist
from .model.answers import Prediction
from .model.predict import Predictions, Predictor
from .monitoring import log

Rows = Annotated[list[Row], Field(min_length=1, max_length=1000)]

PAGE = page.app()


@refusals.only_json
@bentoml.asgi_app(PAGE, path="/")
# What a request costs, and takes at worst, is decided here (docs of BentoML 1.4: configurations).
@bentoml.service(
    name=PROJECT,
    # Seconds. Short on purpose: BentoML keeps some memory of each request until then, which makes
    # the slowest answers slower. A model that takes long needs more.
    traffic={"timeout": 5},
    # A span for each request is most of its cost, and goes nowhere unless you collect them.
    tracing={"excluded_urls": ".*"},
    # A line for each request: whatever stands in front of a service keeps one. Errors are logged.
    logging={"access": {"enabled": False}},
)
class FixFinder:
    def __init__(self) -> None:
        # /readyz says "ready" only after this has returned.
        layout = paths.here()
        forecaster, about = persist.load_from(layout.champion)
        self.predictor = Predictor(forecaster, about)
        self.log = log.Log(log.is_on(layout.params), about["run_id"])
        PAGE.state.page = page.document(PROJECT, TARGET, Row, Prediction, about)
        # What is loaded now stays: the garbage collector need not look through it again.
        gc.collect()
        gc.freeze()

    # A model this small answers in milliseconds: `async def` without a thread is quickest. One that
    # takes longer needs `def`, or it would keep every other request waiting.
    @bentoml.api
    async def predict(self, rows: Rows) -> Predictions:
        """The answer for each row, and how sure the model is."""
        answer = self.predictor.answer(rows)
        self.log(rows, answer.predictions)
        return answer
