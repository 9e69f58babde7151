"""Change some values of params.toml and nothing else: comments and order stay as they are."""

import re
import tomllib
from collections.abc import Mapping

from ..errors import ProjectError

Value = str | int | bool | list[str]

# A value on one line: a text, a list of texts, a number or a truth.
_VALUE = r'(?:"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[\w.+-]+)'


def changed(text: str, section: str, values: Mapping[str, Value]) -> str:
    """The file with these values in the section; a key that is not there yet is added to it."""
    before, head, rest = _parts(text, section)
    after = re.search(r"^\[", rest, flags=re.MULTILINE)
    body, tail = (rest[: after.start()], rest[after.start() :]) if after else (rest, "")
    for key, value in values.items():
        line = f"{key} = {_toml(value)}"
        pattern = re.compile(rf"^{re.escape(key)}[ \t]*=[ \t]*{_VALUE}", flags=re.MULTILINE)
        if pattern.search(body):
            body = pattern.sub(lambda _, line=line: line, body, count=1)  # type: ignore[misc]
        else:
            body = f"{body.rstrip()}\n{line}\n" + ("\n" if tail else "")
    new = before + head + body + tail
    if tomllib.loads(new)[section] != tomllib.loads(text)[section] | dict(values):
        raise ProjectError(
            what=f"[{section}] of params.toml cannot be changed by a program.",
            why="A value in it is written in a way that is not understood here.",
            do="Set it by hand: " + "; ".join(f"{key} = {_toml(v)}" for key, v in values.items()),
        )
    return new


def _parts(text: str, section: str) -> tuple[str, str, str]:
    found = re.search(rf"^\[{re.escape(section)}\][^\n]*\n", text, flags=re.MULTILINE)
    if found is None:
        raise ProjectError(
            what=f"params.toml has no section [{section}].",
            why="What was found would be written there.",
            do="Restore it: git checkout -- params.toml",
        )
    return text[: found.start()], found.group(), text[found.end() :]


def _toml(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    return "[" + ", ".join(_text(each) for each in value) + "]"


def _text(value: str) -> str:
    signs = {"\\": "\\\\", '"': '\\"', "\t": "\\t", "\n": "\\n"}
    return '"' + "".join(signs.get(sign, sign) for sign in value) + '"'
