"""Made-up truths and forecasts, as good or as bad as a test wants them."""

import numpy as np
from numpy.typing import NDArray


def truths(rows: int, seed: int) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random(rows) < 0.4


def forecasts(truth: NDArray[np.bool_], skill: float, seed: int) -> NDArray[np.float64]:
    """Probabilities of yes. Skill 0 knows nothing; 3 ranks nearly all rows right."""
    noise = np.random.default_rng([seed, 1]).normal(size=len(truth))
    said: NDArray[np.float64] = 1 / (1 + np.exp(-noise - skill * (truth - 0.5)))
    return said
