"""Is a model good enough? Beyond chance better than a dumb baseline, enough, and by no leak."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..config import Params
from .intervals import Interval
from .leaks import Finding
from .metrics import MAIN


@dataclass(frozen=True)
class Verdict:
    """Whether a model is good enough, and what was found, in words."""

    passed: bool
    reasons: tuple[str, ...]


def judge(score: Interval, baseline: float, findings: Sequence[Finding], params: Params) -> Verdict:
    """Passed if the main metric reaches the minimum of params.toml, if the lower end of its
    interval is above the baseline (a lucky score on noise is not), and if no check of its honesty
    failed, but for those whose finding was accepted in params.toml."""
    minimum = params.evaluation.minimum
    enough = score.value >= minimum
    failed = [f for f in findings if not f.passed and f.check not in params.honesty.accepted]
    reasons = (
        f"{MAIN} {score} {'reaches' if enough else 'is below'} the minimum of {minimum:g}",
        _compared(score, baseline),
        *(f"{finding.check}: {finding.sentence}" for finding in failed),
    )
    return Verdict(enough and score.low > baseline and not failed, reasons)


def _compared(score: Interval, baseline: float) -> str:
    if score.low > baseline:
        return f"it beats the baseline's {baseline:.4f} beyond noise"
    if score.value > baseline:
        return f"it beats the baseline's {baseline:.4f}, but within noise"
    return f"it does not beat the baseline's {baseline:.4f}"
