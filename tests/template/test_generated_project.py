"""The rendered project at work: installed as a user would, checked by its own tools, trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import AWKWARD, Render, git
from .projects import installed, run, succeed

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(900)]

LISTING = """
import json, sys
import mlflow
client = mlflow.MlflowClient(sys.argv[1])
[name] = [model.name for model in client.search_registered_models()]
champion = client.get_model_version_by_alias(name, "champion")
run = client.get_run(champion.run_id)
print(json.dumps({
    "name": name,
    "champion": int(champion.version),
    "versions": [
        dict(each.tags, version=int(each.version))
        for each in client.search_model_versions(f"name = '{name}'")
    ],
    "metrics": run.data.metrics,
    "tags": run.data.tags,
    "run_id": champion.run_id,
    "artifacts": [each.path for each in client.list_artifacts(champion.run_id, "reports/plots")]
    + [each.path for each in client.list_artifacts(champion.run_id, "serving")],
}))
"""


def listing(project: Path) -> dict[str, object]:
    uri = f"sqlite:///{project}/mlflow.db"
    printed = succeed(project, ".venv/bin/python", "-c", LISTING, uri)
    listed: dict[str, object] = json.loads(printed)
    return listed


@pytest.fixture(scope="module")
def project(render: Render) -> Path:
    return installed(render(**AWKWARD))


@pytest.fixture(scope="module")
def trained(project: Path) -> Path:
    """Trained twice; what was printed is in first.txt and second.txt, beside the project."""
    for name in ("first", "second"):
        printed = succeed(project.parent, str(project / ".venv/bin/zoes-docs-o"), "train")
        (project.parent / f"{name}.txt").write_text(printed, encoding="utf-8")
    return project


def test_the_lock_file_is_made_and_nothing_else(project: Path) -> None:
    assert git(project, "status", "--porcelain") == ""
    assert "uv.lock" in git(project, "ls-files").splitlines()


@pytest.mark.parametrize(
    "command",
    [["ruff", "format", "--check", "."], ["ruff", "check", "."], ["mypy"], ["pytest", "-q"]],
    ids=" ".join,
)
def test_it_passes_its_own_checks_untouched(project: Path, command: list[str]) -> None:
    succeed(project, f".venv/bin/{command[0]}", *command[1:])


def test_training_is_listed_by_mlflows_own_client(trained: Path) -> None:
    listed = listing(trained)
    assert listed["name"] == "zoes-docs-o"
    assert listed["champion"] == 1
    artifacts = listed["artifacts"]
    assert isinstance(artifacts, list)
    plots = {f"reports/plots/{name}.png" for name in ("roc", "precision-recall", "calibration")}
    assert plots < set(artifacts)
    assert {"serving/model.onnx", "serving/model.json", "serving/golden.json"} < set(artifacts)
    tags, metrics = listed["tags"], listed["metrics"]
    assert isinstance(tags, dict)
    assert isinstance(metrics, dict)
    assert tags["git_commit"] == git(trained, "rev-parse", "HEAD")
    assert tags["git_dirty"] == "False"
    assert metrics["roc_auc"] > metrics["baseline_roc_auc"] == 0.5


def test_training_twice_gives_the_same_metrics_and_leaves_the_champion(trained: Path) -> None:
    versions = listing(trained)["versions"]
    assert isinstance(versions, list)
    assert len({each["roc_auc"] for each in versions[:2]}) == 1
    assert "next:" in (trained.parent / "first.txt").read_text()
    assert "as good as the champion" in (trained.parent / "second.txt").read_text()


def test_the_champion_is_exported_for_serving(trained: Path) -> None:
    about = json.loads((trained / "models/champion/model.json").read_text())
    golden = json.loads((trained / "tests/golden.json").read_text())
    assert about["run_id"] == golden["run_id"] == listing(trained)["run_id"]
    assert about["git_dirty"] is False
    # The model card and its pictures belong in git; the next run is not dirty for them.
    assert {line[3:] for line in git(trained, "status", "--porcelain").splitlines()} == {
        "MODEL_CARD.md",
        "docs/",
    }
    second = (trained.parent / "second.txt").read_text()
    assert "LOOK" not in second


def test_a_failed_evaluation_is_not_promoted(trained: Path) -> None:
    hard = {"PARAMS_EVALUATION__MINIMUM": "0.999"}
    done = run(trained, "make", "train", **hard)
    assert done.returncode != 0
    assert "failed its evaluation and is not promoted" in done.stderr
    assert "Traceback" not in done.stderr
    assert listing(trained)["champion"] == 1


def test_no_warning_is_printed_while_training(trained: Path) -> None:
    done = run(trained, ".venv/bin/zoes-docs-o", "train")
    assert done.returncode == 0
    assert done.stderr == "loading MLflow and scikit-learn; the first time takes longest …\n"
