"""Renders the template as a user gets it: from a tagged git repository, without trust."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import copier
import pytest

ROOT = Path(__file__).parents[2]

# Everything that a name can do to a file: a space, an accent, both quotes, a backslash.
AWKWARD = {
    "project_name": 'Zoé\'s "Docs" \\o/',
    "description": 'Says "oui" or "non": \\d+ of ünicode 🦉 and {braces}',
    "author": 'Zoé O\'Brien "ZO" \\',
}

Render = Callable[..., Path]


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="session", autouse=True)
def own_git(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The tests neither read nor need the git configuration of whoever runs them."""
    path = tmp_path_factory.mktemp("git") / "config"
    path.write_text(
        "[user]\nname = Test\nemail = test@example.invalid\n[init]\ndefaultBranch = main\n"
        "[safe]\ndirectory = *\n[commit]\ngpgsign = false\n"
    )
    os.environ["GIT_CONFIG_GLOBAL"] = str(path)
    os.environ["GIT_CONFIG_SYSTEM"] = os.devnull


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, own_git: None) -> Path:
    """A git repository with the template in it, tagged v1.0.0."""
    folder = tmp_path_factory.mktemp("template")
    shutil.copy(ROOT / "copier.yml", folder)
    shutil.copytree(
        ROOT / "template", folder / "template", ignore=shutil.ignore_patterns("__pycache__")
    )
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Template")
    git(folder, "tag", "v1.0.0")
    return folder


@pytest.fixture(scope="session")
def render(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Render with some answers; the rest are defaults. Gives the project's folder.

    The same answers are rendered once and copied: copier clones the template each time.
    """
    rendered: dict[str, Path] = {}

    def run(folder: Path | None = None, *, anew: bool = False, **answers: Any) -> Path:
        target = folder or tmp_path_factory.mktemp("rendered") / "project"
        key = repr(sorted(answers.items()))
        if key not in rendered or anew:
            first = tmp_path_factory.mktemp("first") / "project"
            copier.run_copy(
                str(template), first, data=answers, defaults=True, unsafe=False, quiet=True
            )
            rendered[key] = first
        return Path(shutil.copytree(rendered[key], target))

    return run


def files_of(project: Path) -> set[str]:
    return {
        path.relative_to(project).as_posix()
        for path in project.rglob("*")
        if path.is_file() and not {".git", ".venv"} & set(path.relative_to(project).parts)
    }
