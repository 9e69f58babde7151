"""Where data of FloydHub's is now: told beforehand, or asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from mldeploy.errors import ConfigError
from mldeploy.floyd.asked import Asked, Input
from mldeploy.floyd.settings import task_name
from mldeploy.jobs.mounts import parse_mount
from mldeploy.jobs.spec import Task

# Where it is now, "" if it is no longer needed, None if nobody knows.
Ask = Callable[[Input], str | None]


def asked(
    told: Mapping[str, str],
    tasks: Mapping[str, Asked],
    existing: Mapping[str, Task],
    ask: Ask,
    root: Path,
) -> dict[str, str]:
    """Where each input is now: as told, as ``existing`` tasks have it, or asked, once for each."""
    found: dict[str, str] = {}
    known = _known(tasks, existing)
    inputs = {i.source: i for each in tasks.values() if each.mode in (None, "job")
              for i in each.input or ()}  # fmt: skip
    for source in told:
        if source not in inputs:
            raise ConfigError(
                "floyd-refused",
                what=f"--data {source}=… names data that no task has.",
                why=f"The tasks have {', '.join(inputs) or 'none'}.",
                do="mldeploy import floyd.yml --data SOURCE=PLACE",
            )
    for source, each in inputs.items():
        answer = told.get(source, known.get(source))
        if answer is None:
            answer = ask(each)
        if answer is not None:
            found[source] = answer and place_of(answer, each, root)
    return found


def place_of(answer: str, each: Input, root: Path) -> str:
    """An answer as a source of `--data`: a folder or file that is there gets its ./ in front.

    Raises :class:`ConfigError` where it can be no source.
    """
    plain = answer.strip()
    if not plain.startswith((".", "/", "~", "s3://")) and (root / plain).exists():
        plain = f"./{plain}"
    return parse_mount(f"{plain}:{each.at}").source


def _known(tasks: Mapping[str, Asked], existing: Mapping[str, Task]) -> dict[str, str]:
    """What somebody has filled in already, in the table of the same task at the same mount."""
    found: dict[str, str] = {}
    for name, each in tasks.items():
        table = existing.get(task_name(name))
        entries = (
            [e.rpartition(":") for e in table.data if e not in table.unanswered] if table else []
        )
        there = {at: source for source, _, at in entries}
        found |= {i.source: there[i.at] for i in each.input or () if i.at in there}
    return found
