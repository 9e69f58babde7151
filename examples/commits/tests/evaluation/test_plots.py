from pathlib import Path

import matplotlib.image
import numpy as np
from numpy.typing import NDArray

from fix_finder.evaluation import plots
from fix_finder.evaluation.importance import importance
from fix_finder.evaluation.picture import save
from fix_finder.model.features import NAMES
from fix_finder.model.fit import fit

from ..conftest import Project
from .forecasts import truths

EXPECTED = {"roc", "precision-recall", "calibration", "importance"}


def test_a_training_draws_the_pictures(project: Project) -> None:
    files = list(project.layout.plots.iterdir())
    assert {file.stem for file in files} == EXPECTED
    for file in files:
        pixels = matplotlib.image.imread(file)
        assert pixels.shape[0] > 300
        assert pixels[..., :3].std() > 0.05, f"{file.name} is empty"


def test_the_column_that_decides_is_the_most_important(project: Project) -> None:
    """The answer is made from the first column of the matrix, and from no other."""
    matrix = np.random.default_rng(1).normal(size=(800, len(NAMES)))
    model = fit(matrix, answers(matrix[:, 0]), project.params.model)
    fall = importance(model, matrix, answers(matrix[:, 0]))
    decisive = NAMES[0].partition("=")[0]
    assert fall[decisive] > 0.2
    assert all(abs(loss) < 0.1 for column, loss in fall.items() if column != decisive)


def test_importance_is_the_same_every_time(project: Project) -> None:
    matrix = np.random.default_rng(1).normal(size=(300, len(NAMES)))
    truth = answers(matrix[:, 0])
    model = fit(matrix, truth, project.params.model)
    assert importance(model, matrix, truth) == importance(model, matrix, truth)


def test_one_and_the_same_forecast_for_all_rows_is_drawn(tmp_path: Path) -> None:
    """As a model gives it that has learned nothing."""
    truth = truths(100, seed=1)
    save({"calibration": plots.calibration(truth, np.full(100, 0.4))}, tmp_path)
    assert (tmp_path / "calibration.png").stat().st_size > 5_000


def answers(column: NDArray[np.float64]) -> NDArray[np.generic]:
    return column > 0
