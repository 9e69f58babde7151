"""What `openapi.yaml` allows: which call this is, what is wrong with what was sent or answered."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.paperspace.refusals import Refused

PLACE = Path(__file__).with_name("openapi.yaml")
WITHOUT_BODY = {"GET", "DELETE", "PATCH"}


@dataclass(frozen=True)
class Operation:
    """One call; ``path`` as in the document, ``fixed`` is what stands between its parameters."""

    id: str
    method: str
    path: str
    takes: bool
    pattern: re.Pattern[str]


@cache
def document() -> dict[str, Any]:
    import yaml

    loaded: dict[str, Any] = yaml.load(PLACE.read_bytes(), yaml.CSafeLoader)
    return loaded


@cache
def operations() -> tuple[Operation, ...]:
    return tuple(
        Operation(
            id=told["operationId"],
            method=method.upper(),
            path=path,
            takes="takes" in told,
            pattern=re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)),
        )
        for path, methods in document()["paths"].items()
        for method, told in methods.items()
    )


def operation(method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    """The call and the parameters in its path; None for a wrong path as for a wrong method."""
    for each in operations():
        if each.method == method and (found := each.pattern.fullmatch(path)):
            return each, found.groupdict()
    return None


def query(of: Operation, asked: Mapping[str, str]) -> dict[str, Any]:
    """The parameters with their types; raises `Refused` BAD_REQUEST."""
    read: dict[str, Any] = dict(asked)
    if re.fullmatch(r"-?\d+", read.get("limit", "")):
        read["limit"] = int(read["limit"])
    _refuse(_wrong(of.id, "parameters", read))
    return read


def body(of: Operation, content_type: str, sent: bytes) -> dict[str, Any]:
    """What was sent, with the defaults of what was not; raises `Refused` BAD_REQUEST.

    JSON that is announced must be there, also where no body is wanted: an empty one is refused.
    """
    read: dict[str, Any] = {}
    says_json = content_type.partition(";")[0].strip().lower() == "application/json"
    if says_json:
        try:
            read = json.loads(sent)
        except ValueError:
            raise Refused("BAD_REQUEST", "Failed to parse request body") from None
    elif of.takes:
        raise Refused("BAD_REQUEST", f"Unsupported content-type {content_type!r}")
    if not of.takes:
        return {}
    _refuse(_wrong(of.id, "takes", read))
    return _defaults(of.id) | read


def wrong_answer(of: Operation, answer: Any) -> list[str]:
    """What in an answer of ours is not as the document says."""
    return [error.message for error in _wrong(of.id, "answers", answer)]


def wrong_error(answer: Any) -> list[str]:
    found = _validator({"$ref": "#/components/schemas/Error"}).iter_errors(answer)
    return [error.message for error in found]


def _refuse(errors: list[Any]) -> None:
    if errors:
        issues = [{"message": each.message, "path": list(each.absolute_path)} for each in errors]
        raise Refused("BAD_REQUEST", "Input validation failed", issues=issues)


def _wrong(operation_id: str, part: str, value: Any) -> list[Any]:
    return list(_of(operation_id, part).iter_errors(value))


@cache
def _of(operation_id: str, part: str) -> Any:
    schema = dict(_told(operation_id).get(part, {}))
    if part == "parameters":  # those of the page are in a schema of their own
        schema["unevaluatedProperties"] = False
    return _validator(schema)


@cache
def _told(operation_id: str) -> dict[str, Any]:
    return next(
        told
        for methods in document()["paths"].values()
        for told in methods.values()
        if told["operationId"] == operation_id
    )


def _validator(schema: dict[str, Any]) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema | {"components": document()["components"]})


def _defaults(operation_id: str) -> dict[str, Any]:
    schema = _told(operation_id)["takes"]
    if reference := schema.get("$ref"):
        schema = document()["components"]["schemas"][reference.rpartition("/")[2]]
    return {
        name: each["default"] for name, each in schema["properties"].items() if "default" in each
    }
