"""Drop or repair rows by named rules, and count what each did: rows in = rows out + dropped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from ..errors import ProjectError
from . import schema
from .rows import TARGET
from .rules import RULES
from .settings import Clean

# A rule answers with the rows to drop, or with the same rows, some of them repaired.
Rule = Callable[[pd.DataFrame, Clean], "pd.Series[bool] | pd.DataFrame"]


@dataclass(frozen=True)
class RuleCount:
    """What one rule did."""

    rule: str
    why: str
    dropped: int = 0  # rows
    changed: int = 0  # rows in which it changed at least one value


@dataclass(frozen=True)
class Cleaned:
    frame: pd.DataFrame
    counts: tuple[RuleCount, ...]

    def told(self) -> str:
        """Which rule did what, in a line."""
        dropped = ", ".join(f"{each.rule} {each.dropped}" for each in self.counts if each.dropped)
        changed = ", ".join(f"{each.rule} {each.changed}" for each in self.counts if each.changed)
        return f"dropped: {dropped or 'none'}" + (f"; repaired: {changed}" if changed else "")


def clean(raw: pd.DataFrame, params: Clean, rules: Sequence[Rule] = RULES) -> Cleaned:
    """The rows that are left after all rules, in their order."""
    frame, counts = raw, []
    for rule in rules:
        frame, count = _apply(rule, frame, params)
        counts.append(count)
    frame = schema.check(frame.reset_index(drop=True), schema.CLEAN)
    if frame[TARGET].nunique() < 2:
        raise _too_little(len(raw), counts)
    return Cleaned(frame, tuple(counts))


def _apply(rule: Rule, frame: pd.DataFrame, params: Clean) -> tuple[pd.DataFrame, RuleCount]:
    name, why = rule.__name__.replace("_", " "), (rule.__doc__ or "").partition("\n")[0]
    outcome = rule(frame, params)
    if isinstance(outcome, pd.DataFrame):
        if not outcome.index.equals(frame.index):
            raise ValueError(f"the rule {name} repairs values: it must not drop or reorder rows")
        same = (outcome == frame) | (outcome.isna() & frame.isna())
        return outcome, RuleCount(name, why, changed=int((~same.all(axis="columns")).sum()))
    return frame[~outcome], RuleCount(name, why, dropped=int(outcome.sum()))


def _too_little(rows: int, counts: list[RuleCount]) -> ProjectError:
    dropped = ", ".join(f"{count.rule} {count.dropped}" for count in counts)
    return ProjectError(
        what="Too little is left to learn from: all rows have one answer.",
        why=f"Of {rows} rows the rules dropped: {dropped}.",
        do="Collect more, or loosen the rule that drops most (params.toml, data/rules.py).",
    )
