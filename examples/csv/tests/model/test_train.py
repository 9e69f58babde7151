import numpy as np

from package_size.data.rows import TARGET
from package_size.evaluation import metrics
from package_size.evaluation.metrics import MAIN
from package_size.model import features
from package_size.model.fit import fit
from package_size.model.forecast import forecast
from package_size.registry import tracking

from ..conftest import Project


def test_training_twice_gives_the_same_model(project: Project) -> None:
    matrix = features.build(project.data.train)
    truth = metrics.truth(project.data.train[TARGET])
    holdout = features.build(project.data.holdout)
    models = [fit(matrix, truth, project.params.model) for _ in range(2)]
    first, second = (forecast(model, holdout) for model in models)
    np.testing.assert_array_equal(first, second)


def test_it_beats_the_baseline(project: Project) -> None:
    assert project.trained.verdict.passed, project.trained.verdict.reasons


def test_a_run_records_what_is_needed_to_repeat_it(project: Project) -> None:
    client = tracking.client(project.layout)
    version = tracking.versions(client)[0]
    assert version.run_id is not None
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["model.seed"] == str(project.params.model.seed)
    assert run.data.metrics[MAIN] > run.data.metrics[f"baseline_{MAIN}"]
    assert run.data.tags["data_sha256"] == project.data.sha256
    assert {"git_commit", "git_dirty", "lock_sha256"} <= set(run.data.tags)
    plots = {item.path for item in client.list_artifacts(version.run_id, "reports/plots")}
    assert plots == {f"reports/plots/{file.name}" for file in project.layout.plots.iterdir()}
    assert plots


def test_an_interrupted_run_does_not_stay_running(project: Project) -> None:
    try:
        with tracking.run(project.layout) as run_id:
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert tracking.client(project.layout).get_run(run_id).info.status == "FAILED"
