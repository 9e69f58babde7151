"""One small project, collected and trained once, that the tests share."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

# Before anything imports BentoML: it makes its folder, and would report usage, at import.
os.environ["BENTOML_HOME"] = tempfile.mkdtemp(prefix="bentoml-")
os.environ["BENTOML_DO_NOT_TRACK"] = "True"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.pop("MLFLOW_TRACKING_URI", None)  # runs of the tests are not among yours
for name in [name for name in os.environ if name.startswith("PARAMS_")]:
    del os.environ[name]
os.environ["PARAMS_MONITORING__LOG"] = "false"  # what the tests ask is not what users asked

import pytest

from fix_finder import config, paths, train
from fix_finder.data.rows import NUMBERS, Row
from fix_finder.paths import Layout
from fix_finder.registry import promote

needs_a_number = pytest.mark.skipif(
    not NUMBERS or Row.model_fields[NUMBERS[0]].annotation is bool,  # numbers come before flags
    reason="these rows hold no number",
)


@dataclass(frozen=True)
class Project:
    """A trained project in a folder of its own."""

    layout: Layout
    params: config.Params
    data: train.Data
    trained: train.Trained
    decision: promote.Decision


def quiet(step: str, result: str) -> None:
    """Steps are not printed in tests."""


@pytest.fixture(scope="session")
def params() -> config.Params:
    """The project's parameters with a model that trains in a moment."""
    real = config.load(paths.here().params)
    quick = {"max_iterations": 25}
    # The made-up history: your repositories may be elsewhere, and change every day.
    made_up = real.collect.model_copy(update={"repositories": ()})
    real = real.model_copy(update={"collect": made_up})
    return real.model_copy(update={"model": real.model.model_copy(update=quick)})


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, params: config.Params) -> Project:
    """Trained once for all tests. They read it, and do not change it."""
    layout = Layout(tmp_path_factory.mktemp("project"))
    shutil.copy(paths.here().params, layout.params)
    data = train.prepare(params, layout, quiet)
    trained = train.train(data, params, layout, quiet)
    decision = promote.promote(None, data.holdout, params, layout)
    return Project(layout, params, data, trained, decision)


@pytest.fixture
def copied(project: Project, tmp_path: Path) -> Layout:
    """A layout with the same data and champion, for tests that change files."""
    shutil.copytree(project.layout.root, tmp_path / "copy")
    return Layout(tmp_path / "copy")
