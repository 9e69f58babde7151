import json

from package_size.evaluation.metrics import MAIN
from package_size.registry import tracking, why

from ..conftest import Project


def test_it_says_where_a_version_comes_from(project: Project) -> None:
    found = why.why("1", project.layout)
    assert found["champion"]
    assert found["data_sha256"] == project.data.sha256
    assert found["params"]["model.seed"] == project.params.model.seed
    assert found["metrics"][MAIN] > found["baseline"][MAIN]
    dropped = sum(rule["dropped"] for rule in found["cleaning"]["rules"])
    assert found["cleaning"]["rows_in"] == found["cleaning"]["rows_out"] + dropped
    assert json.loads(json.dumps(found)) == found


def test_in_words_it_names_commit_data_rows_and_metrics(project: Project) -> None:
    told = why.told(why.why(None, project.layout))
    assert "version 1, the champion" in told
    assert project.data.sha256 in told
    assert MAIN in told
    assert "model.seed" in told
    assert project.decision.why in told


def test_the_reason_for_the_promotion_is_kept_with_the_version(project: Project) -> None:
    [version] = tracking.versions(tracking.client(project.layout))[:1]
    assert version.tags["promotion"] == project.decision.why
