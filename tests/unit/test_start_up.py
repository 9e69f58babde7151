"""`mldeploy --help` and `status` stay quick because they import little; this keeps it so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SETTINGS

HEAVY = {
    "bentoml", "boto3", "copier", "docker", "filelock", "http.client", "jinja2", "mlflow", "numpy",
    "pandas", "plumbum", "pydantic", "rich", "sklearn", "urllib.request", "yaml",
}  # fmt: skip


def modules_after(words: list[str], cwd: Path) -> set[str]:
    """What a clean interpreter has imported after it ran the command."""
    script = (
        "import sys, json\n"
        "from mldeploy.cli.main import run\n"
        f"code = run({words!r})\n"
        "sys.stderr.write(json.dumps([code, sorted(sys.modules)]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=cwd, capture_output=True, text=True, timeout=60
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return set(modules)


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["up", "--help"], ["new", "--help"]])
def test_help_imports_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    modules = modules_after(words, tmp_path)

    assert modules & (HEAVY | {"psutil"}) == set()


def test_help_reads_no_configuration_and_no_runbook(tmp_path: Path) -> None:
    modules = modules_after(["--help"], tmp_path)

    assert {m for m in modules if m.startswith("mldeploy")} == {
        "mldeploy", "mldeploy.cli", "mldeploy.cli.main", "mldeploy.errors",
    }  # fmt: skip


def test_status_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "mldeploy.toml").write_text(SETTINGS)

    modules = modules_after(["status"], tmp_path)

    assert modules & (HEAVY | {"psutil"}) == set()
