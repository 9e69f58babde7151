"""The model card: what the model is for, what it learned from, how good it is, and its limits.

It is written by the run, so it can't say anything else than what was found. The same sections go
into MODEL_CARD.md, into MLflow, and onto the page of the service.
"""

from dataclasses import dataclass
from importlib.metadata import metadata
from typing import Any

from .. import PROJECT
from ..data.rows import GROUP, TARGET, TIME
from .document import Section, Table
from .leaks import Finding
from .metrics import MAIN

WHAT = metadata(PROJECT)["Summary"]  # the description in pyproject.toml
KIND = "a number"


@dataclass(frozen=True)
class Facts:
    """What the card tells, as the steps of the training found it."""

    origin: dict[str, Any]
    params: dict[str, Any]  # with dotted names
    data_sha256: str
    cleaning: dict[str, Any]  # as data/report.py made it
    rows: tuple[int, int]  # trained on, held out
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    baseline: dict[str, float]
    slices: Table
    details: Section  # calibration, classes or errors, as the task has them
    remarks: tuple[str, ...]  # about calibration, parts, errors
    findings: tuple[Finding, ...]
    verdict: tuple[str, ...]


def sections(facts: Facts) -> list[Section]:
    return [
        _purpose(),
        _data(facts),
        _quality(facts),
        facts.details,
        _parts(facts),
        _honesty(facts),
        _limits(facts),
        _repeat(facts),
    ]


def _purpose() -> Section:
    said = [WHAT, f"For each row it answers `{TARGET}`: {KIND}."]
    return Section("What it is for", tuple(said))


def _data(facts: Facts) -> Section:
    report = facts.cleaning
    by = {"group": f"whole groups ({GROUP})", "time": f"time ({TIME})", "rows": "single rows"}
    text = (
        f"{report['rows_in']} rows were collected, {report['rows_out']} are left after cleaning. "
        f"Split by {by[facts.params['split.by']]}: {facts.rows[0]} to learn from, "
        f"{facts.rows[1]} held out. sha256 of the raw rows: `{facts.data_sha256}`.",
    )
    rules = [
        (rule["rule"], str(rule["dropped"]), str(rule["changed"]), rule["why"])
        for rule in report["rules"]
    ]
    return Section("What it learned from", text, (("rule", "dropped", "changed", "why"), *rules))


def _quality(facts: Facts) -> Section:
    rows = [
        (name, f"{value:.4f}", _interval(facts, name), f"{facts.baseline[name]:.4f}")
        for name, value in facts.metrics.items()
    ]
    text = (f"On the rows held out. {MAIN} decides. 95 times of 100 it lies in the interval.",)
    header = ("metric", "model", "95 % interval", "baseline")
    return Section("How good it is", (*text, *facts.verdict, *facts.remarks), (header, *rows))


def _interval(facts: Facts, name: str) -> str:
    low, high = facts.intervals[name]
    return f"{low:.4f} to {high:.4f}"


def _parts(facts: Facts) -> Section:
    return Section("For whom it is better and worse", (), facts.slices)


def _honesty(facts: Facts) -> Section:
    rows = [("ok" if each.passed else "LOOK", each.check, each.sentence) for each in facts.findings]
    return Section("Can the score be believed?", (), (("", "check", "found"), *rows))


def _limits(facts: Facts) -> Section:
    text = (
        "It knows rows like those below, and no others. Asked about values outside of them it "
        "answers all the same, and nobody knows how well.",
    )
    columns = [
        (name, *_range(figures["after"])) for name, figures in facts.cleaning["columns"].items()
    ]
    return Section("Limits", text, (("column", "seen in the data", "missing"), *columns))


def _range(figures: dict[str, Any]) -> tuple[str, str]:
    missing = f"{figures['missing']:.1%}"
    if "min" in figures:
        return f"{figures['min']:g} to {figures['max']:g}, middle {figures['median']:g}", missing
    if "values" in figures:
        return f"{figures['values']} values, mostly {figures['commonest']}", missing
    return "nothing", missing


def _repeat(facts: Facts) -> Section:
    dirty = ", with changes that were not committed" if facts.origin["git_dirty"] else ""
    versions = ", ".join(f"{name} {number}" for name, number in facts.origin["versions"].items())
    text = (
        f"Commit `{facts.origin['git_commit']}`{dirty}; uv.lock `{facts.origin['lock_sha256']}`; "
        f"{versions}.",
    )
    rows = [(name, str(value)) for name, value in facts.params.items()]
    return Section("How to make it again", text, (("parameter", "value"), *rows))
