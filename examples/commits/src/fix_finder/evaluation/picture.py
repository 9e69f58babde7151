"""An empty picture with a question as its title, and how pictures become files."""

import warnings
from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure


def picture(question: str) -> tuple[Figure, Axes]:
    # Figure, not pyplot: no window, no global state, nothing to close.
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(question)
    return figure, axes


def save(figures: Mapping[str, Figure], folder: Path) -> None:
    """Write each figure into `folder` as a PNG file of its name."""
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The data may hold letters that Matplotlib's font lacks: they become small boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        for name, figure in figures.items():
            figure.savefig(folder / f"{name}.png", dpi=90)
