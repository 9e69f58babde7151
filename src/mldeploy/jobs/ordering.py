"""From what was typed, and what mldeploy.toml says, to a job's order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldeploy.config import RentedTarget, Target
from mldeploy.errors import ConfigError
from mldeploy.jobs import places, sent, shelf
from mldeploy.jobs.code import Code, collect, warning
from mldeploy.jobs.record import Job, Order
from mldeploy.jobs.requirements import interpreter_of, python_of
from mldeploy.jobs.spec import Mount, Task
from mldeploy.project import Project, git_state

if TYPE_CHECKING:
    from mldeploy.ui import Ui


@dataclass(frozen=True)
class Wishes:
    """The words of one `mldeploy run`; None and empty where nothing was said."""

    command: str | None = None
    target: str | None = None
    task: str | None = None
    gpu: bool | None = None
    machine_type: str | None = None
    base: str | None = None
    requirements: str | None = None
    data: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    max_runtime: str | None = None
    message: str | None = None
    keep: bool = False
    register: bool = False
    after: str | None = None
    resume: bool = False


def order(project: Project, wishes: Wishes, ui: Ui) -> Order:
    """What is to be run; its code is kept here from now on. Raises ConfigError."""
    if wishes.after:
        made = again(shelf.find(project, wishes.after), wishes)
    else:
        if wishes.resume:
            raise _refused(
                "--resume needs a job to go on from.",
                "It lays that job's outputs in place.",
                "mldeploy run --from 3 --resume",
            )
        made = from_task(project, task_of(project.config.jobs, wishes), wishes)
    made = _at_its_target(project, made, wishes)
    return made if made.code else with_code(project, made, ui)


def _at_its_target(project: Project, made: Order, wishes: Wishes) -> Order:
    """What its target means for it; what can't be there is said before anything is done."""
    name, target = project.config.target(made.target, "mldeploy run --on {} …")
    made = _with_machine(name, target, replace(made, target=name), wishes)
    if made.data:
        from mldeploy.jobs.mounts import parse_mounts

        rented = isinstance(target, RentedTarget)
        bucket = project.config.data is not None
        for mount in parse_mounts(made.data):
            refuse_what_cannot_come(mount, project.root, rented=rented, bucket=bucket)
    return made


def refuse_what_cannot_come(mount: Mount, root: Path, *, rented: bool, bucket: bool) -> None:
    """Data that is nowhere is said before a machine is paid for."""
    is_path = mount.source.startswith((".", "/", "~"))
    if is_path and not (root / Path(mount.source).expanduser()).exists():
        raise _refused(
            f"There is no {mount.source} here.",
            f"It was to be seen at {mount.at}; paths count from {root}.",
            f"ls {mount.source}",
        )
    if rented and not (is_path or bucket or mount.source.startswith("s3://")):
        raise _refused(
            f"{mount.source} can't be on a machine that is rented now.",
            "Versions lie where they were pushed, and mldeploy.toml names no bucket ([data]).",
            f"--data ./FOLDER:{mount.at}, or a bucket: mldeploy data push FOLDER --to s3",
        )


def task_of(tasks: Mapping[str, Task], wishes: Wishes) -> Task:
    """The table that was named, or one of the command that was typed. Pure."""
    if wishes.task:
        if wishes.task not in tasks:
            known = ", ".join(tasks) or "none"
            raise _refused(
                f"There is no [jobs.{wishes.task}] in mldeploy.toml.",
                f"It has {known}.",
                "mldeploy run -- COMMAND",
            )
        return tasks[wishes.task]
    if wishes.command is None:
        if len(tasks) == 1:
            return next(iter(tasks.values()))
        raise _refused(
            "What is to be run?",
            "No command was given" + (f"; [jobs] has {', '.join(tasks)}." if tasks else "."),
            f"mldeploy run --task {next(iter(tasks))}" if tasks else "mldeploy run -- make train",
        )
    return Task(command=wishes.command)


