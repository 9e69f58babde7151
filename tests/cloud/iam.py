"""IAM's decision for one action on one resource: a policy, evaluated as AWS documents it.

moto evaluates neither conditions nor the several resources that one call touches.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

Decision = Literal["allowed", "not allowed", "denied"]
LONGEST = 6144  # characters of a managed policy, white space not counted
_ELEMENTS = {
    *("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"),
}


@dataclass(frozen=True)
class Ask:
    """One question: may this be done to that? Names in ``context`` are without regard to case."""

    action: str  # "ec2:RunInstances"
    resource: str  # an ARN, or "*" where the action knows no resources
    context: Mapping[str, str | list[str]] = field(default_factory=dict)

    def values(self, key: str) -> list[str] | None:
        """None: the request has no such key."""
        found = {name.lower(): value for name, value in self.context.items()}.get(key.lower())
        return [found] if isinstance(found, str) else found


def decide(policy: Mapping[str, Any], ask: Ask) -> Decision:
    """A deny that fits wins over every allow; without an allow it is not allowed."""
    effects = {s["Effect"] for s in _listed(policy["Statement"]) if _fits(s, ask)}
    if "Deny" in effects:
        return "denied"
    return "allowed" if "Allow" in effects else "not allowed"


def check_document(policy: Mapping[str, Any]) -> None:
    """Raise ValueError for what AWS answers with MalformedPolicyDocument or LimitExceeded."""
    if policy.get("Version") not in {"2012-10-17", "2008-10-17"}:
        raise ValueError("a policy needs its Version")
    if len(re.sub(r"\s", "", json.dumps(policy))) > LONGEST:
        raise ValueError(f"the policy is longer than {LONGEST} characters")
    sids = [s["Sid"] for s in _listed(policy["Statement"]) if "Sid" in s]
    if len(sids) != len(set(sids)) or not all(re.fullmatch("[A-Za-z0-9]+", s) for s in sids):
        raise ValueError("every Sid must be another one, of letters and digits")
    for statement in _listed(policy["Statement"]):
        if unknown := set(statement) - _ELEMENTS:
            raise ValueError(f"no such elements: {unknown}")
        if statement.get("Effect") not in {"Allow", "Deny"}:
            raise ValueError("Effect must be Allow or Deny")
        for one, other in (("Action", "NotAction"), ("Resource", "NotResource")):
            if (one in statement) == (other in statement):
                raise ValueError(f"a statement needs either {one} or {other}")
        for action in _listed(statement.get("Action", statement.get("NotAction"))):
            if not re.fullmatch(r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+", action):
                raise ValueError(f"not an action: {action}")
        for resource in _listed(statement.get("Resource", statement.get("NotResource"))):
            if not re.fullmatch(r"\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:.+", resource):
                raise ValueError(f"not a resource: {resource}")
        for operator in statement.get("Condition", {}):
            _test(operator)


def _fits(statement: Mapping[str, Any], ask: Ask) -> bool:
    return (
        _named(statement, "Action", ask.action.lower(), str.lower)
        and _named(statement, "Resource", ask.resource, str)
        and all(
            _holds(operator, key, [str(w) for w in map(_as_text, _listed(wanted))], ask)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _named(
    statement: Mapping[str, Any], element: str, name: str, form: Callable[[str], str]
) -> bool:
    if element in statement:
        return any(_like(name, form(each)) for each in _listed(statement[element]))
    return not any(_like(name, form(each)) for each in _listed(statement[f"Not{element}"]))


def _holds(operator: str, key: str, wanted: list[str], ask: Ask) -> bool:
    found = ask.values(key)
    quantifier, _, name = operator.rpartition(":")
    if name == "Null":
        return (found is None) == (wanted == ["true"])
    test, negated = _test(operator)
    if name.endswith("IfExists") and found is None:
        return True
    if quantifier == "ForAllValues":
        return all(_one(test, negated, value, wanted) for value in found or [])
    if quantifier == "ForAnyValue":
        return any(_one(test, negated, value, wanted) for value in found or [])
    if found is None:
        return negated  # StringNotEquals holds for a key that is not there: a trap of AWS
    return all(_one(test, negated, value, wanted) for value in found)


def _one(test: Callable[[str, str], bool], negated: bool, value: str, wanted: list[str]) -> bool:
    return any(test(value, each) for each in wanted) != negated


def _test(operator: str) -> tuple[Callable[[str, str], bool], bool]:
    """The comparison, and whether it is turned around."""
    name = operator.rpartition(":")[2].removesuffix("IfExists")
    tests: dict[str, Callable[[str, str], bool]] = {
        "StringEquals": str.__eq__,
        "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
        "StringLike": _like,
        "ArnEquals": _like,
        "ArnLike": _like,
        "Bool": lambda value, wanted: value.lower() == wanted.lower(),
        "NumericEquals": lambda value, wanted: float(value) == float(wanted),
        "NumericLessThan": lambda value, wanted: float(value) < float(wanted),
        "NumericLessThanEquals": lambda value, wanted: float(value) <= float(wanted),
        "NumericGreaterThan": lambda value, wanted: float(value) > float(wanted),
        "NumericGreaterThanEquals": lambda value, wanted: float(value) >= float(wanted),
        "Null": lambda value, wanted: (value == "") == (wanted == "true"),
    }
    plain = name.replace("Not", "", 1)
    if plain not in tests:
        raise ValueError(f"no such condition operator: {operator}")
    return tests[plain], plain != name


def _like(value: str, pattern: str) -> bool:
    return _pattern(pattern).fullmatch(value) is not None


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """`*` and `?` alone are special, and `*` goes over every separator."""
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in pattern), re.DOTALL)


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]
