"""Both sides of the comparison as pictures, the columns that moved most first."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")  # draws into files: no screen is needed

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from .drift import Report

SHOWN = 9


def draw(path: Path, report: Report, before: pd.DataFrame, now: pd.DataFrame) -> None:
    """Shares of the rows for each value, or range of values: before in grey, now in colour."""
    shown = report.findings[:SHOWN]
    figure, axes = plt.subplots(-(-len(shown) // 3), 3, figsize=(11, 8), squeeze=False)
    for axis in axes.flat[len(shown) :]:
        axis.remove()
    for axis, finding in zip(axes.flat, shown, strict=False):
        labels, old, new = _shares(before[finding.column].dropna(), now[finding.column].dropna())
        places = np.arange(len(labels))
        axis.bar(places, old, width=0.9, color="#b9bec7", label="when it was judged")
        colour = "#c0392b" if finding.drifted else "#2f6f9f"
        axis.bar(places, new, width=0.5, color=colour, label="now")
        axis.set_title(f"{finding.column}\nPSI {finding.psi:.2f}", fontsize=10)
        axis.set_xticks(places, labels, rotation=45, ha="right", fontsize=7)
        axis.tick_params(axis="y", labelsize=7)
    axes.flat[0].legend(fontsize=8)
    figure.suptitle("share of the rows, by value")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def _shares(before: "pd.Series[Any]", now: "pd.Series[Any]") -> tuple[list[str], Any, Any]:
    """The names of values, or of the starts of ranges, and the share of each on both sides."""
    if before.dtype == "float64" and before.nunique() > 10:
        edges = np.histogram_bin_edges(pd.concat([before, now]), bins=12)
        old, new = (np.histogram(x, edges)[0] / max(1, len(x)) for x in (before, now))
        return [f"{edge:.3g}" for edge in edges[:-1]], old, new
    values = sorted(set(before) | set(now))
    old, new = (np.array([(x == value).mean() for value in values]) for x in (before, now))
    return [f"{value:g}" if isinstance(value, float) else value for value in values], old, new
