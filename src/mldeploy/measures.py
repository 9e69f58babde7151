"""What a target's replicas counted: requests, errors and how long answers took. Pure.

The texts are what BentoML's ``/metrics`` gives (Prometheus' text format 0.0.4), one a replica. They
are read here and not by prometheus-client because its parser takes six times as long for a line,
and BentoML writes 19 lines for every path that anybody ever asked for: after a scanner's visit
`status` would wait for seconds. The tests hold both parsers to the same answer.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

# Asked by the edge, the engine and the gate, not by users.
NOT_USERS = frozenset({"/readyz", "/livez", "/healthz", "/metrics"})

# The namespace is the service's own choice; the label runner_name is BentoML's, whatever that is.
SAMPLE = re.compile(
    r"^\w+_request_(?P<what>total|duration_seconds_bucket|in_progress)\{"
    r'(?P<labels>(?:[^"}\n]++|"(?:[^"\\\n]++|\\.)*+")*+)\}[ \t]++(?P<value>\S++)',
    re.MULTILINE,
)
LABEL = re.compile(r'(\w+)\s*=\s*"((?:[^"\\]|\\.)*)"')
BOUND = re.compile(r'(?:^|,)\s*le\s*=\s*"([^"]*)"')  # inside of a value the quote is escaped


@dataclass(frozen=True)
class Measures:
    """All replicas together, each since it started.

    ``errors`` are answers with 5xx, ``refused`` those with 4xx; both are among the ``requests``.
    ``p50`` and ``p99`` are seconds, None as long as nothing was answered. The golden requests of
    the gate are counted too: BentoML can't tell them from a user's.
    """

    requests: int = 0
    errors: int = 0
    refused: int = 0
    p50: float | None = None
    p99: float | None = None
    in_flight: int = 0


def measure(texts: Iterable[str]) -> Measures:
    """Add up what the replicas say. A line that can't be read is passed over: a replica that ends
    in the middle of its answer must not take the others' numbers with it."""
    by_status: Counter[str] = Counter()
    slots: dict[float, float] = {}
    in_flight = 0.0
    for text in texts:
        buckets: dict[str, list[tuple[float, float]]] = {}
        for what, labels, value in _samples(text):
            if what == "total":
                by_status[_label(labels, "http_response_code")[:1]] += int(value)
            elif what == "in_progress":
                in_flight += max(0.0, value)
            else:
                series, bound = _without_bound(labels)
                if bound is not None:
                    buckets.setdefault(series, []).append((bound, value))
        for cumulative in buckets.values():
            for bound, count in _apart(cumulative):
                slots[bound] = slots.get(bound, 0.0) + count
    return Measures(
        requests=by_status.total(),
        errors=by_status["5"],
        refused=by_status["4"],
        p50=quantile(slots, 0.50),
        p99=quantile(slots, 0.99),
        in_flight=int(in_flight),
    )


def quantile(slots: Mapping[float, float], q: float) -> float | None:
    """The ``q``-quantile of ``slots``: upper bound → how many fell between it and the bound below.

    As Prometheus' ``histogram_quantile`` has it: linear within a slot, the first slot begins at 0,
    and what lies above the largest finite bound is given as that bound.
    """
    total = sum(slots.values())
    finite = sorted(bound for bound in slots if math.isfinite(bound))
    if total <= 0 or not finite:
        return None
    rank, below, lower = q * total, 0.0, 0.0
    for bound in finite:
        if slots[bound] > 0 and below + slots[bound] >= rank:
            return lower + (bound - lower) * (rank - below) / slots[bound]
        below += slots[bound]
        lower = bound
    return finite[-1]


def _samples(text: str) -> Iterator[tuple[str, str, float]]:
    """What is counted, the labels as they are written, the number; users' requests only."""
    users: dict[str, bool] = {}  # a path's 16 buckets have one answer
    for line in SAMPLE.finditer(text):
        what, labels = line["what"], line["labels"]
        series = _without_bound(labels)[0] if what == "duration_seconds_bucket" else labels
        if series not in users:
            users[series] = _is_users(series)
        value = _number(line["value"])
        if users[series] and value is not None and math.isfinite(value):
            yield what, labels, value


def _is_users(labels: str) -> bool:
    found = dict(LABEL.findall(labels))
    return "runner_name" in found and found.get("endpoint", "/metrics") not in NOT_USERS


def _label(labels: str, name: str) -> str:
    found: dict[str, str] = dict(LABEL.findall(labels))
    return found.get(name, "")


def _without_bound(labels: str) -> tuple[str, float | None]:
    found = BOUND.search(labels)
    if found is None:
        return labels, None
    return labels[: found.start()] + labels[found.end() :], _number(found[1])


def _apart(cumulative: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Buckets count everything up to their bound; here is what falls into each alone.

    Apart they can be added up also when two replicas, of two releases, have other bounds.
    """
    below = 0.0
    for bound, count in sorted(cumulative):
        yield bound, max(0.0, count - below)
        below = max(below, count)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
