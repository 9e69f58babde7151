"""What the tables must look like. Both follow from Row, so there is one place that says it.

RAW is the table as it was collected: the right columns with the right types. CLEAN is what the
model learns from: every row of it would be accepted by the service too.
"""

from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from ..errors import ProjectError
from .rows import ASIDE, GROUP, LABEL, TARGET, TIME, Row

TYPES = {"integer": "int64", "number": "float64", "boolean": "bool", "string": "str"}
# In the raw table the answer may be missing; of a yes or no, only pandas' "boolean" can say that.
RAW_TARGET = "boolean"
TARGET_TYPE = "bool"


def _table(name: str, limits: bool) -> pa.DataFrameSchema:
    abouts = [about for about in (GROUP, TIME, LABEL) if about is not None]
    about_rows = {about: pa.Column("str", nullable=not limits) for about in abouts}
    features = {
        field: _column(about, limits)
        for field, about in Row.model_json_schema()["properties"].items()
    }
    aside = {field: pa.Column(kind, nullable=True) for field, kind in ASIDE.items()}
    kind = TARGET_TYPE if limits else RAW_TARGET
    answer = {TARGET: pa.Column(kind, nullable=not limits, coerce=True)}
    # strict: a column that nobody declared is an error, not a surprise later.
    return pa.DataFrameSchema(about_rows | features | aside | answer, strict=True, name=name)


def _column(about: dict[str, Any], limits: bool) -> pa.Column:
    """The column for a field of Row, as pydantic describes it."""
    choices = about.get("anyOf", [about])  # [a type, null] for a field that may be missing
    kind = choices[0]
    checks = []
    if limits and "minimum" in kind:
        checks.append(pa.Check.ge(kind["minimum"]))
    if limits and "maximum" in kind:
        checks.append(pa.Check.le(kind["maximum"]))
    if limits and "maxLength" in kind:
        checks.append(pa.Check.str_length(max_value=kind["maxLength"]))
    if limits and "enum" in kind:
        checks.append(pa.Check.isin(kind["enum"]))
    return pa.Column(TYPES[kind["type"]], checks, nullable=not limits or len(choices) > 1)


RAW = _table("RAW", limits=False)
CLEAN = _table("CLEAN", limits=True)


def types() -> dict[str, str]:
    """How a file of collected rows is to be read: the type of each column."""
    read = {name: str(column.dtype) for name, column in RAW.columns.items()}
    # What pandera calls string[python] has pd.NA for a missing text; in "str" that is NaN.
    return {name: kind.replace("string[python]", "str") for name, kind in read.items()}


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """The rows of a table as the service gets them: a value that is missing is None."""
    features = frame[list(Row.model_fields)].astype(object)
    records = features.where(features.notna(), None).to_dict("records")
    return [Row.model_validate(record) for record in records]


def check(frame: pd.DataFrame, table: pa.DataFrameSchema) -> pd.DataFrame:
    """The frame, if it fits; else an error that names every column at fault with an example.

    `lazy` gathers all faults before it raises: one run shows them all.
    """
    try:
        return table.validate(frame, lazy=True)
    except SchemaErrors as error:
        faults = error.failure_cases.groupby(["column", "check"], dropna=False, sort=False)
        lines = [
            f"{column}: {rule}, {len(cases)} case(s), for example {cases['failure_case'].iloc[0]!r}"
            for (column, rule), cases in faults
        ]
        raise ProjectError(
            what=f"The data do not fit the table {table.name} of data/schema.py.",
            why="; ".join(lines),
            do="Correct data/source.py or a rule; or, if the data are right, Row in data/rows.py.",
        ) from None
