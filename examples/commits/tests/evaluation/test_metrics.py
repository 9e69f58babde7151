import numpy as np
import pandas as pd
import pytest
import sklearn.metrics

from fix_finder import config
from fix_finder.errors import ProjectError
from fix_finder.evaluation import metrics

from .forecasts import forecasts, truths

TRUTH = np.array([False, True, False, True])
SAID = np.array([0.1, 0.4, 0.5, 0.9])


@pytest.fixture
def evaluation(params: config.Params) -> config.Evaluation:
    return params.evaluation.model_copy(update={"threshold": 0.5})


def test_values_worked_out_by_hand(evaluation: config.Evaluation) -> None:
    found = metrics.score(TRUTH, SAID, evaluation)
    assert found == pytest.approx(
        {
            "roc_auc": 3 / 4,  # of the four pairs of a yes and a no, (0.4, 0.5) is the wrong way
            "average_precision": (1 / 1 + 2 / 3) / 2,
            "accuracy": 2 / 4,
            "log_loss": -np.log([0.9, 0.4, 0.5, 0.9]).mean(),
            "brier": (0.01 + 0.36 + 0.25 + 0.01) / 4,
        }
    )


@pytest.mark.parametrize("digits", [1, 8])  # with many ties, and with none
def test_scikit_learn_says_the_same(evaluation: config.Evaluation, digits: int) -> None:
    truth = truths(500, seed=1)
    said = forecasts(truth, skill=1, seed=1).round(digits)
    assert metrics.score(truth, said, evaluation) == pytest.approx(
        {
            "roc_auc": sklearn.metrics.roc_auc_score(truth, said),
            "average_precision": sklearn.metrics.average_precision_score(truth, said),
            "accuracy": sklearn.metrics.accuracy_score(truth, said >= 0.5),
            "log_loss": sklearn.metrics.log_loss(truth, said),
            "brier": sklearn.metrics.brier_score_loss(truth, said),
        }
    )


def test_the_baseline_is_at_chance(evaluation: config.Evaluation) -> None:
    dumb = metrics.baseline(np.array([True, False, False, False]), rows=4)
    assert dumb.tolist() == [0.25] * 4
    assert metrics.score(TRUTH, dumb, evaluation)["roc_auc"] == metrics.CHANCE


def test_rows_with_one_answer_have_no_main_metric() -> None:
    assert np.isnan(metrics.main(np.array([True, True]), np.array([0.1, 0.9])))


@pytest.mark.parametrize("answer", [True, False])
def test_a_side_with_one_answer_is_refused(answer: bool) -> None:
    same = np.full(4, answer)
    with pytest.raises(ProjectError, match="rows held out are " + ("yes" if answer else "no")):
        metrics.check(TRUTH, same)
    with pytest.raises(ProjectError, match="rows to train on"):
        metrics.check(same, TRUTH)
    assert metrics.check(TRUTH, TRUTH) == ()


def test_truth_is_read_from_the_column() -> None:
    assert metrics.truth(pd.Series([True, False])).tolist() == [True, False]
