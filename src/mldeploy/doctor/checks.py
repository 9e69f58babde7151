"""The contract of a check, and running them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from mldeploy.errors import MldeployError

Severity = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """What a check saw; ``remedy`` is the next command, empty when all is well."""

    check: str
    severity: Severity
    message: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Check:
    """``look`` returns a finding, or raises one of our errors, which then is the finding."""

    name: str
    look: Callable[[], Finding]


def examine(checks: Sequence[Check]) -> list[Finding]:
    """Run every check; none stops the others."""
    findings = []
    for check in checks:
        try:
            findings.append(check.look())
        except MldeployError as error:
            findings.append(Finding(check.name, "error", f"{error.what} {error.why}", error.do))
    return findings


def ok(name: str, message: str) -> Finding:
    return Finding(name, "ok", message)
