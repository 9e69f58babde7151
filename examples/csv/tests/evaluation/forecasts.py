"""Made-up truths and forecasts, as good or as bad as a test wants them."""

import numpy as np
from numpy.typing import NDArray


def truths(rows: int, seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=rows)


def forecasts(truth: NDArray[np.float64], skill: float, seed: int) -> NDArray[np.float64]:
    """Skill 0 knows nothing and stays near the mean; 3 is nearly right."""
    noise = np.random.default_rng([seed, 1]).normal(size=len(truth))
    said: NDArray[np.float64] = skill / 3 * truth + 0.1 * noise
    return said
