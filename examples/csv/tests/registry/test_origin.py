from pathlib import Path

import pytest

from package_size.paths import Layout
from package_size.registry import tracking


@pytest.mark.parametrize("dirty", ["", "1"])
def test_a_job_is_told_which_commit_its_code_is(
    dirty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLDEPLOY_COMMIT", "c0ffee")
    monkeypatch.setenv("MLDEPLOY_DIRTY", dirty)

    made = tracking.origin(Layout(tmp_path))

    assert (made["git_commit"], made["git_dirty"]) == ("c0ffee", dirty == "1")


def test_a_folder_without_git_has_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLDEPLOY_COMMIT", raising=False)

    made = tracking.origin(Layout(tmp_path))

    assert (made["git_commit"], made["git_dirty"]) == (None, None)
