"""From a forecast to the answer that a person reads: a number, and how far off it may be."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field


class Prediction(BaseModel):
    """The answer for one row. Eight times of ten the truth was between low and high."""

    answer: float
    low: Annotated[float, Field(description="lower end of the 80 % interval")]
    high: Annotated[float, Field(description="upper end of the 80 % interval")]


def predictions(forecast: NDArray[np.float64], facts: Mapping[str, Any]) -> list[Prediction]:
    """One for each row; `facts` are those of evaluation/details.py.

    How far below and above the forecast the interval goes depends on which part of the forecasts it
    is in: `edges` stand between the parts.
    """
    interval = facts["interval"]
    places = np.searchsorted(interval["edges"], forecast).tolist()
    return [
        Prediction(
            answer=each, low=each + interval["below"][place], high=each + interval["above"][place]
        )
        for each, place in zip(forecast.tolist(), places, strict=True)
    ]
