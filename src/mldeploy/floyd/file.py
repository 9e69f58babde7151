"""floyd.yml and floyd.yaml: what is asked for at the top, and by each task over that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mldeploy.errors import ConfigError
from mldeploy.floyd import inputs
from mldeploy.floyd.asked import MACHINES, MODES, Asked, Input
from mldeploy.floyd.refusals import nearest, refused

NAMES = ("floyd.yaml", "floyd.yml")  # where both are, FloydHub read the first
LARGEST = 1_000_000  # bytes
OTHER_WORDS = {"command": "job"}  # of a mode, in the code of FloydHub
KEYS = ("machine", "env", "command", "description", "max_runtime", "mode", "input")


@dataclass(frozen=True)
class FloydFile:
    """``tasks`` have what is said at the top already. ``warnings`` name what was passed over."""

    path: Path
    top: Asked
    tasks: Mapping[str, Asked]
    warnings: tuple[str, ...] = ()


def find(place: Path) -> tuple[Path, list[str]]:
    """The file that FloydHub would have read for ``place``, a folder or one of the two files.

    With it what a person should be told about that choice.
    """
    folder = place if place.is_dir() else place.parent
    there = [folder / name for name in NAMES if (folder / name).is_file()]
    if place.is_dir() or place.name in NAMES:
        if len(there) == 2:
            return there[0], [f"both {NAMES[1]} and {NAMES[0]} are there: FloydHub read {NAMES[0]}"]
        if there and place in (folder, there[0]):
            return there[0], []
    elif place.is_file():
        return place, []
    raise ConfigError(
        "no-floyd-file",
        what=f"There is no {'floyd.yml' if place.is_dir() else place.name} in {folder.resolve()}.",
        why=f"Looked for {place if not place.is_dir() else ' and '.join(NAMES)}.",
        do='mldeploy import FILE     (without one: mldeploy import --command "floyd run …")',
    )


def read(path: Path) -> FloydFile:
    """The file, checked; raises :class:`ConfigError` with the line of what is wrong."""
    text = _text(path)
    reader = _Reader(path.name, text)
    raw = reader.raw
    if not isinstance(raw, dict):
        raise reader.wrong((), "It is not a table of keys.", f"keys such as {', '.join(KEYS[:3])}")
    top = reader.asked(raw, ())
    tasks_raw = raw.get("task") or {}
    if not isinstance(tasks_raw, dict):
        raise reader.wrong(("task",), "task is not a table.", "names of tasks, each with its keys")
    tasks = {}
    for name, table in tasks_raw.items():
        if not isinstance(table, dict | None):
            raise reader.wrong(("task", name), f"task.{name} is not a table.", "keys with values")
        tasks[str(name)] = reader.asked(table or {}, ("task", name)).over(top)
    return FloydFile(path, top, tasks, tuple(reader.warnings))


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if len(content) > LARGEST:
            raise refused(
                path.name, "It is no floyd.yml.", f"{len(content)} bytes.", f"ls -l {path}"
            )
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refused(
            path.name, "It is no text in UTF-8.", f"{error.reason} at byte {error.start}.",
            f"save {path} as UTF-8",
        ) from error  # fmt: skip
    except OSError as error:
        raise refused(
            path.name, "It can't be read.", f"{error.strerror}.", f"ls -l {path}"
        ) from error


class _Reader:
    """Reads values of a file, and knows on which line each stands."""

    def __init__(self, name: str, text: str) -> None:
        import yaml

        self.name = name
        self.warnings: list[str] = []
        try:
            node = yaml.compose(text, yaml.SafeLoader)
            self.raw = yaml.safe_load(text) or {}
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            if "end of stream" in (error.problem or "") and error.context_mark:
                mark = error.context_mark  # a quote that is not closed: where it is opened
            place = f"{name}, line {mark.line + 1}" if mark else name
            raise refused(
                place, "It is not valid YAML.", f"{error.problem or error.context}.",
                f"mend {place}: keys are `key: value`, indented by spaces and never by tabs",
            ) from error  # fmt: skip
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            said = str(error).splitlines() or [type(error).__name__]
            raise refused(
                name, "It is not valid YAML.", f"{said[0][:200]}.", f"look through {name}"
            ) from error
        self.lines: dict[tuple[Any, ...], int] = {}
        self._note_lines(node, (), 0)

    def place(self, where: tuple[Any, ...]) -> str:
        found = next((self.lines[where[:n]] for n in range(len(where), 0, -1)
                      if where[:n] in self.lines), None)  # fmt: skip
        return f"{self.name}, line {found}" if found else self.name

    def wrong(self, where: tuple[Any, ...], what: str, expected: str) -> ConfigError:
        place = self.place(where)
        return refused(place, what, f"Expected {expected}.", f"mend {place}, then import again")

    def asked(self, table: dict[Any, Any], where: tuple[Any, ...]) -> Asked:
        known = (*KEYS, "task") if not where else KEYS
        for key in table:
            if key not in known:
                like = nearest(str(key), known)
                hint = f"; did you mean {like}?" if like else ""
                self.warnings.append(f"{self.place((*where, key))}: {key} is passed over{hint}")
        readers: dict[str, Callable[[Any, tuple[Any, ...]], Any]] = {
            "machine": lambda value, at: self._one_of(MACHINES, value, at),
            "mode": lambda value, at: self._one_of(MODES, OTHER_WORDS.get(str(value), value), at),
            "env": self._line, "command": self._line, "description": self._line,
            "max_runtime": self._seconds, "input": self._inputs,
        }  # fmt: skip
        given = {key: table[key] for key in KEYS if table.get(key) is not None}
        return Asked(**{key: readers[key](value, (*where, key)) for key, value in given.items()})

    def _one_of(self, words: tuple[str, ...], value: Any, at: tuple[Any, ...]) -> str:
        if value in words:
            return str(value)
        like = nearest(str(value), words)
        hint = f"; did you mean {like}?" if like else ""
        raise self.wrong(at, f"{at[-1]} is {value!r}{hint}", f"one of {', '.join(words)}")

    def _line(self, value: Any, at: tuple[Any, ...]) -> str:
        if isinstance(value, str | int | float) and str(value).strip():
            return str(value).strip()
        raise self.wrong(at, f"{at[-1]} is no text.", f"one text, such as {at[-1]}: …")

    def _seconds(self, value: Any, at: tuple[Any, ...]) -> int:
        whole = str(value).strip()
        if isinstance(value, int | str) and whole.isascii() and whole.isdigit() and int(whole):
            return int(whole)
        raise self.wrong(at, f"max_runtime is {value!r}.", "whole seconds, such as 3600")

    def _inputs(self, value: Any, at: tuple[Any, ...]) -> tuple[Input, ...]:
        items = value if isinstance(value, list) else [value]
        found = [self._input(each, (*at, number)) for number, each in enumerate(items)]
        return inputs.together(found, self.place(at))

    def _input(self, value: Any, at: tuple[Any, ...]) -> Input:
        if isinstance(value, str):
            return inputs.short(value, self.place(at))
        if not isinstance(value, dict) or not isinstance(value.get("source"), str):
            raise self.wrong(at, "An input has no source.", inputs.LINE)
        for key in value.keys() - {"source", "destination"}:
            self.warnings.append(f"{self.place((*at, key))}: {key} is passed over")
        if value.get("destination") is None:
            return inputs.short(value["source"], self.place(at))
        return inputs.long(value["source"], str(value["destination"]), self.place(at))

    def _note_lines(self, node: Any, where: tuple[Any, ...], deep: int) -> None:
        """Only as deep as we read: a file may refer to itself."""
        import yaml

        if deep > 4:
            return
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                at = (*where, key.value)
                self.lines[at] = key.start_mark.line + 1
                self._note_lines(value, at, deep + 1)
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                self.lines[(*where, number)] = value.start_mark.line + 1
                self._note_lines(value, (*where, number), deep + 1)
