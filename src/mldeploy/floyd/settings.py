"""mldeploy.toml for what was imported: a new one, or tables behind what is there. Pure."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from decimal import ROUND_UP, Decimal

from mldeploy.floyd.machines import KINDS, SIZES, price
from mldeploy.floyd.translate import Translated
from mldeploy.jobs.spec import UNKNOWN, Task

FOR_A_PERSON = {"data", "on", "machine_type", "base"}  # to fill in or to change
START = """\
# Made by `mldeploy import` from FloydHub's files; docs/mldeploy-toml.md has all keys.
[project]
name = {name}

# The first target is the one meant when none is named.
[targets.docker]
kind = "docker"       # containers on this machine: FloydHub's images and paths have their like

[targets.local]
kind = "process"      # this machine without Docker: no image, and data lies beside the code
{rented}"""


def new(name: str, found: Sequence[Translated]) -> str:
    """The text of a mldeploy.toml with all of them."""
    rented = "".join(_rented(kind, found) for kind in KINDS)
    return START.format(name=_text(name), rented=rented) + _tables(found)


def extended(text: str, found: Sequence[Translated]) -> tuple[str, list[str], list[str]]:
    """A valid mldeploy.toml with those tables added that it lacks; all else stays as it is.

    With it the names of the added, and of those that it has already but otherwise.
    """
    there = tomllib.loads(text).get("jobs", {})
    wanted = [each for each in found if each.task and each.name not in there]
    other = [each.name for each in found if each.task and _differs(there.get(each.name), each)]
    if not wanted:
        return text, [], other
    end = "\r\n" if "\r\n" in text else "\n"
    added = _tables(wanted).replace("\n", end)
    return text + ("" if text.endswith("\n") else end) + added, [w.name for w in wanted], other


def table(each: Translated) -> str:
    """``[jobs.NAME]`` with just the keys that say something."""
    task = each.task
    if task is None:
        return ""
    lines = [f"[jobs.{each.name}]", f"command = {_text(task.command)}"]
    lines += [f'on = "{task.on}"'] if task.on else []
    lines += ["gpu = true"] if task.gpu else []
    lines.append(_machine_type(each, task))
    lines += [f'max_runtime = "{task.max_runtime}"'] if task.max_runtime else []
    lines += [f"message = {_text(task.message)}"] if task.message else []
    lines += _data(task)
    lines += [f"requirements = {_text(task.requirements)}"] if task.requirements else []
    lines += [f"base = {_text(task.base)}"] if task.base else []
    return "\n".join([*lines, "floyd = true          # FloydHub's paths: /floyd/input, /output"])


def project_name(wished: str) -> str:
    """A name that a project may have, as near to ``wished`` as can be."""
    return re.sub(r"[^a-z0-9._-]+", "-", wished.lower()).strip("._-")[:63] or "imported"


def task_name(wished: str) -> str:
    """A name that a task may have, as near to ``wished`` as can be."""
    return re.sub(r"[^a-z0-9_-]+", "-", wished.lower()).strip("_-")[:32].rstrip("_-") or "task"


def old_name(entry: str) -> str:
    """What FloydHub called the data of an entry that nobody has filled in."""
    return entry.removeprefix(UNKNOWN).rpartition(":")[0]


def _tables(found: Sequence[Translated]) -> str:
    return "".join(f"\n{table(each)}\n" for each in found if each.task)


def _machine_type(each: Translated, task: Task) -> str:
    if task.machine_type:
        return f'machine_type = "{task.machine_type}"'
    types = SIZES[each.machine].types
    named = ", ".join(f'"{types[kind]}" on {title}' for kind, title in KINDS.items())
    return f"# machine_type: {named}"


def _data(task: Task) -> list[str]:
    if not task.data:
        return []
    unknown = any(entry.startswith(UNKNOWN) for entry in task.data)
    note = [
        "# Behind each ? is what FloydHub had: write where it is now, such as ./data or mnist/1"
    ]
    return [*note * unknown, "data = [", *(f"    {_text(each)}," for each in task.data), "]"]


def _rented(kind: str, found: Sequence[Translated]) -> str:
    """A block, made real by taking the marks away, for the largest machine that was asked for."""
    sizes = [each.machine for each in found] or ["cpu"]
    largest = max(sizes, key=list(SIZES).index)
    machine_type = SIZES[largest].types[kind]
    limit = _limit(kind, machine_type)
    lines = [f"[targets.{kind}]", f'kind = "{kind}"', f'machine_type = "{machine_type}"']
    lines += ['ttl = "4h"']
    lines += [f"max_price = {limit}     # US dollars an hour"] if limit else []
    head = f"\n# Rented at {KINDS[kind]}: take the marks away, then: mldeploy doctor {kind}\n"
    return head + "".join(f"# {line}\n" for line in lines)


def _limit(kind: str, machine_type: str) -> Decimal | None:
    """A little above the price of the table, so that a dearer machine is refused."""
    hourly = price(kind, machine_type)
    return hourly and (hourly * Decimal("1.2")).quantize(Decimal("0.01"), ROUND_UP)


def _differs(there: dict[str, object] | None, each: Translated) -> bool:
    """In more than what a person is asked to fill in."""
    if there is None:
        return False
    ours = tomllib.loads(table(each))["jobs"][each.name]
    return any(there.get(key) != ours.get(key) for key in {*there, *ours} - FOR_A_PERSON)


def _text(text: str) -> str:
    """As TOML has it; JSON's signs are TOML's but for one that JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
