"""A job on this machine without Docker: an environment of just what its code was locked with."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from mldeploy.environment import lend_bytecode, python_of
from mldeploy.errors import FailedError
from mldeploy.images.ingredients import python_version
from mldeploy.jobs import installed
from mldeploy.jobs.requirements import Requirements, Wishes, interpreter_of, read, short
from mldeploy.programs import ProgramError, run, uv
from mldeploy.project import Project
from mldeploy.ui import Ui

FOLDER = "job-envs"  # apart from those of releases, which a `prune` removes by the releases
KEPT = 5
# Without it a command's `pip` would be another one of the PATH, and change somebody's Python.
NO_PIP = """\
#!/bin/sh
if [ "$1" != install ] && [ "$1" != uninstall ]; then exec uv pip "$@"; fi
echo "pip: jobs on this machine share their environment, which stays as it is." >&2
echo "  do: add the package to the project (uv add NAME), or mldeploy run --on docker" >&2
exit 1
"""
INSTALL_SECONDS = 1800


def ensure(project: Project, code: Path, wishes: Wishes | None, ui: Ui) -> Path:
    """The interpreter for the code in the folder ``code``; made unless it is there already.

    Environments are shared by jobs that agree in what is installed, and never changed. They are in
    the project's state; beyond the newest five they go. Raises :class:`MldeployError`.
    """
    own = interpreter_of(project)
    needs = read(code, wishes, own)
    same = own is not None and short(python_version(own)) == needs.python
    wanted = str(own) if same else needs.python
    place = project.state / FOLDER / key_of(needs, wanted)
    if place.exists():
        place.touch()  # the newest are kept
        return python_of(place)
    project.make_state()
    with ui.step("environment of the job") as step:
        ui.explain(
            f"uv venv {place.name} && uv pip install --python {place.name} -r requirements.txt",
            "only what the job's code names: what runs here also runs on another machine",
        )
        _make(place, needs, wanted, own if same else None)
        step.say("made from what the code names")
    _forget_old(place.parent)
    return python_of(place)


def settings(interpreter: Path, code: Path) -> dict[str, str]:
    """Variables with which `make`, `uv run` and `python` in ``code`` use that environment as it is.

    They are to be laid over the ones of this machine; ``PATH`` is whole.
    """
    path = [str(interpreter.parent), str(uv().parent), os.environ.get("PATH", os.defpath)]
    return {
        "PATH": os.pathsep.join(path),
        "PYTHONPATH": os.pathsep.join([str(code / "src"), str(code)]),
        "VIRTUAL_ENV": str(interpreter.parent.parent),
        "UV_PROJECT_ENVIRONMENT": str(interpreter.parent.parent),
        "UV_NO_SYNC": "1",
        "UV_PYTHON_DOWNLOADS": "never",
    }


def key_of(needs: Requirements, interpreter: str) -> str:
    """Names the environment: the same packages, the same project's commands, the same Python."""
    return hashlib.sha256(f"{interpreter}\n{needs}\n{NO_PIP}".encode()).hexdigest()[:12]


def _make(place: Path, needs: Requirements, interpreter: str, donor: Path | None) -> None:
    """Whole or not at all, also beside another job that is at it."""
    unfinished = place.with_suffix(f".{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        _install(unfinished, needs, interpreter)
        _know(unfinished, needs, python_of(place))
        _keep_from_pip(unfinished)
        if donor:
            lend_bytecode(donor.parent.parent, unfinished)
        with suppress(OSError):  # the other one was first
            unfinished.rename(place)
    except ProgramError as error:
        raise FailedError(
            "environment-failed",
            what="The environment of the job could not be installed.",
            why=error.why,
            do=error.do if error.code == "disk-full" else "check the network, then the same again",
            detail=error.detail,
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _install(place: Path, needs: Requirements, interpreter: str) -> None:
    """``--relocatable``: it is moved afterwards."""
    venv = ["uv", "venv", "--quiet", "--relocatable", "--allow-existing", "--python", interpreter]
    run([*venv, str(place)], cwd=place, timeout=300)
    torch = ["--torch-backend", needs.torch] if needs.torch else []
    for text, how in (
        (needs.locked, ["--require-hashes", "--no-deps"]),
        (needs.unlocked, torch),
    ):
        if text:
            listing = place / "requirements.txt"
            listing.write_text(text, encoding="utf-8")
            install = ["uv", "pip", "install", "--quiet", "--python", str(python_of(place))]
            run([*install, *how, "-r", str(listing)], cwd=place, timeout=INSTALL_SECONDS)


def _know(place: Path, needs: Requirements, interpreter: Path) -> None:
    """The project's name and its commands."""
    (packages,) = place.glob("lib/python*/site-packages")
    for file in installed.as_files(needs.package, str(interpreter)):
        to = place / file.name if file.executable else packages / file.name
        to.parent.mkdir(exist_ok=True)
        to.write_bytes(file.content)
        to.chmod(0o755 if file.executable else 0o644)


def _keep_from_pip(place: Path) -> None:
    for name in ("pip", "pip3"):
        (place / "bin" / name).write_text(NO_PIP, encoding="utf-8")
        (place / "bin" / name).chmod(0o755)


def _forget_old(folder: Path) -> None:
    made = sorted(folder.iterdir(), key=lambda each: each.stat().st_mtime)
    for old in made[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
