"""How much of a score is chance: intervals from drawing the rows held out again and again."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..config import Params
from . import metrics
from .metrics import Forecast, Truth

DRAWS = 100


@dataclass(frozen=True)
class Interval:
    low: float
    value: float
    high: float


def of(
    holdout: pd.DataFrame, truth: Truth, said: Forecast, params: Params
) -> dict[str, tuple[float, float]]:
    generator = np.random.default_rng(params.model.seed)
    drawn = []
    for _ in range(DRAWS):
        rows = generator.integers(0, len(truth), len(truth))
        drawn.append(metrics.score(truth[rows], said[rows], params.evaluation))
    return {
        name: tuple(np.quantile([each[name] for each in drawn], (0.025, 0.975)))
        for name in drawn[0]
    }


def difference(
    holdout: pd.DataFrame, truth: Truth, one: Forecast, other: Forecast, params: Any
) -> Interval:
    generator = np.random.default_rng(1)
    drawn = []
    for _ in range(DRAWS):
        rows = generator.integers(0, len(truth), len(truth))
        drawn.append(metrics.main(truth[rows], one[rows]) - metrics.main(truth[rows], other[rows]))
    low, high = np.quantile(drawn, (0.025, 0.975))
    value = metrics.main(truth, one) - metrics.main(truth, other)
    return Interval(float(low), value, float(high))
