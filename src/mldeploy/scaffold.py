"""The runbook of `mldeploy new`: render, git init, lock, install, first commit."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mldeploy import own_table
from mldeploy.config import FILE_NAME
from mldeploy.environment import lend_kept_bytecode
from mldeploy.errors import ConfigError, FailedError, Interrupted, MldeployError
from mldeploy.installation import by_hand, install
from mldeploy.own_table import OwnTable, Proposal
from mldeploy.programs import ProgramError, run, shown
from mldeploy.project import find
from mldeploy.ui import Ui
from mldeploy.who import user

LOCK_SECONDS = 300
KEPT = (".git", ".venv", "uv.lock")  # when a project is rendered again before its first commit


@dataclass(frozen=True)
class Source:
    """Where the template comes from: a git address or folder, and the ref to take of it."""

    address: str
    ref: str | None
    is_checkout: bool = False


@dataclass(frozen=True)
class Created:
    path: Path
    package: str
    commit: str
    source: Source
    proposal: Proposal | None = None  # of the user's own table


def new(
    path: Path,
    answers: Mapping[str, Any],
    source: Source,
    *,
    ask: bool,
    ui: Ui,
    table: OwnTable | None = None,
) -> Created:
    """Make a project at ``path`` that trains and serves as it is; from ``table``, if there is one.

    Raises :class:`ConfigError` before anything is written, or an error that says what is there
    already and with which commands it goes on.
    """
    path = path.expanduser().resolve()
    _check_place(path)
    _check_git()
    if table is not None:
        own_table.check(table)
        answers = {**answers, "data_source": "csv", "task": own_table.DEFAULT_TASK}
    _warn_of_uncommitted(source, ui)
    steps = Steps(path, table)
    proposal = None
    try:
        steps.at("render")
        rendered = _render(path, answers, source, ask=ask, ui=ui)
        steps.package = rendered
        steps.at("git")
        with ui.step("git init"):
            ui.explain("git init", "every model will name the commit that it was trained from")
            _git_init(path)
        steps.at("lock")
        with ui.step("lock the dependencies") as step:
            ui.explain("uv lock", "one file pins every version for laptop, CI and image alike")
            run(["uv", "lock", "--quiet"], cwd=path, timeout=LOCK_SECONDS, env=_interpreter())
            step.say(f"{_locked_packages(path)} packages in uv.lock")
        steps.at("install")
        with ui.step("install them into .venv") as step:
            install(path, ui, env=_interpreter())
            with suppress(MldeployError):  # another template may have no `serve` group
                lent = lend_kept_bytecode(find(path))
                step.say(
                    f"{lent} files of bytecode taken over from an earlier project" * bool(lent)
                )
        if table is not None:
            steps.at("inspect")
            proposal = _take_in(path, rendered, table, source, ui)
        steps.at("commit")
        with ui.step("first commit") as step:
            ui.explain("git add --all && git commit", "a clean start: from here `git diff` is you")
            commit = _first_commit(path)
            step.say(commit[:7])
    except (MldeployError, KeyboardInterrupt) as error:
        raise steps.interrupted(error) from error
    return Created(path, rendered, commit, source, proposal)


def source_of(template: str | None, ref: str | None) -> Source:
    """The template to render: as asked, else our own checkout, else the published repository.

    A copy inside a wheel is never used: Copier could not update a project made from it.
    """
    if template is not None:
        local = Path(template).expanduser()
        # Copier stores the address as it is given, and a relative one breaks every later update.
        return Source(str(local.resolve()) if local.exists() else template, ref)
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "copier.yml").is_file() and (checkout / ".git").exists():
        return Source(str(checkout), ref or "HEAD", is_checkout=True)
    metadata = importlib.metadata.metadata("mldeploy")
    urls = dict(line.split(", ", 1) for line in metadata.get_all("Project-URL") or [])
    version = importlib.metadata.version("mldeploy")
    return Source(f"git+{urls['Repository']}.git", ref or f"v{version}")


class Steps:
    """How far `new` came, and how to go on from there by hand."""

    def __init__(self, path: Path, table: OwnTable | None = None) -> None:
        self.path = path
        self.now = "render"
        self.package = path.name
        self.remaining = {"git": ["git init"], "lock": ["uv lock"], "install": ["uv sync"]}
        if table is not None:
            look = ["inspect", table.place, "--target", table.target, "--write"]
            self.remaining["inspect"] = [shown(["uv", "run", "python", "-m", "PACKAGE", *look])]
        self.remaining["commit"] = ["git add --all", 'git commit -m "Start"']

    def at(self, step: str) -> None:
        self.now = step

    def interrupted(self, error: BaseException) -> BaseException:
        """The same error, saying what is there and how to go on; Ctrl+C stays Ctrl+C."""
        if self.now == "render":
            if isinstance(error, KeyboardInterrupt):
                return Interrupted("Nothing was created.")
            return error
        self.remaining["install"] = [by_hand(self.path)]
        order = list(self.remaining)
        todo = [c for step in order[order.index(self.now) :] for c in self.remaining[step]]
        go_on = f"cd {self.path} && {' && '.join(todo)}".replace("PACKAGE", self.package)
        missing = ", ".join(order[order.index(self.now) :])
        there = f"The project's files are in {self.path}; not done: {missing}."
        if isinstance(error, KeyboardInterrupt):
            return Interrupted(f"{there} To go on: {go_on}")
        assert isinstance(error, MldeployError)  # noqa: S101 - the two that `new` catches
        if error.code == "table-refused":  # what to do about the table comes first
            there, go_on = f"{error.what} {there}", f"{error.do}; then, so corrected: {go_on}"
        return FailedError(
            "new-unfinished",
            what=f"The project was made, but the step `{self.now}` failed.",
            why=f"{error.why} {there}",
            do=go_on,
            detail=error.detail,
        )


def _check_place(path: Path) -> None:
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ConfigError(
            "not-empty",
            what=f"{path} is there already.",
            why="A new project needs a folder that is empty or doesn't exist; nothing was touched.",
            do=f"mldeploy new {path.name}-2     (or move {path.name} away)",
        )
    parent = next(p for p in path.parents if p.exists())
    if not os.access(parent, os.W_OK):
        raise ConfigError(
            "unwritable",
            what=f"{path} can't be made.",
            why=f"You have no permission to write in {parent}.",
            do=f"mldeploy new ~/{path.name}",
        )


def _check_git() -> None:
    try:
        run(["git", "--version"], cwd=Path.cwd(), timeout=30)
    except ProgramError as error:
        raise FailedError(
            "no-git",
            what="git is not installed.",
            why="A project starts with a first commit, and every model names the one it came from.",
            do="install git (https://git-scm.com/downloads), then run this again",
        ) from error


def _warn_of_uncommitted(source: Source, ui: Ui) -> None:
    if not source.is_checkout:
        return
    changes = run(
        ["git", "status", "--porcelain", "--", "copier.yml", "template"],
        cwd=Path(source.address),
        timeout=60,
    )
    if changes.strip():
        ui.note("the template has uncommitted changes: a project made now can't be updated later")


def _render(path: Path, answers: Mapping[str, Any], source: Source, *, ask: bool, ui: Ui) -> str:
    ui.explain(
        f"copier copy {source.address} {path}",
        "Copier asks, renders the files, and remembers the answers for later updates",
    )
    if not ask:
        ui.note("render the template …")
    package = _copy(path, answers, source, ask=ask)
    if not (path / FILE_NAME).is_file():
        shutil.rmtree(path, ignore_errors=True)  # it was empty, or not there, before we began
        raise _not_rendered(LookupError(f"It makes no {FILE_NAME}."), source)
    return package


def _copy(path: Path, answers: Mapping[str, Any], source: Source, *, ask: bool) -> str:
    """Render, and return the package's name."""
    import warnings

    import copier
    from copier.errors import CopierError

    try:
        with warnings.catch_warnings():
            # A checkout with changes: said already, in our words.
            warnings.simplefilter("ignore")
            worker = copier.run_copy(
                source.address,
                path,
                data=dict(answers),
                defaults=not ask,
                overwrite=True,
                vcs_ref=source.ref,
                quiet=True,
                unsafe=False,
            )
    except KeyboardInterrupt:
        raise
    except (CopierError, ValueError) as error:
        raise _not_rendered(error, source) from error
    except Exception as error:
        if type(error).__module__.startswith("plumbum"):
            raise _not_rendered(error, source) from error
        raise
    return str(worker.answers.combined.get("package_name", path.name))


