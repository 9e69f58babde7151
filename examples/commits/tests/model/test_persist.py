import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fix_finder.errors import ProjectError
from fix_finder.evaluation.metrics import MAIN
from fix_finder.model import features, persist
from fix_finder.paths import Layout

from ..conftest import Project


def test_a_model_loaded_in_a_new_process_answers_the_same(project: Project, tmp_path: Path) -> None:
    forecaster, _ = persist.load_from(project.layout.champion)
    matrix = features.build(project.data.holdout)
    np.save(tmp_path / "matrix.npy", matrix)
    code = (
        "import sys, numpy as np; from pathlib import Path; "
        "from fix_finder.model import persist; "
        "forecaster, _ = persist.load_from(Path(sys.argv[1])); folder = Path(sys.argv[2]); "
        "np.save(folder / 'new.npy', forecaster(np.load(folder / 'matrix.npy')))"
    )
    arguments = [str(project.layout.champion), str(tmp_path)]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "new.npy"), forecaster(matrix))


def test_what_the_model_is_stands_beside_it(project: Project) -> None:
    about = persist.describe(project.layout.champion)
    assert about is not None
    assert about["version"] == "1"
    assert about["features"] == list(features.NAMES)
    assert about["metrics"][MAIN] > about["baseline"][MAIN]
    assert (project.layout.champion / about["model_file"]).is_file()


def test_a_changed_model_file_is_refused(copied: Layout) -> None:
    about = persist.describe(copied.champion)
    assert about is not None
    path = copied.champion / about["model_file"]
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ProjectError, match="sha256"):
        persist.load_from(copied.champion)


def test_a_copy_takes_the_place_of_a_model_of_the_other_kind(
    project: Project, tmp_path: Path
) -> None:
    for old in (persist.ONNX, persist.SKOPS):
        (tmp_path / old).write_bytes(b"old")
    persist.copy(project.layout.champion, tmp_path)
    assert persist.describe(tmp_path) == persist.describe(project.layout.champion)
    assert len(list(tmp_path.iterdir())) == 2
    persist.load_from(tmp_path)


def test_no_champion_is_an_error_that_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as error:
        persist.load_from(tmp_path)
    assert "make train" in error.value.do
