"""Is what the service is asked now like the rows that its model was judged by?

Drift is named only where it is large and no chance: a PSI over the limit and a p-value under it. Of
a million rows every small difference is "significant", and of fifty a large one may be luck.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, ks_2samp

from ..config import Monitoring

BINS = 10

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Finding:
    """What has become of one column."""

    column: str
    psi: float  # population stability index: 0 is the same, 0.1 a little different, 0.25 much
    p_value: float  # that it is chance; Kolmogorov-Smirnov for numbers, chi-square for categories
    missing_before: float  # share of the rows
    missing_now: float
    unseen: float  # share of the rows with a category that the model has never seen
    drifted: bool
    sentence: str


@dataclass(frozen=True)
class Report:
    """All columns, those that drifted first, then by PSI."""

    rows_before: int
    rows_now: int
    enough: bool  # to tell at all
    findings: tuple[Finding, ...]

    @property
    def drifted(self) -> bool:
        return self.enough and any(each.drifted for each in self.findings)


def compare(
    before: pd.DataFrame,
    now: pd.DataFrame,
    categories: Mapping[str, tuple[str, ...]],
    params: Monitoring,
) -> Report:
    """Each column of `before` that `now` has too. Those not in `categories` are numbers.

    With k columns each has to be k times less likely to be chance: else, of a hundred columns, one
    would be below a p-value of 0.01 although nothing has happened.
    """
    columns = [str(name) for name in before if name in now]
    limit = params.p_value / max(1, len(columns))
    findings = []
    for name in columns:
        if name in categories:
            size, p_value, how = _categories(before[name].dropna(), now[name].dropna())
            unseen = float((now[name].notna() & ~now[name].isin(categories[name])).mean())
        else:
            size, p_value, how = _numbers(before[name].dropna(), now[name].dropna())
            unseen = 0.0
        missing = float(before[name].isna().mean()), float(now[name].isna().mean())
        reasons = []
        if size >= params.psi and p_value < limit:
            reasons.append(f"{how} (PSI {size:.2f}, limit {params.psi})")
        if abs(missing[1] - missing[0]) > params.missing:
            reasons.append(f"missing in {missing[1]:.0%} of the rows, it was {missing[0]:.0%}")
        if unseen > params.unseen:
            reasons.append(f"{unseen:.1%} of the rows have a value that the model has never seen")
        sentence = "; ".join(reasons) or "as before"
        findings.append(Finding(name, size, p_value, *missing, unseen, bool(reasons), sentence))
    findings.sort(key=lambda each: (each.drifted, each.psi), reverse=True)
    enough = min(len(before), len(now)) >= params.minimum_rows
    return Report(len(before), len(now), enough, tuple(findings))


def psi(before: Numbers, now: Numbers) -> float:
    """Population stability index of two histograms: the sum of (p - q) · ln(p / q).

    Half a row is added to each bin: an empty one would make it infinite.
    """
    p, q = (before + 0.5) / (before + 0.5).sum(), (now + 0.5) / (now + 0.5).sum()
    return float(((p - q) * np.log(p / q)).sum())


def bins(values: Numbers) -> Numbers:
    """Where one bin ends and the next begins: so that each holds about as many of these values.

    Of few different values each is a bin of its own.
    """
    different = np.unique(values)
    if len(different) <= BINS:
        return (different[1:] + different[:-1]) / 2
    return np.unique(np.quantile(values, np.arange(1, BINS) / BINS))


def _numbers(before: "pd.Series[Any]", now: "pd.Series[Any]") -> tuple[float, float, str]:
    old, new = before.to_numpy("float64"), now.to_numpy("float64")
    if not len(old) or not len(new):
        return 0.0, 1.0, ""
    edges = bins(old)
    counts = [np.bincount(edges.searchsorted(x), minlength=len(edges) + 1) for x in (old, new)]
    how = f"on average {new.mean():.4g}, it was {old.mean():.4g}"
    return psi(*np.array(counts, "float64")), float(ks_2samp(old, new, method="asymp").pvalue), how


def _categories(before: "pd.Series[Any]", now: "pd.Series[Any]") -> tuple[float, float, str]:
    values = sorted(set(before) | set(now))
    if len(values) < 2 or before.empty or now.empty:
        return 0.0, 1.0, ""
    counts = np.array([[(side == value).sum() for value in values] for side in (before, now)])
    was, is_now = counts / counts.sum(axis=1, keepdims=True)
    most = int(np.abs(is_now - was).argmax())
    how = f"{values[most]!r} is {is_now[most]:.0%} of the rows, it was {was[most]:.0%}"
    return psi(*counts.astype("float64")), float(chi2_contingency(counts).pvalue), how
