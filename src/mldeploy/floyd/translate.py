"""From what FloydHub was asked for to a task of mldeploy.toml, each line with what became of it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from mldeploy.floyd.asked import Asked, Machine
from mldeploy.floyd.environments import DEFAULT, environment
from mldeploy.floyd.machines import SIZES, proposals
from mldeploy.jobs.spec import UNKNOWN, Task

DEFAULT_MACHINE: Machine = "cpu"

# Not a job; each with where its like is.
NO_JOB = {
    "serve": "app.py was served; here a model is: docs/serving.md, then mldeploy up",
    "jupyter": "a notebook is no job: jupyter nbconvert --to script FILE, and run that",
}


@dataclass(frozen=True)
class Line:
    """``was`` in FloydHub's words; ``now`` in mldeploy.toml's, empty for what has no like there."""

    key: str
    was: str
    now: str
    note: str = ""


@dataclass(frozen=True)
class Choices:
    """What a person decides. ``places`` says of data of FloydHub's where it is now; empty for data
    that is no longer needed. ``on`` is a target and its kind, ``base`` an image for all tasks."""

    places: Mapping[str, str] = field(default_factory=dict)
    on: str | None = None
    kind: str | None = None
    base: str | None = None
    requirements: str | None = None


@dataclass(frozen=True)
class Translated:
    """``task`` is None where no job can be made of it; then the last line says why."""

    name: str
    task: Task | None
    lines: tuple[Line, ...]
    machine: Machine = DEFAULT_MACHINE


def translate(name: str, asked: Asked, choices: Choices, place: str) -> Translated:
    """The task of that name. Raises ConfigError for an environment that there is no image of."""
    machine = asked.machine or DEFAULT_MACHINE
    if asked.mode in NO_JOB:
        line = Line("mode", asked.mode or "", "", NO_JOB[asked.mode or ""])
        return Translated(name, None, (line,), machine)
    if asked.command is None:
        note = "nothing to run: FloydHub was told on its command line; see --command"
        return Translated(name, None, (Line("command", "none", "", note),), machine)
    size = SIZES[machine]
    rented = size.types.get(choices.kind or "")
    image, told = _image(name, asked, choices, place, gpu=size.gpu)
    data, mounted = _data(asked, choices)
    max_runtime, rounded = _duration(asked.max_runtime)
    task = Task(
        command=asked.command,
        on=choices.on,
        gpu=size.gpu,
        machine_type=rented,
        max_runtime=max_runtime,
        message=asked.description or "",
        data=data,
        requirements=choices.requirements,
        base=image,
        floyd=True,
    )
    lines = [Line("command", asked.command, "command"), _machine(machine, rented), told]
    if asked.description:
        lines.append(Line("description", asked.description, "message"))
    if asked.max_runtime:
        now = f'max_runtime = "{max_runtime}"'
        lines.append(Line("max_runtime", f"{asked.max_runtime} s", now, rounded))
    if asked.mode:
        lines.append(Line("mode", asked.mode, "a job", "all that `mldeploy run` starts is one"))
    if choices.requirements:
        lines.append(Line(choices.requirements, "installed first", "requirements"))
    return Translated(name, task, (*lines, *mounted), machine)


def as_run(translated: Translated) -> str:
    """The line to type that runs it once without a task. Empty where no job can be made of it.

    What only a task can say is left out of it: the image, its requirements, FloydHub's own paths.
    """
    task = translated.task
    if task is None:
        return ""
    words = ["mldeploy", "run"]
    words += ["--on", task.on] if task.on else []
    words += ["--gpu"] if task.gpu else []
    words += ["--machine-type", task.machine_type] if task.machine_type else []
    words += ["--max-runtime", task.max_runtime] if task.max_runtime else []
    words += ["-m", task.message] if task.message else []
    words += [word for each in task.data for word in ("--data", each)]
    return shlex.join([*words, "--", task.command])


def _machine(machine: Machine, rented: str | None) -> Line:
    size = SIZES[machine]
    now = "gpu = true" if size.gpu else "gpu = false"
    if rented:
        return Line("machine", machine, f'{now}, machine_type = "{rented}"', f"had {size.was}")
    return Line(
        "machine", machine, now, f"had {size.was}; to rent: {' or '.join(proposals(machine))}"
    )


def _image(name: str, asked: Asked, choices: Choices, place: str, *, gpu: bool) -> tuple[str, Line]:
    env = asked.env or DEFAULT
    if choices.base:
        return choices.base, Line("env", env, f'base = "{choices.base}"', "as you said")
    found = environment(env, gpu=gpu, place=place, task=name)
    return found.image, Line("env", env, f'base = "{found.image}"', found.note)


def _data(asked: Asked, choices: Choices) -> tuple[tuple[str, ...], list[Line]]:
    data, lines = [], []
    for each in asked.input or ():
        was = f"{each.source} at {each.mount}"
        now = choices.places.get(each.source)
        if now == "":
            lines.append(Line("input", was, "", "left out: no longer needed, as you said"))
            continue
        data.append(f"{now or UNKNOWN + each.source}:{each.at}")
        note = "" if now else "where is it now? FloydHub's copy is gone"
        lines.append(Line("input", was, f"{now or '?'} at {each.at}", note))
    return tuple(data), lines


def _duration(seconds: int | None) -> tuple[str | None, str]:
    """In whole hours or minutes, rounded up, and a note if that made it longer."""
    if seconds is None:
        return None, ""
    minutes = -(-seconds // 60)
    text = f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"
    return text, "rounded up to whole minutes" if minutes * 60 != seconds else ""
