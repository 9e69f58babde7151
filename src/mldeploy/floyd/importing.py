"""The runbook of `mldeploy import`: read, ask where the data is, translate, write."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mldeploy import config
from mldeploy.errors import ConfigError
from mldeploy.floyd import code, command, places, settings, wishes
from mldeploy.floyd.asked import Asked
from mldeploy.floyd.translate import Choices, Translated, translate
from mldeploy.jobs.code import IGNORE
from mldeploy.jobs.spec import Task

PROJECT = ".floydexpt"
REQUIREMENTS = "floyd_requirements.txt"


@dataclass(frozen=True)
class Import:
    """All that is known before anything is written. ``text`` is what mldeploy.toml becomes.

    ``kept`` are tables that it has already, and otherwise; ``unknown`` is data of FloydHub's of
    which it does not say yet where it is. ``ignore`` is what .mldeployignore becomes, None where
    it stays as it is.
    """

    root: Path
    source: str
    found: tuple[Translated, ...]
    text: str
    is_new: bool
    added: tuple[str, ...]
    kept: tuple[str, ...]
    unknown: tuple[str, ...]
    sent: code.Difference
    ignore: str | None
    warnings: tuple[str, ...]

    @property
    def settings(self) -> Path:
        return self.root / config.FILE_NAME


def look(wish: wishes.Wish, ask: places.Ask) -> Import:
    """Read and translate; nothing is written. Raises :class:`ConfigError` for what can't be."""
    root, source, chosen, warnings = wishes.asked(wish)
    existing = config.load(root / config.FILE_NAME) if _has(root, config.FILE_NAME) else None
    there = existing.jobs if existing else {}
    choices = Choices(
        on=wish.on,
        kind=_kind(wish.on, existing),
        base=wish.base,
        requirements=REQUIREMENTS if _has(root, REQUIREMENTS) else None,
    )
    _translated(chosen, there, choices, source)  # what is refused is so before anybody is asked
    now = places.asked(wish.places, chosen, there, ask, root)
    found = _translated(chosen, there, replace(choices, places=now), source)
    if all(each.task is None for each in found):
        raise _nothing(source, found)
    if existing:
        before = _as_is(existing.path)
        text, added, kept = settings.extended(before, found)
    else:
        text, added, kept = settings.new(_project_name(root, warnings), found), [], []
        added = [each.name for each in found if each.task]
    jobs = _checked(text, root / config.FILE_NAME).jobs
    unknown = [settings.old_name(entry) for each in found if each.task
               for entry in jobs[each.name].unanswered]  # fmt: skip
    sent, ignore, more = code.compare(root)
    return Import(
        root,
        source,
        tuple(found),
        text,
        existing is None,
        tuple(added),
        tuple(kept),
        tuple(dict.fromkeys(unknown)),
        sent,
        ignore,
        (*warnings, *more),
    )


def write(made: Import) -> list[Path]:
    """Put the files in place, each of them whole; returns those that are new or changed."""
    wanted = [(made.settings, made.text if made.added or made.is_new else None)]
    wanted.append((made.root / IGNORE, made.ignore))
    written = []
    for path, text in wanted:
        if text is None:
            continue
        real = path.resolve()  # a link stays a link
        draft = real.with_name(f"{real.name}.part")
        draft.write_text(text, encoding="utf-8", newline="")
        if real.exists():
            draft.chmod(real.stat().st_mode & 0o777)
        draft.replace(real)
        written.append(path)
    return written


def _checked(text: str, path: Path) -> config.Config:
    """As it will be read, before it is written."""
    try:
        return config.parse(tomllib.loads(text), text, path)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            "floyd-refused",
            what=f"No table [jobs.NAME] can be added to {path.name}.",
            why=f"Its jobs are written in another way: {error}.",
            do=f"write them as tables in {path}, such as [jobs.train], then import again",
        ) from error


def _kind(on: str | None, existing: config.Config | None) -> str | None:
    """What kind of target that is; a file of our own will have two."""
    if on is None:
        return None
    if existing:
        return existing.target(on)[1].kind
    if on not in (known := {"docker": "docker", "local": "process"}):
        raise ConfigError(
            "no-such-target",
            what=f"There is no target called {on!r} yet.",
            why=f"There is no {config.FILE_NAME} either; the new one has {' and '.join(known)}.",
            do=f"leave out --on {on}, add [targets.{on}] to the new file, and then: on = {on!r}",
        )
    return known[on]


def _translated(
    tasks: Mapping[str, Asked], there: Mapping[str, Task], choices: Choices, source: str
) -> list[Translated]:
    """Each task by its new name; the image of a table that is there was chosen already."""
    found = []
    for name, each in wishes.named(tasks).items():
        base = choices.base or (there[name].base if name in there else None)
        found.append(translate(name, each, replace(choices, base=base), source))
    return found


def _project_name(root: Path, warnings: list[str]) -> str:
    """Of .floydexpt, else of the folder."""
    wished = root.resolve().name
    if _has(root, PROJECT):
        try:
            told = json.loads((root / PROJECT).read_text(encoding="utf-8"))
            wished = str(told["name"])
        except (OSError, ValueError, KeyError, TypeError):
            warnings.append(f"{PROJECT} can't be read: the project is called by its folder")
    return settings.project_name(wished)


def _as_is(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as content:
        return content.read()


def _has(root: Path, name: str) -> bool:
    return (root / name).is_file()


def _nothing(source: str, found: Sequence[Translated]) -> ConfigError:
    why = "; ".join(f"{each.name}: {each.lines[-1].note}" for each in found)
    return ConfigError(
        "floyd-nothing",
        what=f"{source} has no job that could be run.",
        why=f"{why}." if why else "It is empty, or all of it is a comment.",
        do=f"mldeploy import {'floyd.yml ' if source != command.PLACE else ''}"
        "--command \"floyd run 'python train.py'\"",
    )
