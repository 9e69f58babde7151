"""The part of CBOR that a service of AWS and boto3 say to each other (RFC 8949)."""

from __future__ import annotations

import struct
from typing import Any

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP, _TAG, _SIMPLE = range(8)
_ENDLESS = 31
_BREAK = object()


def write(value: Any) -> bytes:
    """Text, whole numbers, truth values, lists and dictionaries."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, int):
        return _head(_UNSIGNED, value) if value >= 0 else _head(_NEGATIVE, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, str):
        raw = value.encode()
        return _head(_TEXT, len(raw)) + raw
    if isinstance(value, dict):
        pairs = b"".join(write(name) + write(each) for name, each in value.items())
        return _head(_MAP, len(value)) + pairs
    return _head(_LIST, len(value)) + b"".join(map(write, value))


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    for code, form in ((24, ">B"), (25, ">H"), (26, ">I"), (27, ">Q")):
        if number < 1 << (8 * struct.calcsize(form)):
            return bytes([kind << 5 | code]) + struct.pack(form, number)
    raise OverflowError(number)


def read(raw: bytes) -> Any:
    value, _ = _item(raw, 0)
    return value


def _item(raw: bytes, at: int) -> tuple[Any, int]:
    kind, info = raw[at] >> 5, raw[at] & 31
    at += 1
    if kind == _SIMPLE:
        return _simple(raw, at, info)
    number = info
    if 24 <= info < 28:
        size = 1 << (info - 24)
        number, at = int.from_bytes(raw[at : at + size], "big"), at + size
    count = None if info == _ENDLESS else number
    if kind in {_BYTES, _TEXT}:
        if count is None:
            parts, at = _items(raw, at, None)
            return (b"" if kind == _BYTES else "").join(parts), at
        part = raw[at : at + number]
        return (part if kind == _BYTES else part.decode()), at + number
    if kind == _LIST:
        return _items(raw, at, count)
    if kind == _MAP:
        flat, at = _items(raw, at, None if count is None else 2 * count)
        return dict(zip(flat[::2], flat[1::2], strict=True)), at
    if kind == _TAG:  # a time: its number is enough here
        return _item(raw, at)
    return (number if kind == _UNSIGNED else -1 - number), at


def _items(raw: bytes, at: int, count: int | None) -> tuple[list[Any], int]:
    found: list[Any] = []
    while count is None or len(found) < count:
        value, at = _item(raw, at)
        if value is _BREAK:
            break
        found.append(value)
    return found, at


def _simple(raw: bytes, at: int, info: int) -> tuple[Any, int]:
    floats = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
    if info in floats:
        form, size = floats[info]
        return struct.unpack(form, raw[at : at + size])[0], at + size
    return {20: False, 21: True, 22: None, 23: None, 31: _BREAK}[info], at
