"""What the values of the answer mean: which one is yes, which classes there are."""

import pandas as pd

from ..data import values
from ..errors import ProjectError
from .looking import Column
from .proposing import MOST_CLASSES, Task

LEAST_ROWS = 10  # of a class, to be learned and judged


def answers_of(
    task: Task, target: Column, texts: "pd.Series[str]", yes: str | None
) -> tuple[str, ...]:
    """Binary: the value that means yes. Classes: the labels that are frequent enough."""
    if task == "regression":
        if target.role == "number":
            return ()
        raise ProjectError(
            what=f"{target.header} holds no numbers.",
            why=f"It is: {target.role}, such as {target.example!r}.",
            do="Leave --task out, or name a column of numbers",
        )
    counts = texts.str.lower().str.split().str.join(" ").value_counts()
    if task == "classes":
        labels = list(counts[counts >= LEAST_ROWS].head(MOST_CLASSES).index)
        if len(labels) >= 2:
            return tuple(sorted(_spelled(texts, str(label)) for label in labels))
        raise ProjectError(
            what=f"{target.header} has too few rows of each kind.",
            why=f"Fewer than two values stand in {LEAST_ROWS} rows or more.",
            do="Collect more rows, or name another column: --target COLUMN",
        )
    if yes is None and len(counts) > 2:
        raise ProjectError(
            what=f"{target.header} has {len(counts):,} values, and yes or no needs two.",
            why="Which of them means yes is not said; all others would mean no.",
            do=f"Say it: --yes {_spelled(texts, str(counts.index[-1]))!r}",
        )
    if yes is not None and yes.lower() not in counts:
        raise ProjectError(
            what=f"{yes!r} does not occur in {target.header}.",
            why="Its values are: " + ", ".join(map(str, counts.index[:10])),
            do="Type one of them: --yes VALUE",
        )
    known = [str(value) for value in counts.index if str(value) in values.YES]
    # Without a word for yes, it is the rarer value: what is looked for is mostly rare.
    return (_spelled(texts, yes.lower() if yes else (known or [str(counts.index[-1])])[0]),)


def _spelled(texts: "pd.Series[str]", small: str) -> str:
    same = texts[texts.str.lower().str.split().str.join(" ") == small]
    return str(same.value_counts().index[0])
