"""The table of cases and results, printed and in docs/reliability.md."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.conftest import CHECKOUT
from tests.faults.case import Case, Result

PAGE = CHECKOUT / "docs" / "reliability.md"


def row(result: Result) -> str:
    seen = f"BROKEN: {result.broken}" if result.broken else result.seen
    return f"| {result.case.done} | {result.case.allowed} | {_cell(seen)} |"


def table(rows: Sequence[str]) -> str:
    head = ["| what happens | what is promised | what was seen |", "| --- | --- | --- |"]
    kept = sum("| BROKEN: " not in one for one in rows)
    return "\n".join([*head, *rows, "", f"{kept} of {len(rows)} cases ended as promised."])


def completed(results: Sequence[Result], cases: Sequence[Case]) -> list[str]:
    """The rows of all cases: those carried out now, and the page's own of the others."""
    page = PAGE.read_text(encoding="utf-8").splitlines()
    new = {result.case.name: row(result) for result in results}
    rows = []
    for case in cases:
        begin = f"| {case.done} | {case.allowed} |"
        rows += [new[case.name]] if case.name in new else [p for p in page if p.startswith(begin)]
    return rows


def write(name: str, text: str) -> None:
    """Put ``text`` between the marks of that name in the page."""
    page = PAGE.read_text(encoding="utf-8")
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    assert marks.search(page), f"{PAGE} has no place for {name}"
    PAGE.write_text(marks.sub(lambda m: m[1] + text + "\n" + m[2], page), encoding="utf-8")


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())[:500]
