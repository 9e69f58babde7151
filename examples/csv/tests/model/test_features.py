import numpy as np
import pandas as pd

from package_size.data.rows import CATEGORIES, EXTREME, NUMBERS, Row
from package_size.data.schema import rows_of
from package_size.model import features

from ..conftest import Project, needs_a_number


def test_training_and_the_service_build_the_same_numbers(project: Project) -> None:
    """From a table, and from the rows of requests: no train/serve skew."""
    frame = project.data.holdout.head(200)
    columns = {name: [getattr(row, name) for row in rows_of(frame)] for name in Row.model_fields}
    np.testing.assert_array_equal(features.build(frame), features.build(columns))


def test_there_is_a_column_for_each_name(project: Project) -> None:
    matrix = features.build(project.data.holdout)
    assert matrix.shape == (len(project.data.holdout), len(features.NAMES))
    assert matrix.dtype == np.float64


def test_a_category_is_one_in_its_own_column_only() -> None:
    for name, values in CATEGORIES.items():
        built = _built(**{name: values[-1]})
        assert {each for each in built if each.startswith(f"{name}=") and built[each]} == {
            f"{name}={values[-1]}"
        }


def test_a_category_never_seen_is_zero_in_all_columns() -> None:
    for name in CATEGORIES:
        built = _built(**{name: "never seen"})
        assert not any(built[each] for each in built if each.startswith(f"{name}="))


@needs_a_number
def test_a_number_that_is_missing_is_not_a_number() -> None:
    frame = pd.DataFrame([EXTREME.model_dump() | {NUMBERS[0]: None}])
    assert np.isnan(features.build(frame)[0, features.NAMES.index(NUMBERS[0])])


def _built(**changed: object) -> dict[str, float]:
    columns = {name: [value] for name, value in (EXTREME.model_dump() | changed).items()}
    return dict(zip(features.NAMES, features.build(columns)[0].tolist(), strict=True))
