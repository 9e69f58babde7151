import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.kernel_ridge import KernelRidge
from sklearn.neighbors import KNeighborsClassifier

from package_size.errors import ProjectError
from package_size.model import persist, skops_file
from package_size.model.forecast import forecast
from package_size.paths import Layout
from package_size.registry import flavour, tracking

MATRIX = np.random.default_rng(1).normal(size=(100, 3))
TRUTH = MATRIX[:, 0] * 10


@pytest.fixture
def unconverted(tmp_path: Path) -> Path:
    """A folder with a model for which there is no ONNX."""
    model = KernelRidge().fit(MATRIX, TRUTH)
    persist.save_to(tmp_path, model, MATRIX, {"version": "1"})
    np.save(tmp_path / "expected.npy", forecast(model, MATRIX))
    return tmp_path


def test_a_model_that_is_not_converted_is_kept_as_it_was_trained(unconverted: Path) -> None:
    forecaster, about = persist.load_from(unconverted)
    assert about["model_file"] == persist.SKOPS
    assert about["onnx_max_difference"] is None
    assert "is not converted" in about["why_not_onnx"]
    np.testing.assert_allclose(forecaster(MATRIX), np.load(unconverted / "expected.npy"), rtol=1e-9)


def test_a_service_without_scikit_learn_says_what_to_add(unconverted: Path) -> None:
    """In a Python where importing it fails, as in an environment made for ONNX."""
    code = textwrap.dedent(
        """
        import sys
        from pathlib import Path

        class Refuse:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {"skops", "sklearn"}:
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        sys.meta_path.insert(0, Refuse())
        from package_size.errors import ProjectError
        from package_size.model import persist

        try:
            persist.load_from(Path(sys.argv[1]))
        except ProjectError as error:
            print(error.what, error.why, error.do)
        """
    )
    arguments = [sys.executable, "-c", code, str(unconverted)]
    said = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    assert "model.skops is not loaded" in said
    assert "No module named 'skops'" in said
    assert "is not converted" in said
    assert "uv add --group serve scikit-learn skops" in said


def test_a_type_that_is_not_on_the_list_is_refused_by_name() -> None:
    model = KNeighborsClassifier(algorithm="kd_tree").fit(np.eye(4), [0, 1, 0, 1])
    with pytest.raises(ProjectError, match="KDTree"):
        skops_file.load(skops_file.dump(model), "a foreign model")


def test_a_class_of_somebody_else_is_refused_by_name() -> None:
    with pytest.raises(ProjectError, match="Counter"):
        skops_file.load(skops.io.dumps(Counter("abc")), "a foreign model")


def test_mlflow_keeps_no_model_that_it_would_have_to_trust(tmp_path: Path) -> None:
    """Said in the training, and not by the first that loads it."""
    model = KNeighborsClassifier(1, algorithm="kd_tree").fit(np.eye(4), [0, 1, 0, 1])
    versions = dict.fromkeys(flavour.LIBRARIES, "1.0")
    with (
        pytest.raises(ProjectError, match=r"does not keep this KNeighborsClassifier[\s\S]*KDTree"),
        tracking.run(Layout(tmp_path)),
    ):
        flavour.log(model, np.eye(4), versions)
