import numpy as np
import pytest

from fix_finder.data.rows import GROUP
from fix_finder.evaluation.trial import trial

from ..conftest import Project


def test_a_part_of_the_training_side_is_asked(project: Project) -> None:
    seen = trial(project.data.train, project.params)
    assert len(seen.truth) == len(seen.said)
    assert 0.1 < len(seen.truth) / len(project.data.train) < 0.45


def test_the_same_rows_give_the_same_trial(project: Project) -> None:
    first, second = (trial(project.data.train, project.params) for _ in range(2))
    np.testing.assert_array_equal(first.said, second.said)


def test_where_one_group_is_left_rows_are_split(project: Project) -> None:
    if GROUP is None:
        pytest.skip("these rows are in no groups")
    by_group = project.params.split.model_copy(update={"by": "group"})
    params = project.params.model_copy(update={"split": by_group})
    seen = trial(project.data.train.assign(**{GROUP: "the only one"}), params)
    assert 0.1 < len(seen.truth) / len(project.data.train) < 0.45
