from pathlib import Path

import pytest

from package_size import config, paths
from package_size.errors import ProjectError


def changed(tmp_path: Path, old: str, new: str) -> Path:
    """params.toml with one change."""
    text = paths.here().params.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "params.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_an_unknown_key_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as error:
        config.load(changed(tmp_path, "learning_rate", "learn_rate"))
    assert "model.learn_rate: there is no such parameter" in error.value.why
    assert "did you mean model.learning_rate?" in error.value.why


def test_an_impossible_value_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"split\.holdout_share"):
        config.load(changed(tmp_path, "holdout_share = ", "holdout_share = 1"))


def test_a_broken_file_is_said_to_be_broken(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="not valid TOML"):
        config.load(changed(tmp_path, "[model]", "[model"))


def test_an_environment_variable_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAMS_MODEL__SEED", "77")
    params = config.load(paths.here().params)
    assert params.model.seed == 77
    assert params.model.learning_rate < 1


def test_parameters_cannot_be_changed_by_accident(params: config.Params) -> None:
    with pytest.raises(ValueError, match="frozen"):
        params.model.seed = 5  # type: ignore[misc]