def from_task(project: Project, task: Task, wishes: Wishes) -> Order:
    """The table's order, with what was typed in its place. Pure."""
    if task.unanswered and not wishes.data:
        raise _refused(
            f"Nobody has said yet where {task.unanswered[0].lstrip('?').partition(':')[0]} is.",
            "Its entry in `data` of mldeploy.toml begins with a question mark.",
            "write where it is, such as ./images:/input, or: mldeploy run --data SRC:MOUNT …",
        )
    asked = wishes.max_runtime or task.max_runtime
    return Order(
        command=wishes.command or task.command,
        target=wishes.target or task.on or project.config.default_target,
        gpu=task.gpu if wishes.gpu is None else wishes.gpu,
        machine_type=wishes.machine_type or task.machine_type,
        max_seconds=seconds(asked) if asked else None,
        message=wishes.message or task.message,
        env={**task.env, **variables(wishes.env)},
        data=wishes.data or task.data,
        requirements=wishes.requirements or task.requirements,
        base=wishes.base or task.base,
        python=task.python,
        floyd=task.floyd,
        outputs=task.outputs,
        register=wishes.register,
        keep=wishes.keep,
    )


def again(job: Job, wishes: Wishes) -> Order:
    """An earlier job's order, code and all, with what was typed in its place."""
    before = job.order
    told: dict[str, Any] = {
        "command": wishes.command,
        "target": wishes.target,
        "gpu": wishes.gpu,
        "machine_type": wishes.machine_type,
        "base": wishes.base,
        "requirements": wishes.requirements,
        "max_seconds": seconds(wishes.max_runtime) if wishes.max_runtime else None,
        "message": wishes.message,
        "data": wishes.data or None,
    }
    return replace(
        before,
        **{key: value for key, value in told.items() if value is not None},
        env={**before.env, **variables(wishes.env)},
        keep=wishes.keep,
        register=wishes.register or before.register,
        after=job.id,
        resumes=job.id if wishes.resume else None,
        ttl=None,
    )


def with_code(project: Project, made: Order, ui: Ui) -> Order:
    """The code as it is now, collected and kept."""
    from mldeploy.jobs.fetching import size

    with ui.step("collect the code") as step:
        code = collect(project.root)
        sent.keep(project, code)
        step.say(f"{len(code.files)} files, {size(code.bytes)}")
    _tell(code, ui)
    git = git_state(project.root)
    version = made.python or python_of(project.root, interpreter_of(project))
    return replace(made, code=code.digest, commit=git.commit, dirty=git.dirty, python=version)


def seconds(text: str) -> int:
    """``90m`` as seconds; raises ConfigError."""
    import re

    found = re.fullmatch(r"([1-9]\d*)([smhd])", text)
    if not found:
        raise _refused(
            f"{text!r} is not a duration.",
            'Expected seconds, minutes, hours or days, such as "90m", "4h" or "2d".',
            "mldeploy run --max-runtime 4h -- COMMAND",
        )
    return int(found.group(1)) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found.group(2)]


def variables(given: tuple[str, ...], own: Mapping[str, str] = os.environ) -> dict[str, str]:
    """``NAME=VALUE`` each, or ``NAME`` for the value that it has here; raises ConfigError."""
    found = {}
    for one in given:
        name, separator, value = one.partition("=")
        if not name.isidentifier() or not (separator or name in own):
            raise _refused(
                f"{one!r} sets nothing.",
                "NAME=VALUE is expected, or the NAME of a variable that is set here.",
                "--env EPOCHS=5",
            )
        found[name] = value if separator else own[name]
    return found


def _with_machine(name: str, target: Target, made: Order, wishes: Wishes) -> Order:
    """Which machine is rented for it, and for how long."""
    if not isinstance(target, RentedTarget):
        if wishes.machine_type:
            raise _refused(
                f"No machine is rented for {name}.",
                "So --machine-type has no meaning there.",
                f"mldeploy run --on {name} -- {made.command}",
            )
        return replace(made, machine_type=None, ttl=None)
    asked = made.max_seconds if (wishes.max_runtime or made.ttl is None) else None
    most, ttl = places.terms(target, asked)
    made = replace(made, max_seconds=most, ttl=ttl)
    if made.gpu and not made.machine_type:
        from mldeploy.providers import provider_of

        limit = Decimal(str(target.max_price)) if target.max_price else None
        made = replace(
            made, machine_type=places.gpu_type(target, provider_of(target).sizes(), limit)
        )
    return made


def _tell(code: Code, ui: Ui) -> None:
    for line in warning(code):
        ui.note(line)
    for one in code.skipped:
        ui.note(f"not sent: {one.name} ({one.why})")


def _refused(what: str, why: str, do: str) -> ConfigError:
    return ConfigError("bad-job", what=what, why=why, do=do)
