"""What installs a project: its lock, and what the lock cannot hold."""

from __future__ import annotations

from pathlib import Path

from mldeploy.installation import UNLOCKED, by_hand


def test_a_lock_is_installed_by_one_command(tmp_path: Path) -> None:
    assert by_hand(tmp_path) == "uv sync"


def test_what_no_lock_holds_comes_after_it_into_the_projects_environment(tmp_path: Path) -> None:
    (tmp_path / UNLOCKED).write_text("torch==2.13.0\n")
    assert by_hand(tmp_path) == (
        "uv sync && uv pip install --python .venv -r requirements-unlocked.txt"
    )
