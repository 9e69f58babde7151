"""Is a model good enough? It must beat a dumb baseline and reach the minimum of params.toml."""

from dataclasses import dataclass

from ..config import Evaluation
from .metrics import MAIN


@dataclass(frozen=True)
class Verdict:
    """Whether a model is good enough, and what was found, in words."""

    passed: bool
    reasons: tuple[str, ...]


def judge(model: dict[str, float], dumb: dict[str, float], params: Evaluation) -> Verdict:
    """Passed if the main metric reaches the minimum of params.toml and beats the baseline."""
    value = model[MAIN]
    enough = value >= params.minimum
    better = value > dumb[MAIN]
    reasons = (
        f"{MAIN} {value:.4f} {'reaches' if enough else 'is below'} the minimum of {params.minimum}",
        f"it {'beats' if better else 'does not beat'} the baseline's {dumb[MAIN]:.4f}",
    )
    return Verdict(enough and better, reasons)
