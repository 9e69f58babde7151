"""The fields of Row as code: a type and its limits for each column that the model learns from."""

from dataclasses import dataclass

from .literals import LINE, number, quoted, round_up, width
from .looking import Column
from .proposing import Proposal

DAYS = 36_500  # a hundred years
FIRST_YEAR, LAST_YEAR = 1800, 2100


@dataclass(frozen=True)
class Line:
    """A field of Row, and its value in EXTREME."""

    name: str
    kind: str
    extreme: str


def lines_of(proposal: Proposal) -> list[Line]:
    """Numbers first, then days, yes or no, and categories."""
    numbers = [_number(c) for c in proposal.features if c.role == "number"]
    flags = [c for c in proposal.features if c.role == "yes/no" and not c.optional]
    categories = [c for c in proposal.features if is_category(c)]
    return [
        *numbers,
        *(_days(c) for c in proposal.days),
        *(Line(c.name, _described("bool", c), "True") for c in flags),
        *(
            Line(c.name, _described("Text", c) + " | None" * c.optional, quoted(c.values[-1]))
            for c in categories
        ),
    ]


def _number(column: Column) -> Line:
    """Ten times what was seen, rounded up; of years, three centuries."""
    size = round_up(10 * max(abs(column.low), abs(column.high)))
    low, high = (0.0 if column.low >= 0 else -size), size
    if column.whole and column.low >= FIRST_YEAR and column.high <= LAST_YEAR:
        low, high = FIRST_YEAR, LAST_YEAR
    kind = _described("float", column, f"ge={number(low)}, le={number(high)}")
    return Line(column.name, kind + " | None" * column.optional, number(high))


def _days(column: Column) -> Line:
    kind = f"Annotated[float, Field(ge=-{DAYS:_}, le={DAYS:_})] | None"
    return Line(f"{column.name}_days", kind, number(DAYS))


def _described(kind: str, column: Column, limits: str = "") -> str:
    """The type with its limits, and the header where the name does not say it all."""
    said = column.header.lower() == column.name.replace("_", " ")
    words = [limits] * bool(limits) + [f"description={quoted(column.header)}"] * (not said)
    if width(f"    {column.name}: Annotated[{kind}, Field({', '.join(words)})] | None") > LINE:
        words = [limits] * bool(limits)
    return f"Annotated[{kind}, Field({', '.join(words)})]" if words else kind


def is_category(column: Column) -> bool:
    return column.role == "category" or (column.role == "yes/no" and column.optional)
