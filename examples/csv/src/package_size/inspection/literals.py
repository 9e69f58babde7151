"""Python values as code, in the form that `ruff format` would give them."""

import math
import unicodedata
from collections.abc import Mapping, Sequence

LINE = 100


def width(text: str) -> int:
    """How wide a line is: a Chinese or Japanese letter takes two places."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def quoted(text: str) -> str:
    """In double quotes, or in those that need fewer backslashes."""
    inner = repr("'" + text)[2:-1].replace("\\'", "'")  # the added ' makes repr choose "
    if repr("'" + text)[0] == "'":  # both kinds are in it
        inner = repr("'" + text)[3:-1].replace("\\'", "'")
    single, double = text.count("'"), text.count('"')
    if double > single:
        return "'" + inner.replace("'", "\\'") + "'"
    return '"' + inner.replace('"', '\\"') + '"'


def number(value: float) -> str:
    """10000.0 is 10_000."""
    return f"{int(value):_}" if float(value).is_integer() else repr(float(value))


def listed(texts: Sequence[str], before: str = "", after: str = "") -> str:
    """A tuple of texts, on one line if it fits there with what stands before and after it."""
    inner = ", ".join(map(quoted, texts)) + ("," if len(texts) == 1 else "")
    if width(f"{before}({inner}){after}") <= LINE:
        return f"({inner})"
    indent = " " * (len(before) - len(before.lstrip()))
    return "".join(["(\n", *(f"{indent}    {quoted(text)},\n" for text in texts), f"{indent})"])


def mapping(start: str, values: Mapping[str, str | Sequence[str]]) -> str:
    """`start` = { … }: a line for each key. A text is a value; a sequence is a tuple of texts."""
    if not values:
        return f"{start} = {{}}\n"
    lines = []
    for key, value in values.items():
        before = f"    {quoted(key)}: "
        lines.append(
            before + (quoted(value) if isinstance(value, str) else listed(value, before, ","))
        )
    return "".join([f"{start} = {{\n", *(f"{line},\n" for line in lines), "}\n"])


def round_up(value: float) -> float:
    """The next 1, 2 or 5 with zeros: 3,400 becomes 5,000."""
    if value <= 0:
        return 1.0
    power = math.floor(math.log10(value))
    for digit in (1, 2, 5, 10):
        # Not 10.0**power: 0.1 * 3 is not 0.3, and the text of the number would be ugly.
        candidate = float(f"{digit}e{power}")
        if candidate >= value:
            return candidate
    return float(f"1e{power + 1}")
