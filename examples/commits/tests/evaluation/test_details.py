import numpy as np
import pytest

from fix_finder.data.rows import TARGET
from fix_finder.evaluation import metrics
from fix_finder.evaluation.details import details, f1, facts
from fix_finder.model import features
from fix_finder.model.fit import fit
from fix_finder.model.forecast import forecast

from ..conftest import Project


def test_f1_by_hand() -> None:
    truth, said = np.array([True, True, False, False]), np.array([0.9, 0.2, 0.8, 0.1])
    assert f1(truth, said, 0.5) == pytest.approx(1 / 2)  # precision 1/2, recall 1/2
    assert f1(truth, said, 0.15) == pytest.approx(2 * (2 / 3) * 1 / (2 / 3 + 1))
    assert f1(truth, said, 0.95) == 0


def test_the_table_says_what_a_threshold_does(project: Project) -> None:
    truth, said = np.array([True, True, False, False]), np.array([0.9, 0.2, 0.8, 0.1])
    found = details(project.data.train, truth, said, {"threshold": 0.55}, project.params)
    rows = {row[0]: row[1:] for row in found.table[1:]}
    assert rows["0.55 (used)"] == ("50.0%", "50.0%", "50.0%")
    assert rows["0.1"] == ("50.0%", "100.0%", "100.0%")
    found = details(project.data.train, truth, said / 2, {"threshold": 0.5}, project.params)
    assert found.table[-1] == ("0.9", "nothing is flagged", "0.0%", "0.0%")


def test_the_best_threshold_does_not_come_from_the_rows_held_out(project: Project) -> None:
    """Turned round, they would say the opposite."""
    truth = metrics.truth(project.data.holdout[TARGET])
    known = metrics.truth(project.data.train[TARGET])
    model = fit(features.build(project.data.train), known, project.params.model)
    said = forecast(model, features.build(project.data.holdout))
    answers = facts(project.data.train, project.params)
    first, second = (
        details(project.data.train, each, said, answers, project.params) for each in (truth, ~truth)
    )
    assert "F1 is best" in first.text[1]
    assert first.text[1] == second.text[1]
    assert first.text[0] != second.text[0]
