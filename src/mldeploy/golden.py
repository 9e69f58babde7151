"""Golden requests: stored requests with their expected answers, and how answers are compared."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mldeploy.errors import FailedError

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Request:
    """``body`` is sent as JSON to ``path``; ``expect`` is the answer, numbers ± ``tolerance``."""

    path: str
    body: Any
    expect: Any
    tolerance: float = TOLERANCE


@dataclass(frozen=True)
class Golden:
    """``raw`` is the file as it was read: part of a release's identity."""

    raw: bytes
    requests: tuple[Request, ...]


@dataclass(frozen=True)
class Difference:
    """One place where an answer is not the expected one; ``place`` is such as ``a[0].b``."""

    place: str
    expected: Any
    got: Any

    def __str__(self) -> str:
        return f"{self.place}: expected {_short(self.expected)}, got {_short(self.got)}"


def read(path: Path, run_id: str | None = None) -> Golden:
    """Read golden requests; with ``run_id`` refuse those that another model's run wrote.

    Raises :class:`FailedError` if the file is missing, malformed, empty or another model's.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise FailedError(
            "no-golden",
            what="There are no golden requests.",
            why=f"{path} is missing: without a known answer nothing proves that a release works.",
            do="make train     (it writes them when a model is promoted)",
        ) from error
    return parse(raw, path.name, run_id)


def parse(raw: bytes, where: str, run_id: str | None = None) -> Golden:
    """:func:`read` of bytes; ``where`` says to a person what they are."""
    try:
        document = json.loads(raw)
        requests = tuple(
            Request(
                path=str(item["path"]),
                body=item["body"],
                expect=item["expect"],
                tolerance=float(item.get("tolerance", TOLERANCE)),
            )
            for item in document["requests"]
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _malformed(where, f"{type(error).__name__}: {error}") from error
    if not requests:
        raise _malformed(where, "the list `requests` is empty")
    written_for = document.get("run_id")
    if run_id and written_for and written_for != run_id:
        raise FailedError(
            "golden-of-another-model",
            what="The golden answers were written for another model.",
            why=f"{where} is of MLflow run {written_for[:8]}, the champion is of {run_id[:8]}.",
            do="make promote   (it writes the golden requests of the champion again)",
        )
    return Golden(raw=raw, requests=requests)


def differences(
    expected: Any, got: Any, tolerance: float, place: str = "answer"
) -> list[Difference]:
    """Every place where ``got`` differs: numbers by more than ``tolerance``, all else at all."""
    if _is_number(expected) and _is_number(got):
        # Written so that a NaN, which compares false with everything, counts as different.
        return [] if abs(expected - got) <= tolerance else [Difference(place, expected, got)]
    if isinstance(expected, dict) and isinstance(got, dict) and expected.keys() == got.keys():
        pairs = [(f"{place}.{key}", expected[key], got[key]) for key in expected]
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        pairs = [(f"{place}[{i}]", *both) for i, both in enumerate(zip(expected, got, strict=True))]
    else:
        same = type(expected) is type(got) and expected == got
        return [] if same else [Difference(place, expected, got)]
    return [d for where, one, other in pairs for d in differences(one, other, tolerance, where)]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


def _malformed(where: str, why: str) -> FailedError:
    return FailedError(
        "bad-golden",
        what=f"{where} is not a list of golden requests.",
        why=f"{why}.",
        do='write {"requests": [{"path": "/predict", "body": {…}, "expect": {…}}]}, or: make train',
    )
