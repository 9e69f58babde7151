"""The runbook of `mldeploy update`: a later version of the template, merged into the project."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mldeploy.errors import ConfigError, FailedError, Interrupted, MldeployError
from mldeploy.installation import UNLOCKED, by_hand, install
from mldeploy.origin import ANSWERS, Origin, commit_to_take, is_at, origin_of
from mldeploy.programs import ProgramError, run
from mldeploy.project import root_of
from mldeploy.scaffold import LOCK_SECONDS
from mldeploy.ui import Ui
from mldeploy.worktree import Difference, Tree, is_unmerged, status

DECISIVE = {"pyproject.toml", UNLOCKED}  # of what is installed


@dataclass(frozen=True)
class Updated:
    """What an update did. ``undo`` is the command that takes all of it back."""

    template: str
    old: str
    new: str
    files: Difference
    locked: bool = False
    undo: str = ""
    relock: str = ""  # the commands for that, where a conflict stands before it


def update(directory: Path, ref: str | None, answers: Mapping[str, str], ui: Ui) -> Updated:
    """Merge the template at ``ref`` into the project that ``directory`` lies in.

    ``ref`` None means the newest: a checkout's HEAD, else the latest tag. ``answers`` replace those
    that the project was made with. A refusal, an error and Ctrl+C leave the project as it was.
    """
    root = root_of(directory)  # mldeploy.toml is not read: the update may be what mends it
    _check_git(root)
    origin = origin_of(root)
    _check_clean(root)
    commit = commit_to_take(origin, ref, root, ui)
    if is_at(origin, commit) and not answers:
        return Updated(origin.template, origin.version, origin.version, Difference())
    tree = Tree(root)
    try:
        with ui.step("merge the new version") as step:
            _merge(root, commit, answers, ui)
            _check_answers_were_asked(root, answers)
            new = origin_of(root).version
            step.say(new if new == origin.version else f"{origin.version} → {new}")
        files = tree.difference()
    except BaseException as error:
        _put_back(tree, error)
        raise _explained(error, origin, ref, answers) from error
    locked = _lock(tree, files, ui)
    again = by_hand(root)
    undo = tree.undo() + (f" && {again}" if locked else "")
    waits = DECISIVE & {each.path for each in files.conflicts}
    relock = f"uv lock && {again}" if waits else ""
    return Updated(
        origin.template, origin.version, new, files, locked, undo if files else "", relock
    )


def _check_git(root: Path) -> None:
    if shutil.which("git") is None:
        raise FailedError(
            "no-git",
            what="git is not installed.",
            why="An update is a merge: git holds your version and tells what changed.",
            do="install git (https://git-scm.com/downloads), then run this again",
        )
    try:
        run(["git", "rev-parse", "--verify", "HEAD"], cwd=root, timeout=30)
    except ProgramError as error:
        raise FailedError(
            "not-in-git",
            what="This project has no git commit.",
            why="An update changes many files; without a commit it could not be taken back.",
            do='git init && git add --all && git commit -m "Start"',
        ) from error


def _check_clean(root: Path) -> None:
    listed = status(root)
    if not listed:
        return
    files = [path for _, path in listed]
    named = ", ".join(files[:8]) + (f" and {len(files) - 8} more" if len(files) > 8 else "")
    if ANSWERS in files or any(is_unmerged(mark) for mark, _ in listed):
        raise FailedError(
            "unfinished-update",
            what="The last update is not finished: it was merged, but not committed.",
            why=f"Another one would be mixed with it. Not committed: {named}.",
            do='git diff, mend what is left, then: git add --all && git commit -m "Update"',
        )
    raise FailedError(
        "dirty-tree",
        what="This project has changes that are not committed.",
        why=f"The update would be mixed with them, and could not be taken back: {named}.",
        do='git add --all && git commit -m "Before the update"'
        "     (or put them aside: git stash --include-untracked)",
    )


def _merge(root: Path, commit: str, answers: Mapping[str, str], ui: Ui) -> None:
    import warnings

    import copier

    data = "".join(f" --data {key}={value}" for key, value in answers.items())
    ui.explain(
        f"copier update --defaults --vcs-ref {commit[:12]}{data}",
        "Copier renders the old and the new version, and puts your changes onto the new one",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the template's folder; what matters we said
        copier.run_update(
            root,
            data=dict(answers),
            vcs_ref=commit,
            defaults=True,
            overwrite=True,  # the tree is clean: git has what is overwritten
            conflict="inline",
            quiet=True,
            unsafe=False,
        )


def _check_answers_were_asked(root: Path, answers: Mapping[str, str]) -> None:
    """Copier takes any key in silence; a mistyped one would change nothing."""
    import difflib

    import yaml

    known = yaml.safe_load((root / ANSWERS).read_text(encoding="utf-8"))
    asked = [key for key in known if not key.startswith("_")]
    for key in answers:
        if key not in asked:
            close = difflib.get_close_matches(key, asked, n=1)
            raise ConfigError(
                "no-such-question",
                what=f"The template asks no question {key!r}; nothing was changed.",
                why=f"With the answers of this project it asks {', '.join(asked)}.",
                do=f"mldeploy update --set {close[0] if close else 'KEY'}=VALUE",
            )


def _lock(tree: Tree, files: Difference, ui: Ui) -> bool:
    """Let lock and environment follow pyproject.toml, as `new` does. True if they did."""
    root = tree.root
    if not DECISIVE & set(files.changed) or not (root / "uv.lock").exists():
        return False
    try:
        with ui.step("lock the dependencies"):
            ui.explain("uv lock", "pyproject.toml has changed, and the lock follows it")
            run(["uv", "lock", "--quiet"], cwd=root, timeout=LOCK_SECONDS)
        if (root / ".venv").exists():
            with ui.step("install them into .venv"):
                install(root, ui)
    except (MldeployError, KeyboardInterrupt) as error:
        raise _not_locked(error, root, tree.undo()) from error
    return True


def _not_locked(error: MldeployError | KeyboardInterrupt, root: Path, undo: str) -> BaseException:
    there = "The template's changes are merged; not done: uv lock, uv sync."
    go_on, undo = f"uv lock && {by_hand(root)}", f"{undo} && {by_hand(root)}"
    if isinstance(error, KeyboardInterrupt):
        return Interrupted(f"{there} To go on: {go_on}. To take it back: {undo}")
    return FailedError(
        "update-unfinished",
        what="The update was merged, but the dependencies could not be locked and installed.",
        why=f"{error.why} {there}",
        do=f"{go_on}     (or take it back: {undo})",
        detail=error.detail,
    )


def _put_back(tree: Tree, error: BaseException) -> None:
    """Bring back what was there before; raises if that did not work either."""
    by_hand = "git restore --source=HEAD --staged --worktree -- . && git status"
    try:
        tree.put_back()
    except KeyboardInterrupt as again:
        raise Interrupted(f"The update is half done. To take it back: {by_hand}") from again
    except MldeployError as failure:
        raise FailedError(
            "update-half-done",
            what="The update stopped half-way, and could not be taken back.",
            why=f"{type(error).__name__}: {error}; then: {failure.why}",
            do=by_hand,
            detail=failure.detail,
        ) from error


def _explained(
    error: BaseException, origin: Origin, ref: str | None, answers: Mapping[str, str]
) -> BaseException:
    """The same error in our three parts; what is neither ours nor Copier's stays what it is."""
    if isinstance(error, KeyboardInterrupt):
        return Interrupted("The project is as it was before the update.")
    from copier.errors import CopierError, UnsafeTemplateError, UnsupportedVersionError

    programs = type(error).__module__.startswith(("plumbum", "jinja2"))
    if isinstance(error, MldeployError) or not (
        programs or isinstance(error, (CopierError, ValueError))
    ):
        return error
    said = str(error).strip().splitlines() or [type(error).__name__]
    question = re.search(r"(?:question|choice for) ['\"](\w+)['\"]", said[0], re.IGNORECASE)
    # Python's own complaint, as of int("many"), does not say which of the answers it is about.
    refused = question[1] if question else " or ".join(answers)
    if isinstance(error, ValueError) and refused:
        return ConfigError(
            "bad-answer",
            what=f"The template refused the answer to {refused}; nothing was changed.",
            why=" ".join(line.strip() for line in said),
            do=f"mldeploy update --set {refused.partition(' ')[0]}=VALUE",
        )
    if isinstance(error, UnsafeTemplateError):
        return FailedError(
            "template-untrusted",
            what="The new version wants to run code of its own; nothing was changed.",
            why=f"{said[0]} mldeploy never runs code of a template.",
            do="read its copier.yml; if you trust it: copier update --trust",
        )
    if isinstance(error, UnsupportedVersionError):
        return FailedError(
            "copier-too-old",
            what="The new version needs a newer mldeploy; nothing was changed.",
            why=said[-1],
            do="uv tool upgrade mldeploy     (or: pip install --upgrade mldeploy)",
        )
    if "downgrading" in said[0]:
        return ConfigError(
            "older-version",
            what="That version of the template is the older one; nothing was changed.",
            why=f"The project is at {origin.version}; an update only goes forward.",
            do="mldeploy update     (the newest; to go back: git log, then git revert)",
        )
    return FailedError(
        "update-failed",
        what="The template could not be merged; nothing was changed.",
        why=f"{origin.template} at {ref or 'its newest version'}: {said[-1].strip(' |')}",
        do="mldeploy update --ref TAG     (another version of the template)",
        detail="\n".join(said[:8]),
    )
