"""`update` and `check`: keeping a project good."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mldeploy.check.items import GROUPS
from mldeploy.cli.main import Verb
from mldeploy.cli.shared import flags, voice
from mldeploy.errors import ConfigError

if TYPE_CHECKING:
    from mldeploy.check.items import Result
    from mldeploy.update import Updated

AT_MOST = 12  # files of a kind that are listed by name; --json has them all


@click.command(cls=Verb, example="mldeploy update\nmldeploy update --ref v2.0.0 --set ci=gitlab")
@click.option("--ref", metavar="REF", help="Another version than the newest: tag, branch, commit.")
@click.option(
    "--set", "answers", metavar="KEY=VALUE", multiple=True, help="Change an answer; repeatable."
)
def update(ref: str | None, answers: tuple[str, ...]) -> int:
    """Merge a later version of the template into this project.

    What you changed is kept. Where you and the template changed the same lines, the file gets
    conflict markers and the exit code is 1. Needs a clean git tree, so that it can be taken back.
    """
    from mldeploy import update as runbook

    ui = voice()
    done = runbook.update(Path(flags().directory), ref, _pairs(answers), ui)
    ui.result(_update_data(done), _update_text(done))
    return 1 if done.files.conflicts else 0


@click.command(cls=Verb, example="mldeploy check\nmldeploy check --only secrets")
@click.option("--only", type=click.Choice(GROUPS), metavar="GROUP", help=f"{', '.join(GROUPS)}.")
def check(only: str | None) -> int:
    """A scored list of what makes a project good, with the fix for what is missing.

    Reads files, git and uv; runs nothing of the project. Ends with 1 if something failed.
    With --explain each item says why it is there.
    """
    from mldeploy.check.all_items import items
    from mldeploy.check.folder import folder_of
    from mldeploy.check.items import examine, score

    results = examine(items(only), folder_of(Path(flags().directory)))
    passing, total = score(results)
    data = {"passed": passing, "total": total, "items": [each.as_dict() for each in results]}
    ui = voice()
    ui.result(data, f"{_check_text(results, explaining=ui.explaining)}\n\n{passing} of {total}")
    return 0 if passing == total else 1


def _pairs(words: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (key.isidentifier() and equals):
            raise ConfigError(
                "usage",
                what=f"--set {word} is not KEY=VALUE.",
                why="KEY is the name of a question of the template, as in .copier-answers.yml.",
                do="mldeploy update --set ci=gitlab",
            )
        pairs[key] = value
    return pairs


def _update_data(done: Updated) -> dict[str, Any]:
    files = done.files
    return {
        "template": done.template,
        "from": done.old,
        "to": done.new,
        "changed": list(files.changed),
        "new": list(files.added),
        "deleted": list(files.deleted),
        "conflicts": [{"path": each.path, "line": each.line} for each in files.conflicts],
        "locked": done.locked,
        "undo": done.undo,
    }


def _update_text(done: Updated) -> str:
    if not done.files:
        return f"Nothing to update: the project is at {done.new} of {done.template}."
    files = done.files
    lines = [f"{done.old} → {done.new} of {done.template}", ""]
    lines += _listed("changed", files.changed) + _listed("new", files.added)
    lines += _listed("deleted", files.deleted)
    lines += [
        f"  conflict  {each.path}" + (f", line {each.line}" if each.line else "")
        for each in files.conflicts
    ]
    if files.deleted:
        lines += ["", "The template no longer has what was deleted; to keep one: git restore FILE"]
    return "\n".join([*lines, "", *(_after_conflict(done) if files.conflicts else _after(done))])


def _listed(title: str, paths: tuple[str, ...]) -> list[str]:
    more = [f"… and {len(paths) - AT_MOST} more"] if len(paths) > AT_MOST else []
    return [f"  {title:<8}  {path}" for path in [*paths[:AT_MOST], *more]]


def _after(done: Updated) -> list[str]:
    return [
        "  look at it    git diff",
        "  try it        make test",
        f"  keep it       {_commit(done)}",
        f"  take it back  {done.undo}",
    ]


def _after_conflict(done: Updated) -> list[str]:
    paths = [each.path for each in done.files.conflicts]
    steps = ["edit each of these files: keep what is right, delete the lines with the markers"]
    if any(path.endswith(".rej") for path in paths):
        steps.append("a .rej file holds what did not fit: put it in by hand, delete the .rej")
    if done.relock:
        steps.append(done.relock)
    marked = [path for path in paths if not path.endswith(".rej")]
    steps += [f"git add {shlex.join(marked)}", _commit(done)]
    return [
        "A conflict: you and the template changed the same lines, and only you know what is right.",
        "Yours is between <<<<<<< and =======, the template's between ======= and >>>>>>>.",
        *[f"  {number}. {step}" for number, step in enumerate(steps, start=1)],
        "",
        "Or go back to before the update (edits since then are lost too):",
        f"  {done.undo}",
    ]


def _commit(done: Updated) -> str:
    return f'git add --all && git commit -m "Update the template to {done.new}"'


def _check_text(results: list[Result], *, explaining: bool) -> str:
    marks = {"passed": "ok  ", "failed": "FAIL", "note": "note", "not applicable": "-   "}
    lines: list[str] = []
    for number, each in enumerate(results):
        if number == 0 or results[number - 1].group != each.group:
            lines += ["", each.group]
        lines.append(f"  {marks[each.state]}  {each.name:<15}  {each.message}")
        if explaining or each.state in ("failed", "note"):
            lines.append(f"{'':25}why: {each.why}")
        if each.fix:
            lines.append(f"{'':25} do: {each.fix}")
    return "\n".join(lines).lstrip("\n")
