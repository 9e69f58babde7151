"""From a forecast to the answer that a person reads: yes or no, and how sure."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field


class Prediction(BaseModel):
    """The answer for one row."""

    answer: bool
    probability: Annotated[float, Field(ge=0, le=1, description="that the answer is yes")]


def predictions(forecast: NDArray[np.float64], facts: Mapping[str, Any]) -> list[Prediction]:
    """One for each row; `facts` are those of evaluation/details.py."""
    threshold = facts["threshold"]
    return [Prediction(answer=each >= threshold, probability=each) for each in forecast.tolist()]