def _take_in(path: Path, package: str, table: OwnTable, source: Source, ui: Ui) -> Proposal:
    """Let the project look at the table; render it anew, if the answer is of another kind."""
    command = f"python -m {package} inspect {table.file} --target {table.target}"
    with ui.step(f"look at {table.name}") as step:
        ui.explain(command, "columns, what is odd in them, and what kind of answer it is")
        found = own_table.look(path, package, table, write=False)
        step.say(f"{found.rows:,} rows; {table.target} is a question of {found.task}")
    if found.task != own_table.DEFAULT_TASK:
        ui.explain(f"copier copy --data task={found.task}", "metrics and plots for such answers")
        _render_again(path, source, {"task": found.task})
    with ui.step("write rows.py and params.toml") as step:
        ui.explain(f"{command} --write", "what a row is, for you to read and correct")
        found = own_table.look(path, package, table, write=True)
        roles = [
            f"{role} {name}"
            for role, name in (("group", found.group), ("time", found.time))
            if name
        ]
        step.say(f"{found.features} columns to learn from" + "".join(f", {role}" for role in roles))
    return found


def _render_again(path: Path, source: Source, changed: Mapping[str, Any]) -> None:
    """The same project with other answers, before its first commit: nothing in it is yours yet."""
    import yaml  # Copier's own dependency

    told = yaml.safe_load((path / ".copier-answers.yml").read_text(encoding="utf-8"))
    answers = {key: value for key, value in told.items() if not key.startswith("_")}
    for file in path.iterdir():
        if file.name in KEPT:
            continue
        if file.is_dir():
            shutil.rmtree(file)
        else:
            file.unlink()
    _copy(path, {**answers, **changed}, source, ask=False)


