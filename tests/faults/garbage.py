"""Malformed requests without end, from a service's own /docs.json. Pure, the same for a seed."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

METHODS = ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW", "post")
TYPES = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "application/octet-stream",
    "application/vnd.bentoml+pickle",
    "\\\x7f/;;;",
    "",
)
PATHS = (
    "/",
    "//",
    "/..",
    "/../../etc/passwd",
    "/%00",
    "/%zz",
    "/%ff%fe",
    "/predict/",
    "/metrics?x=",
)
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 10**6, 10**30, -(10**400), 0.5, 1e308, float("nan"), float("inf"), "", "x",
    "1", "\u0000", "\ud800", "é" * 2000, [], {}, [[]], {"a": {"b": []}}, ["function"], [1] * 500,
)  # fmt: skip
REFUSED_AS_HTTP = {"another version of HTTP": 505, "an unknown transfer encoding": 501}


@dataclass(frozen=True)
class Malformed:
    """The bytes to send, and the kind of fault in words."""

    kind: str
    content: bytes


def requests(
    seed: int, document: dict[str, Any], path: str, sound: dict[str, Any], key: str
) -> Iterator[Malformed]:
    """``sound`` is a body that ``path`` answers; ``document`` is its OpenAPI description."""
    chance = random.Random(seed)  # noqa: S311 - not a secret
    make = _Maker(chance, document, path, sound, key)
    kinds = [make.by_the_schema] * 5 + [make.not_json, make.odd_http, make.another_path]
    kinds += [make.raw, make.odd_framing]
    while True:
        yield chance.choice(kinds)()


@dataclass
class _Maker:
    chance: random.Random
    document: dict[str, Any]
    path: str
    sound: dict[str, Any]
    key: str

    def by_the_schema(self) -> Malformed:
        """A sound body with one to three faults where the schema says what would be right."""
        body = json.loads(json.dumps(self.sound))
        schema = self._schema(
            self.document["paths"][self.path]["post"]["requestBody"]["content"]["application/json"][
                "schema"
            ]
        )
        for _ in range(self.chance.randint(1, 3)):
            body = self._spoiled(body, schema)
        return Malformed("against the schema", self._post(_dumped(body)))

    def _schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            found: Any = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        return schema

    def _spoiled(self, value: Any, schema: dict[str, Any]) -> Any:
        schema = self._schema(schema)
        if self.chance.random() < 0.15:
            return self.chance.choice(VALUES)
        if isinstance(value, dict) and value and "properties" in schema:
            name = self.chance.choice(list(value))
            fault = self.chance.random()
            if fault < 0.15:
                return {n: v for n, v in value.items() if n != name}
            if fault < 0.25:
                return value | {self.chance.choice(("", "__class__", "ROWS", name + " ")): name}
            return value | {name: self._spoiled(value[name], schema["properties"].get(name, {}))}
        if isinstance(value, list) and value and "items" in schema:
            if len(value) < 10 and self.chance.random() < 0.1:
                return value * self.chance.choice((0, 2, schema.get("maxItems", 10) + 1))
            place = self.chance.randrange(len(value))
            return [
                *value[:place],
                self._spoiled(value[place], schema["items"]),
                *value[place + 1 :],
            ]
        beyond = [schema["minimum"] - 1] if "minimum" in schema else []
        beyond += [schema["maximum"] + 1] if "maximum" in schema else []
        return self.chance.choice([*VALUES, *beyond])

    def not_json(self) -> Malformed:
        body = _dumped(self.sound)
        cut = self.chance.randrange(len(body))
        noise = self.chance.randbytes(self.chance.randint(1, 400))
        bodies = (
            body[:cut], body[:cut] + noise + body[cut:], noise, b"", b"{", b"null", b"\xff\xfe{}",
            b"[" * self.chance.choice((100, 5_000, 200_000)), b"\xef\xbb\xbf" + body,
            b'{"rows":' * 3000, b'{"rows":[' + b"9" * 5000 + b"]}", body.decode().encode("utf-16"),
            body.replace(b'"rows"', b'"rows":[],"rows"'), gzip.compress(body), body + body,
        )  # fmt: skip
        return Malformed("not JSON", self._post(self.chance.choice(bodies)))

    def odd_http(self) -> Malformed:
        """A sound body, and headers that say something else."""
        header = self.chance.choice(
            (
                f"Content-Type: {self.chance.choice(TYPES)}",
                "Content-Encoding: " + self.chance.choice(("gzip", "br", "x, y", "deflate")),
                "Accept: " + self.chance.choice(("image/png", "*/*;q=2", ",,,", "text/html")),
                "Expect: " + self.chance.choice(("100-continue", "200-ok")),
                "Upgrade: websocket\r\nConnection: Upgrade",
                "Range: bytes=9-1,-,x",
                "X-Forwarded-For: " + "1.2.3.4, " * 300,
                "Cookie: " + "=;" * 500,
                "Traceparent: 00-zz-zz-zz",
                "X-BentoML-Request-Id: " + "9" * 40,
                "Authorization: Bearer " + self.chance.choice(("", "x", "===", "é", "A" * 900)),
                "Authorization: Digest x",
            )
        )
        plain = not header.startswith(("Content-Type", "Authorization"))
        return Malformed("odd headers", self._post(_dumped(self.sound), header, plain=plain))

    def another_path(self) -> Malformed:
        known = [*self.document["paths"], *PATHS]
        path = self.chance.choice([p for p in known if p != "/readyz"])
        if self.chance.random() < 0.2:
            path += "?" + "a=%F0%9F&" * self.chance.choice((1, 30))
        method = self.chance.choice(METHODS)
        return Malformed("another path or method", self._head(f"{method} {path}", "") + b"\r\n")

    def odd_framing(self) -> Malformed:
        """What says one length and has another; the edge must not let it become two requests."""
        body = _dumped(self.sound)
        framing, content = self.chance.choice(
            (
                ("Content-Length: -5", body),
                ("Content-Length: 5\r\nContent-Length: 9", body),
                ("Content-Length: 99999999999999999999", body),
                ("Content-Length: abc", body),
                (f"Content-Length: {len(body)}\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
                ("Transfer-Encoding: chunked", b"zz\r\n" + body),
                ("Transfer-Encoding: chunked", b"5\r\n{}\r\n0\r\n\r\n"),
                ("Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body[:-9])),
                (f"Content-Length: {len(body) + 50}", body),
            )
        )
        head = self._head(f"POST {self.path}", "Content-Type: application/json\r\n" + framing)
        return Malformed("odd framing", head + b"\r\n" + content)

    def raw(self) -> Malformed:
        noise = self.chance.randbytes(self.chance.randint(1, 2000))
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + noise
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + noise
        lines = (
            noise, hello, preface, b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"GET  HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: \x00\r\n\r\n", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", noise.hex().encode() + b"\r\n\r\n",
        )  # fmt: skip
        if self.chance.random() < 0.02:
            return Malformed("another version of HTTP", b"GET / HTTP/3.7\r\nHost: a\r\n\r\n")
        if self.chance.random() < 0.02:
            head = self._head(f"POST {self.path}", "Transfer-Encoding: gzip, x")
            return Malformed("an unknown transfer encoding", head + b"\r\n")
        return Malformed("raw bytes", self.chance.choice(lines))

    def _post(self, body: bytes, header: str = "X-Nothing: 1", *, plain: bool = True) -> bytes:
        lines = [header, f"Content-Length: {len(body)}"]
        lines += ["Content-Type: application/json"] if plain else []
        return self._head(f"POST {self.path}", "\r\n".join(lines)) + b"\r\n" + body

    def _head(self, what: str, lines: str) -> bytes:
        key = "" if "Authorization" in lines else f"Authorization: Bearer {self.key}\r\n"
        more = f"{lines}\r\n" if lines else ""
        head = f"{what} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{key}{more}"
        return head.encode("utf-8", "surrogateescape")


def _dumped(body: Any) -> bytes:
    """JSON as no sound client writes it: NaN, lone surrogates."""
    return json.dumps(body).encode()
