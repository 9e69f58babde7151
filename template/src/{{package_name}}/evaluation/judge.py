"""Is a model good enough? Better than a dumb baseline, at the minimum, and by no leak."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..config import Params
from .leaks import Finding
from .metrics import MAIN


@dataclass(frozen=True)
class Verdict:
    """Whether a model is good enough, and what was found, in words."""

    passed: bool
    reasons: tuple[str, ...]


def judge(
    model: dict[str, float], dumb: dict[str, float], findings: Sequence[Finding], params: Params
) -> Verdict:
    """Passed if the main metric reaches the minimum of params.toml and beats the baseline, and if
    no check of its honesty failed, but for those whose finding was accepted in params.toml."""
    value, minimum = model[MAIN], params.evaluation.minimum
    enough = value >= minimum
    better = value > dumb[MAIN]
    failed = [f for f in findings if not f.passed and f.check not in params.honesty.accepted]
    reasons = (
        f"{MAIN} {value:.4f} {'reaches' if enough else 'is below'} the minimum of {minimum}",
        f"it {'beats' if better else 'does not beat'} the baseline's {dumb[MAIN]:.4f}",
        *(f"{finding.check}: {finding.sentence}" for finding in failed),
    )
    return Verdict(enough and better and not failed, reasons)
