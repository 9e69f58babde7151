"""A project whose model is PyTorch's: installed beside the lock, checked, trained, served without.

PyTorch comes from MLDEPLOY_TORCH_FROM, a folder with its wheel for the CPU, or else from the index
that uv knows for it. Where neither has it for this Python there is nothing to test.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.conftest import MLDEPLOY, NO_PYTORCH

from .conftest import ROOT, git
from .projects import on_a_free_port, run, succeed

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(900)]

PIN = (
    ROOT / "template" / "{% if framework == 'torch' %}requirements-unlocked.txt{% endif %}"
).read_text()
FOLDER = os.environ.get("MLDEPLOY_TORCH_FROM", "")
WHEEL = f"torch-*-cp{sys.version_info.major}{sys.version_info.minor}-*.whl"
# With a folder, the project's own setting, which is an index, is not read.
FROM = {"UV_NO_CONFIG": "1", "UV_FIND_LINKS": FOLDER} if FOLDER else {}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made by `mldeploy new --framework torch`, on a port of its own."""
    place = tmp_path_factory.mktemp("torch")
    _skip_without_pytorch(place)
    folder = place / "function-docs"
    words = [str(MLDEPLOY), "new", str(folder), "--framework", "torch", "--defaults"]
    done = subprocess.run(
        words, env=os.environ | FROM, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    on_a_free_port(folder)
    git(folder, "commit", "-q", "-a", "-m", "A port of its own")
    return folder


@pytest.fixture(scope="module")
def trained(project: Path) -> str:
    """What its training printed."""
    return succeed(project, "make", "train")


def _skip_without_pytorch(place: Path) -> None:
    if FOLDER:
        if not list(Path(FOLDER).glob(WHEEL)):
            pytest.skip(f"{NO_PYTORCH}: MLDEPLOY_TORCH_FROM has no {WHEEL}")
        return
    (place / "pin.txt").write_text(PIN)
    uv = find_uv_bin()
    subprocess.run([uv, "venv", "-q", place / "empty"], check=True, timeout=60)
    command = [uv, "pip", "install", "--dry-run", "--torch-backend", "cpu"]
    command += ["--python", str(place / "empty"), "-r", str(place / "pin.txt")]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if found.returncode:
        pytest.skip(f"{NO_PYTORCH}: {found.stderr.strip().splitlines()[-1]}")


def test_pytorch_is_installed_beside_the_lock_and_for_the_cpu(project: Path) -> None:
    lock = tomllib.loads((project / "uv.lock").read_text(encoding="utf-8"))
    locked = {package["name"] for package in lock["package"]}
    assert not {name for name in locked if name.startswith(("torch", "triton", "nvidia-cu"))}
    ask = "import torch; print(torch.__version__, torch.version.cuda)"
    version, cuda = succeed(project, ".venv/bin/python", "-c", ask).split()
    assert f"torch=={version.partition('+')[0]}" in PIN.splitlines()
    assert cuda == "None"
    [installed] = project.glob(".venv/lib/python*/site-packages")
    assert not [name for name in ("nvidia", "triton") if (installed / name).exists()]


def test_it_passes_its_own_checks_untouched(project: Path) -> None:
    succeed(project, "make", "lint")
    succeed(project, ".venv/bin/pytest", "-q")


def test_it_trains_honestly_and_promotes(project: Path, trained: str) -> None:
    assert "passed:" in trained
    assert "LOOK" not in trained
    assert "is the first champion" in trained
    assert (project / "models/champion/model.onnx").is_file()
    assert "as good as the champion" in succeed(project, "make", "train")


def test_its_service_runs_without_pytorch_and_scikit_learn(project: Path, trained: str) -> None:
    words = [str(MLDEPLOY), "-C", str(project)]
    succeed(project, *words, "up")
    try:
        assert "answer" in succeed(project, *words, "--json", "predict")
    finally:
        succeed(project, *words, "down", "--yes")
    [served] = project.glob(".mldeploy/envs/*/lib/python*/site-packages")
    assert (served / "onnxruntime").is_dir()
    assert not [name for name in ("torch", "onnx", "sklearn", "scipy") if (served / name).exists()]


def test_after_uv_sync_alone_make_setup_is_named_and_mends_it(project: Path) -> None:
    succeed(project, find_uv_bin(), "sync", "--quiet")
    done = run(project, "make", "train")
    assert done.returncode != 0
    assert "PyTorch is not installed" in done.stderr
    assert "make setup" in done.stderr
    assert "Traceback" not in done.stderr
    succeed(project, "make", "setup", **FROM)
    succeed(project, ".venv/bin/python", "-c", "import torch")
