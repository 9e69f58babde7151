"""The contract of a check, running them, and mending what can be mended safely."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from mldeploy.errors import MldeployError
from mldeploy.ui import Ui

Severity = Literal["ok", "warning", "error", "skipped"]


@dataclass(frozen=True)
class Fix:
    """A remedy that `mldeploy doctor --fix` may apply: it removes nothing that anybody could miss.

    ``description`` says what it does, to be read before; ``apply`` may raise our errors.
    """

    description: str
    apply: Callable[[Ui], None]


@dataclass(frozen=True)
class Finding:
    """What a check saw; ``remedy`` is the next command, empty when all is well."""

    check: str
    severity: Severity
    message: str
    remedy: str = ""
    fix: Fix | None = None

    def as_dict(self) -> dict[str, str]:
        return {
            "check": self.check,
            "severity": self.severity,
            "message": self.message,
            "remedy": self.remedy,
            "fix": self.fix.description if self.fix else "",
        }


@dataclass(frozen=True)
class Check:
    """``look`` returns a finding, or raises one of our errors, which then is the finding.

    It is not looked at when the check that it ``needs`` has failed: without an engine, each of the
    others would only say again that there is none.
    """

    name: str
    look: Callable[[], Finding]
    needs: str = ""


def examine(checks: Sequence[Check]) -> list[Finding]:
    """Run every check; none stops the others, but those that need it."""
    findings: list[Finding] = []
    for check in checks:
        failed = {f.check for f in findings if f.severity in ("error", "skipped")}
        if check.needs in failed:
            message = f"not looked at: it needs `{check.needs}`"
            findings.append(Finding(check.name, "skipped", message))
        else:
            findings.append(_looked_at(check))
    return findings


def mend(checks: Sequence[Check], findings: Sequence[Finding], ui: Ui) -> list[Finding]:
    """Apply the fixes of what was found, and look at those checks again, and at those that were
    not looked at because of them."""
    by_name = {check.name: check for check in checks}
    after: list[Finding] = []
    for one in findings:
        check = by_name[one.check]
        failed = {f.check for f in after if f.severity in ("error", "skipped")}
        if one.severity == "skipped" and check.needs not in failed:
            one = _looked_at(check)
        after.append(_mended(check, one, ui))
    return after


def ok(name: str, message: str) -> Finding:
    return Finding(name, "ok", message)


def _mended(check: Check, finding: Finding, ui: Ui) -> Finding:
    if finding.fix is None:
        return finding
    try:
        with ui.step(finding.fix.description):
            finding.fix.apply(ui)
    except MldeployError as error:
        return _as_finding(check.name, error)
    return _looked_at(check)


def _looked_at(check: Check) -> Finding:
    try:
        return check.look()
    except MldeployError as error:
        return _as_finding(check.name, error)


def _as_finding(name: str, error: MldeployError) -> Finding:
    return Finding(name, "error", f"{error.what} {error.why}", error.do)
