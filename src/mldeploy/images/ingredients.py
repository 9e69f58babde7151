"""Collect what the images of a release are made of, from its folder and the project's."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from mldeploy.build import MODEL_FOLDER, SCRIPTS, releases_folder
from mldeploy.errors import FailedError
from mldeploy.images.recipe import INDEX_ARGUMENTS, File, Ingredients, base_for
from mldeploy.project import Project
from mldeploy.release import Release

INSTALLER = Path(__file__).parent / "uv.txt"
SERVER_SCRIPTS = ("server.py", "serve_replica.py", "ask.py")


def collect(
    project: Project,
    target: str,
    base: str | None,
    release: Release,
    owner: Mapping[str, str] | None = None,
) -> Ingredients:
    """What the images of a release that lies in this project's folder are made of.

    ``base`` is the image that the target names, if it does. Raises :class:`FailedError` when the
    release's folder is not there.
    """
    folder = releases_folder(project) / release.name
    bento = folder / "bento"
    if not bento.is_dir():
        raise FailedError(
            "release-gone",
            what=f"The files of release {release.name} are not here.",
            why=f"There is no {bento}.",
            do=f"mldeploy up {target}     (builds the release of the project as it is)",
        )
    model = bento / "src" / MODEL_FOLDER
    # In images of their own; and BentoML's Dockerfile, and its copy of the lock: half of what a
    # change of code would send to another machine.
    elsewhere = (model, bento / "env", bento / "src" / "requirements.txt")
    code = [p for p in _files(bento) if not any(map(p.is_relative_to, elsewhere))]
    return Ingredients(
        release=release,
        project=project.config.project.name,
        target=target,
        base=base_for(python_version(project.python()), base),
        requirements=(folder / "requirements.txt").read_text(encoding="utf-8"),
        installer=INSTALLER.read_text(encoding="utf-8"),
        model=tuple(_file(path.relative_to(model), path, named=True) for path in _files(model)),
        code=(
            *(_file(Path("bento", path.relative_to(bento)), path) for path in code),
            _file(Path("golden.json"), folder / "golden.json"),
            File("release.json", (json.dumps(release.as_dict(), indent=2) + "\n").encode()),
            *(_file(Path("server", name), SCRIPTS / name, named=True) for name in SERVER_SCRIPTS),
        ),
        owner=owner or {},
        private_index=any(os.environ.get(name) for name in INDEX_ARGUMENTS),
    )


def python_version(interpreter: Path) -> str:
    """The version of an environment's Python, from its note: asking it would take longer."""
    note = interpreter.parent.parent / "pyvenv.cfg"
    for line in note.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name.strip() in ("version", "version_info"):  # venv and uv; virtualenv has the latter
            return value.strip()
    raise FailedError(
        "no-python-version",
        what="It can't be told which Python the project has.",
        why=f"{note} names no version.",
        do="rm -r .venv && make setup     (or: name an image as `base` of the target)",
    )


def _files(folder: Path) -> list[Path]:
    """All files below, but for the bytecode that this machine's Python has left."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(path for path in found if path.parent.name != "__pycache__")


def _file(name: Path, path: Path, *, named: bool = False) -> File:
    """``named``: its content is part of an image's name."""
    if not named:
        return File(name.as_posix(), path)
    with path.open("rb") as file:
        return File(name.as_posix(), path, hashlib.file_digest(file, "sha256").hexdigest())
