"""The table of cases and results, printed and in docs/reliability.md."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.conftest import CHECKOUT
from tests.faults.case import Result

PAGE = CHECKOUT / "docs" / "reliability.md"


def table(results: Sequence[Result]) -> str:
    rows = ["| what happens | what is promised | what was seen |", "| --- | --- | --- |"]
    rows += [
        f"| {one.case.done} | {one.case.allowed} | "
        f"{_cell('BROKEN: ' + one.broken if one.broken else one.seen)} |"
        for one in results
    ]
    kept = sum(not one.broken for one in results)
    return "\n".join([*rows, "", f"{kept} of {len(results)} cases ended as promised."])


def write(name: str, text: str) -> None:
    """Put ``text`` between the marks of that name in the page."""
    page = PAGE.read_text(encoding="utf-8")
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    assert marks.search(page), f"{PAGE} has no place for {name}"
    PAGE.write_text(marks.sub(lambda m: m[1] + text + "\n" + m[2], page), encoding="utf-8")


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())[:500]
