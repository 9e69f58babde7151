import pandas as pd
import pytest

from fix_finder.data import schema
from fix_finder.data.rows import NUMBERS, TARGET, Row
from fix_finder.errors import ProjectError

from ..conftest import Project, needs_a_number


def test_every_clean_row_would_be_accepted_by_the_service(project: Project) -> None:
    frame = pd.concat([project.data.train, project.data.holdout])
    assert len(schema.rows_of(frame)) == len(frame)


def test_a_value_that_is_missing_reaches_the_service_as_none(project: Project) -> None:
    fields = Row.model_json_schema()["properties"]
    optional = [name for name, about in fields.items() if "anyOf" in about]
    if not optional:
        pytest.skip("no value of these rows may be missing")
    frame = project.data.train.head(1).assign(**dict.fromkeys(optional, None))
    [row] = schema.rows_of(frame)
    assert all(getattr(row, name) is None for name in optional)


def test_clean_data_fit_their_schema(project: Project) -> None:
    schema.check(project.data.train, schema.CLEAN)


@needs_a_number
def test_a_fault_names_the_column_and_an_example(project: Project) -> None:
    wrong = project.data.train.head(5).assign(**{NUMBERS[0]: "minus seven"})
    with pytest.raises(ProjectError) as error:
        schema.check(wrong, schema.RAW)
    assert NUMBERS[0] in error.value.why


def test_a_column_that_nobody_declared_is_refused(project: Project) -> None:
    frame = project.data.train.head(5).assign(mood="good")
    with pytest.raises(ProjectError, match="mood"):
        schema.check(frame, schema.RAW)


def test_a_column_that_is_not_there_is_named(project: Project) -> None:
    with pytest.raises(ProjectError, match=TARGET):
        schema.check(project.data.train.head(5).drop(columns=TARGET), schema.RAW)
