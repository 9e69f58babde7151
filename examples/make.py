"""Make the examples again: two projects from the template, trained, without their data and models.

    python examples/make.py csv
    python examples/make.py commits --history copier=/path/to/a/clone

It runs where mldeploy is installed, with uv and git. An example is rendered from the template of
this checkout with the answers that it keeps; what is its own (examples/own.toml) is put over it, it
is trained, and its files come back with the new model card. `csv` needs Debian's package lists
(`apt-get update`); `commits` clones what its params.toml names, or takes a clone that is there.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import tempfile
import tomllib
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import copier
import packages
import yaml
from copier.errors import CopierWarning

EXAMPLES = Path(__file__).parent
TEMPLATE = EXAMPLES.parent
CACHES = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
# With the first one in it, the model is the answer: see examples/csv/README.md.
LEFT_OUT = ("installed_kib", "download_bytes")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("example", choices=sorted(_differences()))
    arguments.add_argument("--history", action="append", default=[], metavar="NAME=CLONE")
    arguments.add_argument("--files-only", action="store_true", help="train nothing")
    arguments.add_argument("--work", type=Path, help="a folder to keep; else a temporary one")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        project = (given.work or Path(temporary)) / given.example
        if given.files_only:
            refresh(given.example, project)
            return
        make(given.example, project, dict(each.split("=", 1) for each in given.history))


def make(example: str, project: Path, histories: dict[str, str]) -> None:
    """Render, set up, get the data, train in the folder `project`; then bring the files back."""
    home, own = EXAMPLES / example, _differences()[example]
    render(answers(home), project)
    for name in own:
        if (home / name).is_file():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(home / name, project / name)
    run(project, "git", "init", "--quiet", "--initial-branch=main")
    run(project, "uv", "lock", "--quiet")
    run(project, "uv", "sync", "--quiet")
    command = str(project / ".venv" / "bin" / slug(home))
    if example == "csv":
        prepare_csv(project, command)
    else:
        prepare_commits(project, histories)
    run(project, "git", "add", "--all")
    identity = ["-c", "user.name=Examples", "-c", "user.email=examples@example.org"]
    run(project, "git", *identity, "commit", "--quiet", "--message", f"The example {example}")
    run(project, command, "train")
    bring_back(project, home)


def refresh(example: str, project: Path) -> None:
    """Only the files that are the template's: what is the example's own stays as it is."""
    home, own = EXAMPLES / example, _differences()[example]
    render(answers(home), project)
    for name in files_of(home, own) - files_of(project, own):
        (home / name).unlink()
    for name in files_of(project, own):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(project / name, home / name)


def prepare_csv(project: Path, command: str) -> None:
    """The table of this machine's package lists, looked at and written down by `inspect`."""
    table = project / "data" / "source" / "packages.csv"
    table.parent.mkdir(parents=True, exist_ok=True)
    packages.write(table)
    left_out = [word for column in LEFT_OUT for word in ("--without", column)]
    run(
        project, command, "inspect", str(table), "--target", "installed_log10", *left_out, "--write"
    )


def prepare_commits(project: Path, histories: dict[str, str]) -> None:
    """Put clones that are on this machine where the project would clone to."""
    params = tomllib.loads((project / "params.toml").read_text(encoding="utf-8"))
    for address in params["collect"]["repositories"]:
        name = address.rpartition("/")[2].removesuffix(".git")
        if name in histories:
            place = f"{name}-{hashlib.sha256(address.encode()).hexdigest()[:8]}.git"
            run(project, "git", "clone", "--quiet", "--bare", histories[name], f"data/raw/{place}")


def bring_back(project: Path, home: Path) -> None:
    """What the project keeps in git, its card too; not the lock file, which ages."""
    run(project, "git", "add", "--all")  # the training wrote the card and its pictures
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=project, check=True, capture_output=True, text=True
    )
    kept = answers(project)
    readme = (home / "README.md").read_bytes()
    shutil.rmtree(home)
    for name in tracked.stdout.split("\0")[:-1]:
        if name != "uv.lock":
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(project / name, home / name)
    (home / "README.md").write_bytes(readme)  # it may have been written while this ran
    text = "# The answers that made this example; examples/make.py asks the template again.\n"
    (home / ".copier-answers.yml").write_text(text + yaml.safe_dump(kept), encoding="utf-8")


def render(data: dict[str, Any], folder: Path) -> None:
    """The template of this checkout, as it is now, with the given answers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CopierWarning)  # it is of no tagged version
        copier.run_copy(str(TEMPLATE), folder, data=data, defaults=True, vcs_ref="HEAD", quiet=True)


def answers(home: Path) -> dict[str, Any]:
    """The answers to the template's questions, without where the template was."""
    known = yaml.safe_load((home / ".copier-answers.yml").read_text(encoding="utf-8"))
    return {name: value for name, value in known.items() if not name.startswith("_")}


def files_of(folder: Path, own: Iterable[str]) -> set[str]:
    """The files that must be as the template makes them, by their paths in `folder`."""
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return {
        path.as_posix()
        for path in found
        if not CACHES.intersection(path.parts)
        and not any(path.is_relative_to(name) for name in own)
    }


def slug(home: Path) -> str:
    return str(answers(home)["package_name"]).replace("_", "-")


def run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, timeout=1800)


def _differences() -> dict[str, dict[str, str]]:
    return tomllib.loads((EXAMPLES / "own.toml").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
