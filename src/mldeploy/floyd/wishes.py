"""What was typed after `import`, and the tasks that it means: of floyd.yml, a command, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mldeploy.errors import ConfigError
from mldeploy.floyd import command, file, settings
from mldeploy.floyd.asked import Asked

AT_THE_TOP = "default"  # the name of what `floyd run` did without --task


@dataclass(frozen=True)
class Wish:
    """What was typed. ``place`` is floyd.yml, its folder, or None for a command line alone."""

    folder: Path
    place: Path | None = None
    command: str | None = None
    name: str | None = None  # of the task that floyd.yml has at its top, or that the command makes
    only: tuple[str, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    on: str | None = None
    base: str | None = None


def asked(wish: Wish) -> tuple[Path, str, dict[str, Asked], list[str]]:
    """The project's folder, where it was asked for, each task with what it asks, and warnings.

    A command alone is laid over the file of its folder, as FloydHub did, and is the one task.
    """
    typed = command.parse(wish.command) if wish.command else None
    if wish.place is None and typed and not _has_file(wish.folder):
        if typed.task:
            raise _no_task(typed.task, [], wish.folder.name)
        return (
            wish.folder,
            command.PLACE,
            {wish.name or AT_THE_TOP: typed.asked},
            list(typed.warnings),
        )
    path, warnings = file.find(wish.place or wish.folder)
    read = file.read(path)
    warnings += read.warnings
    tasks = dict(read.tasks) if wish.place else {}
    top = _name_of_the_top(wish, read)
    if wish.place and (read.top.command or read.top.mode or not (tasks or typed)):
        tasks = {top: read.top, **tasks}
    if typed:
        if typed.task and typed.task not in read.tasks:
            raise _no_task(typed.task, list(read.tasks), path.name)
        below = read.tasks[typed.task] if typed.task else read.top
        tasks[wish.name or typed.task or top] = typed.asked.over(below)
        warnings += typed.warnings
    return path.parent, path.name, _only(tasks, wish.only), warnings


def named(tasks: Mapping[str, Asked]) -> dict[str, Asked]:
    """By names that a table may have; two that become one are told apart by a number."""
    found: dict[str, Asked] = {}
    for name, each in tasks.items():
        wanted = plain = settings.task_name(name)
        count = 1
        while wanted in found:
            count += 1
            wanted = f"{plain[:29]}-{count}"
        found[wanted] = each
    return found


def _name_of_the_top(wish: Wish, read: file.FloydFile) -> str:
    if wish.name is None:
        return AT_THE_TOP if AT_THE_TOP not in read.tasks else f"{AT_THE_TOP}-task"
    if wish.name in read.tasks:
        raise ConfigError(
            "floyd-refused",
            what=f"--as {wish.name} is a task of {read.path.name} already.",
            why=f"It has {', '.join(read.tasks)}; --as is for what has no name there.",
            do=f"--as {wish.name}-2",
        )
    return wish.name


def _has_file(folder: Path) -> bool:
    return any((folder / name).is_file() for name in file.NAMES)


def _only(tasks: Mapping[str, Asked], only: Sequence[str]) -> dict[str, Asked]:
    for name in only:
        if name not in tasks:
            raise _no_task(name, list(tasks), "floyd.yml")
    return {name: each for name, each in tasks.items() if name in only or not only}


def _no_task(name: str, known: list[str], where: str) -> ConfigError:
    return ConfigError(
        "floyd-no-task",
        what=f"There is no task {name!r} in {where}.",
        why=f"It has {', '.join(known)}." if known else "It has no tasks.",
        do="mldeploy import floyd.yml     (without --task: all that there is)",
    )
