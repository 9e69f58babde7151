"""Write rows.py: the proposal as code that a person can read and correct."""

from .fields import is_category, lines_of
from .literals import LINE, listed, mapping, quoted
from .proposing import Proposal

HEAD = '''"""What a row is. `inspect` wrote it from the table; read it, correct it: it is yours now.

This module is shared by training and the service, so it imports nothing heavy.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
'''

ROW = '''
# A limit is a round number beyond ten times what the table holds, and 0 where nothing is negative:
# it stops what cannot be meant, and lets new rows be somewhat different.
Text = Annotated[str, Field(max_length=200)]


class Row(BaseModel):
    """One row, as the service accepts it. Unknown fields are refused; None is "not known"."""

    # No `examples` here: BentoML 1.4 can't put them into its OpenAPI document and fails to build.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

'''


def code(proposal: Proposal) -> str:
    """The text of rows.py."""
    lines = lines_of(proposal)
    categories = {c.name: c.values for c in proposal.features if is_category(c)}
    left_out = [_comment(f"{column.header}: {why}") for column, why in proposal.left_out]
    return "".join(
        [
            HEAD,
            f"\nTARGET = {quoted(proposal.target.name)}\n",
            *_answers(proposal),
            *_about(proposal),
            *_columns(proposal),
            "# Left out, and why:\n" if left_out else "",
            *left_out,
            ROW,
            *(f"    {line.name}: {line.kind}\n" for line in lines),
            "\n\n# A value that is not listed, rare or new, is 0 in all columns of its category.\n",
            mapping("CATEGORIES: dict[str, tuple[str, ...]]", categories),
            "NUMBERS = tuple(name for name in Row.model_fields if name not in CATEGORIES)\n",
            "# The evaluation looks at each of their values by itself.\n",
            _tuple("SLICES: tuple[str, ...] = ", _slices(proposal)),
            "\n# An unusual row that is still allowed. A model that answers it oddly should be",
            " noticed.\nEXTREME = Row(\n",
            *(f"    {line.name}={line.extreme},\n" for line in lines),
            ")\n",
        ]
    )


def _answers(proposal: Proposal) -> list[str]:
    if proposal.task == "binary":
        return [f"YES = {quoted(proposal.answers[0])}  # the value of it that means yes\n"]
    if proposal.task == "classes":
        return [
            "# The answers to learn; a row with another one is dropped.\n",
            _tuple("CLASSES: tuple[str, ...] = ", proposal.answers),
        ]
    return []


def _about(proposal: Proposal) -> list[str]:
    """What is known of a row, beside what the model learns from."""
    meant = {
        "GROUP": (proposal.group, "rows of one are alike: they stay on one side of the split"),
        "TIME": (proposal.time, "when the row was; ISO 8601"),
        "LABEL": (proposal.label, "tells a reader which row it is; the model never sees it"),
    }
    return [
        f"{name}: str | None = {quoted(column.name)}  # {why}\n"
        if column
        else f"{name}: str | None = None  # no column tells it\n"
        for name, (column, why) in meant.items()
    ]


def _columns(proposal: Proposal) -> list[str]:
    used = [proposal.label, proposal.group, proposal.time, *proposal.aside]
    used += [*proposal.features, proposal.target]
    columns = {column.header: column for column in used if column is not None}.values()
    dates = {column.name: column.formats for column in columns if column.formats}
    return [
        "\n# The header in the table, and the name of the column here. No others are read.\n",
        mapping("COLUMNS: dict[str, str]", {c.header: c.name for c in columns}),
        "# How dates are written in the table. A date that is not TIME becomes the number of days",
        "\n# from it until TIME: DATE_days in Row.\n",
        mapping("DATES: dict[str, tuple[str, ...]]", dates),
        "# Collected, but never shown to the model; dates are compared with TIME.\n",
        mapping("ASIDE: dict[str, str]", {column.name: "str" for column in proposal.aside}),
    ]


def _slices(proposal: Proposal) -> list[str]:
    """Up to three columns with few values."""
    few = [c for c in proposal.features if c.role != "number" and c.distinct <= 10]
    return [column.name for column in sorted(few, key=lambda c: c.distinct)[:3]]


def _tuple(start: str, texts: tuple[str, ...] | list[str]) -> str:
    return f"{start}{listed(texts, start)}\n"


def _comment(text: str) -> str:
    return f"#   {text[: LINE - 5]}\n"