def _not_rendered(error: Exception, source: Source) -> MldeployError:
    said = str(error).strip().splitlines()
    if isinstance(error, ValueError) and (
        "Validation error" in str(error) or "choice" in str(error)
    ):
        return ConfigError(
            "bad-answer",
            what="The template refused an answer.",
            why=said[0] if said else type(error).__name__,
            do="mldeploy new PATH     (without --defaults it asks, and says what is allowed)",
        )
    return FailedError(
        "template-unusable",
        what="The template could not be rendered.",
        why=f"{source.address} at {source.ref or 'its latest tag'}: {(said or [repr(error)])[-1]}",
        do="mldeploy new PATH --template A_FOLDER_OR_GIT_ADDRESS [--ref A_TAG]",
        detail="\n".join(said[:8]),
    )


def _git_init(path: Path) -> None:
    run(["git", "init", "--quiet", "--initial-branch=main"], cwd=path, timeout=60)


def _first_commit(path: Path) -> str:
    run(["git", "add", "--all"], cwd=path, timeout=120)
    run(
        [
            "git",
            *_identity(path),
            "commit",
            "--quiet",
            "--no-verify",
            "-m",
            "Start from the mldeploy template",
        ],
        cwd=path,
        timeout=120,
    )
    return run(["git", "rev-parse", "HEAD"], cwd=path, timeout=30).strip()


def _identity(path: Path) -> list[str]:
    """Somebody who never used git has no name in it; the first commit must not fail for that."""
    try:
        run(["git", "config", "user.email"], cwd=path, timeout=30)
    except ProgramError:
        return ["-c", f"user.name={user()}", "-c", "user.email=you@example.invalid"]
    return []


def _interpreter() -> dict[str, str]:
    """The Python that runs us is one that is there; uv must not download another."""
    base = Path(sys.base_prefix) / ("python.exe" if os.name == "nt" else "bin/python3")
    return {"UV_PYTHON": str(base)} if base.exists() else {}


def _locked_packages(path: Path) -> int:
    return (path / "uv.lock").read_text(encoding="utf-8").count("[[package]]")
