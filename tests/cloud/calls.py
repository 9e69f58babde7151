"""What one request asks for: service, action, region and parameters, whatever its protocol."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.cloud import cbor
from tests.cloud.sessions import private_session

_CREDENTIAL = re.compile(r"Credential=([^/]+)/[^/]+/([^/]+)/([^/]+)/aws4_request")
# How errors are written: EC2 and the query protocol have an XML each, the others say it in JSON.
PROTOCOLS = {"ec2": "ec2", "sts": "query", "iam": "query", "scheduler": "rest", "account": "rest"}


@dataclass(frozen=True)
class Call:
    """``params`` has the names of the wire: ``InstanceId`` is a list where EC2 counts them."""

    service: str  # as it signs: "ec2", "ssm", "sts", "tagging", "servicequotas", "pricing" …
    action: str
    region: str
    params: Mapping[str, Any]
    key: str  # the access key's id; empty if the request is not signed
    at: datetime
    protocol: str = "json"
    principal: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        return f"{self.service}:{self.action}"

    def listed(self, name: str) -> list[Any]:
        """A parameter that may be there once, several times, or not at all."""
        found = self.params.get(name, [])
        return found if isinstance(found, list) else [found]

    @property
    def dry_run(self) -> bool:
        return str(self.params.get("DryRun", "")).lower() == "true"

    def as_dict(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "action": self.action,
            "region": self.region,
            "params": self.params,
            "principal": self.principal,
            "at": self.at.isoformat(),
        }


def read(environ: Mapping[str, Any], body: bytes, at: datetime) -> Call:
    """The call in a WSGI request whose body is already read."""
    found = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    key, region, service = found.groups() if found else ("", "", "")
    path: str = environ.get("PATH_INFO", "/")
    protocol = PROTOCOLS.get(service, "json")
    if "HTTP_SMITHY_PROTOCOL" in environ:
        protocol, action = "cbor", path.rsplit("/", 1)[-1]
        params = cbor.read(body) if body else {}
    elif target := environ.get("HTTP_X_AMZ_TARGET"):
        action = target.rpartition(".")[2]
        params = json.loads(body or b"{}")
    elif protocol in {"ec2", "query"}:
        flat = dict(parse_qsl(body.decode(), keep_blank_values=True))
        action = flat.pop("Action", "")
        flat.pop("Version", None)
        params = nested(flat)
    else:
        query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
        action, named = _rest(service, environ["REQUEST_METHOD"], path)
        params = query | named | (json.loads(body) if body else {})
    return Call(service, action, region, params, key, at, protocol, headers=_headers(environ))


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    """As a signature is computed over them: lower case, by the names of HTTP."""
    found = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    return found | {"content-type": environ.get("CONTENT_TYPE", "")}


def nested(flat: Mapping[str, str]) -> dict[str, Any]:
    """``Filter.1.Value.2`` as lists in dictionaries, with EC2's numbers from 1 left out."""
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[last] = value
    return {name: _lists(each) for name, each in tree.items()}


def _lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if all(name.isdigit() for name in node):
        return [_lists(node[name]) for name in sorted(node, key=int)]
    return {name: _lists(each) for name, each in node.items()}


def _rest(service: str, method: str, path: str) -> tuple[str, dict[str, str]]:
    """The operation of a REST service, from botocore's own model of it."""
    for action, verb, pattern in _operations(service):
        if verb == method and (found := pattern.fullmatch(path.rstrip("/") or "/")):
            return action, {name: unquote(value) for name, value in found.groupdict().items()}
    return "", {}


@cache
def _operations(service: str) -> list[tuple[str, str, re.Pattern[str]]]:
    session = private_session()
    if service not in session.get_available_services():
        return []
    model = session.get_service_model(service)
    return list(_patterns(model.operation_model(name) for name in model.operation_names))


def _patterns(operations: Iterable[Any]) -> Iterable[tuple[str, str, re.Pattern[str]]]:
    for operation in operations:
        path = operation.http["requestUri"].partition("?")[0].rstrip("/") or "/"
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))
        yield operation.name, operation.http["method"], re.compile(pattern)
