"""The champion of the last time is used again only while nothing about it has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mldeploy import champion

MODEL = "docs@champion"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose registry was asked once."""
    for name in champion.ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "mlflow.db").write_bytes(b"runs and versions")
    (tmp_path / ".mldeploy").mkdir()
    serving = tmp_path / "mlruns/abc/artifacts/serving"
    serving.mkdir(parents=True)
    (serving / "model.onnx").write_bytes(b"weights")
    remember(tmp_path)
    return tmp_path


def remember(root: Path, **changed: object) -> None:
    before = champion.fingerprint(root, {})
    folder = str(root / "mlruns/abc/artifacts/serving")
    found = {"version": "3", "run_id": "abc", "metrics": {"roc_auc": 0.7}, "folder": folder}
    champion.remember(root, root / ".mldeploy", MODEL, before, found | changed)


def known(root: Path, model: str = MODEL) -> champion.Champion | None:
    return champion.known(root, root / ".mldeploy", model, None)


def test_an_unchanged_registry_is_not_asked_again_and_the_files_are_the_runs(root: Path) -> None:
    into = root / "here"

    found = champion.known(root, root / ".mldeploy", MODEL, into)

    assert found == champion.Champion("3", "abc", {"roc_auc": 0.7})
    assert (into / "model.onnx").read_bytes() == b"weights"


def test_a_new_run_or_version_is_asked_for(root: Path) -> None:
    (root / "mlflow.db").write_bytes(b"runs and versions, and one more")
    assert known(root) is None


def test_another_alias_is_asked_for(root: Path) -> None:
    assert known(root, "docs@staging") is None


def test_files_that_were_touched_are_asked_for(root: Path) -> None:
    (root / "mlruns/abc/artifacts/serving/model.onnx").write_bytes(b"other weights")
    assert known(root) is None


def test_a_registry_that_is_being_written_is_asked(root: Path) -> None:
    (root / "mlflow.db-journal").write_bytes(b"half a change")
    assert known(root) is None


@pytest.mark.parametrize("name", champion.ELSEWHERE)
def test_a_registry_elsewhere_is_always_asked(
    root: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "https://mlflow.example.org")
    assert known(root) is None


def test_a_registry_that_changed_while_it_was_asked_is_not_remembered(root: Path) -> None:
    before = champion.fingerprint(root, {})
    (root / "mlflow.db").write_bytes(b"changed meanwhile")
    found = {"version": "4", "run_id": "x", "metrics": {}, "folder": str(root / "mlruns")}

    champion.remember(root, root / ".mldeploy", MODEL, before, found)

    assert known(root) is None


def test_artifacts_elsewhere_are_not_remembered(root: Path) -> None:
    remember(root, folder=None)
    assert known(root) is None


def test_a_damaged_note_is_no_note(root: Path) -> None:
    (root / ".mldeploy/champion.json").write_text("{")
    assert known(root) is None
