import json
import shutil

import pytest
from mlflow.entities.model_registry import ModelVersion

from fix_finder import PROJECT, train
from fix_finder.errors import ProjectError
from fix_finder.evaluation.intervals import Interval
from fix_finder.evaluation.metrics import MAIN
from fix_finder.model import persist
from fix_finder.paths import Layout
from fix_finder.registry import promote, tracking

from ..conftest import Project, quiet


def version(number: str, baseline: float = 0.5) -> ModelVersion:
    made = ModelVersion("model", number, creation_timestamp=0)
    made.tags.update({"evaluation": "passed", f"baseline_{MAIN}": str(baseline)})
    return made


def decide(score: float, ahead: Interval | None, baseline: float = 0.5) -> promote.Decision:
    return promote.decide(version("2", baseline=baseline), score, version("1"), ahead)


def test_the_first_that_passed_is_promoted() -> None:
    assert promote.decide(version("1"), 0.8, None, None).promoted


def test_what_does_not_beat_the_baseline_is_not_promoted() -> None:
    assert not promote.decide(version("1", baseline=0.8), 0.8, None, None).promoted


def test_better_is_promoted_and_worse_is_not() -> None:
    assert decide(0.81, Interval(0.01, 0.02, 0.03)).promoted
    assert not decide(0.79, Interval(-0.03, -0.02, -0.01)).promoted


def test_better_within_noise_is_not_promoted_and_the_numbers_are_said() -> None:
    decision = decide(0.804, Interval(-0.003, 0.004, 0.011))
    assert not decision.promoted
    assert "within noise" in decision.why
    assert "+0.0040 (-0.0030 to +0.0110)" in decision.why


def test_equal_is_not_promoted_and_the_numbers_are_said() -> None:
    decision = decide(0.8, Interval(0, 0, 0))
    assert not decision.promoted
    assert "as good as" in decision.why


def test_equal_and_from_committed_code_takes_the_place_of_one_that_is_not() -> None:
    same = Interval(0, 0, 0)
    decision = promote.decide(version("2"), 0.8, version("1"), same, repeatable=True)
    assert decision.promoted
    assert "from committed code" in decision.why
    better = Interval(-0.01, 0.01, 0.03)
    assert not promote.decide(version("2"), 0.8, version("1"), better, repeatable=True).promoted


def test_a_champion_that_the_code_can_no_longer_feed_gives_way() -> None:
    assert decide(0.7, None).promoted


def test_a_failed_evaluation_is_not_promoted(project: Project, copied: Layout) -> None:
    params = project.params
    client = tracking.client(copied)
    tracking.mark(client, "1", {"evaluation": "failed"})
    client.delete_registered_model_alias(PROJECT, tracking.ALIAS)
    decision = promote.promote("1", project.data.holdout, params, copied)
    assert not decision.promoted
    assert "failed" in decision.why


def test_training_promotes_and_exports_the_champion(project: Project) -> None:
    assert project.decision.promoted
    champion = tracking.champion(tracking.client(project.layout))
    about = persist.describe(project.layout.champion)
    assert champion is not None
    assert about is not None
    assert about["run_id"] == champion.run_id
    golden = json.loads(project.layout.golden.read_text(encoding="utf-8"))
    assert golden["run_id"] == champion.run_id
    assert [len(request["body"]["rows"]) for request in golden["requests"]] == [1, 4, 1]


def test_the_same_model_again_leaves_the_champion(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    layout = Layout(tmp_path_factory.mktemp("second"))
    holdout, params = project.data.holdout, project.params
    shutil.copy(project.layout.params, layout.params)
    for number in ("1", "2"):
        trained = train.train(project.data, project.params, layout, quiet)
        decision = promote.promote(trained.version, holdout, params, layout)
        assert trained.version == number
    assert not decision.promoted
    champion = tracking.champion(tracking.client(layout))
    assert champion is not None
    assert champion.run_id == tracking.versions(tracking.client(layout))[0].run_id

    shutil.rmtree(layout.champion)  # as after cloning: the registry knows, the files are gone
    assert not promote.promote("2", holdout, params, layout).promoted
    about = persist.describe(layout.champion)
    assert about is not None
    assert about["version"] == "1"


def test_the_same_model_again_from_committed_code_takes_over(
    project: Project, copied: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The champion of these tests was made where there is no git."""
    origin = tracking.origin
    monkeypatch.setattr(tracking, "origin", lambda layout: origin(layout) | {"git_dirty": False})
    trained = train.train(project.data, project.params, copied, quiet)
    decision = promote.promote(trained.version, project.data.holdout, project.params, copied)
    assert decision.promoted
    about = persist.describe(copied.champion)
    assert about is not None
    assert about["version"] == trained.version


def test_the_champion_itself_stays_the_champion(project: Project) -> None:
    params = project.params
    decision = promote.promote("1", project.data.holdout, params, project.layout)
    assert decision == promote.Decision(True, "version 1 is the champion already")


def test_a_version_that_does_not_exist_is_named(project: Project) -> None:
    holdout, params = project.data.holdout, project.params
    with pytest.raises(ProjectError, match="no version 99"):
        promote.promote("99", holdout, params, project.layout)
