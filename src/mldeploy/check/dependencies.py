"""Dependencies: the same versions everywhere, and a service that carries only its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mldeploy.check.folder import Folder
from mldeploy.check.items import Item, Seen, failed, not_applicable, note, passed
from mldeploy.errors import FailedError
from mldeploy.programs import ProgramError, run

UV_SECONDS = 20
# Large, and of no use to a service: it has one model, loaded once.
TRAINING = {"mlflow", "mlflow-skinny", "pandas", "matplotlib", "ipykernel", "pytest"}
OTHER_LOCKS = ("poetry.lock", "pdm.lock", "pylock.toml")
NO_METADATA = not_applicable("there is no pyproject.toml")


def items() -> list[Item]:
    return [
        Item("lock", "dependencies", "Without a lock every machine gets other versions.", _lock),
        Item("lock-current", "dependencies", "A lock that is behind pyproject.toml locks nothing.",
             _lock_current),
        Item("lean-service", "dependencies", "A service with training libraries starts slowly, "
             "is large, and has more that can be attacked.", _lean_service),
    ]  # fmt: skip


def _lock(folder: Folder) -> Seen:
    if not folder.has("pyproject.toml"):
        return NO_METADATA
    other = [name for name in OTHER_LOCKS if name in folder.tracked]
    if other and not folder.serves:
        return passed(f"{other[0]} is there")
    if not folder.has("uv.lock"):
        return failed("there is no uv.lock", "uv lock")
    if folder.in_git and "uv.lock" not in folder.tracked:
        return failed("uv.lock is not in git", "git add uv.lock && git commit -m Lock")
    return passed("uv.lock is there")


def _lock_current(folder: Folder) -> Seen:
    if not (folder.has("pyproject.toml") and folder.has("uv.lock")):
        return not_applicable("there is no lock")
    try:
        run(["uv", "lock", "--check", "--offline"], cwd=folder.root, timeout=UV_SECONDS)
    except ProgramError as error:
        if "network was disabled" in error.output:
            return note("can't be told without network", "uv lock --check")
        return failed("uv.lock does not fit pyproject.toml", "uv lock")
    return passed("uv.lock fits pyproject.toml")


def _lean_service(folder: Folder) -> Seen:
    if not (folder.serves and folder.has("pyproject.toml")):
        return not_applicable("there is no service")
    groups = folder.toml("pyproject.toml").get("dependency-groups", {})
    if "serve" not in groups:
        return failed(
            "there is no dependency group `serve`",
            'pyproject.toml: [dependency-groups] serve = ["bentoml", …]',
        )
    ways = _ways_to(_direct(groups, "serve"), _packages(folder))
    heavy = sorted(TRAINING & ways.keys())
    if not heavy:
        return passed(f"`serve` needs {len(ways)} packages, none of them for training")
    return failed(
        f"`serve` pulls in {' and '.join(' → '.join(ways[name]) for name in heavy)}",
        f"pyproject.toml: move {ways[heavy[0]][0]} from the group serve to train, then: uv lock",
    )


def _direct(groups: Mapping[str, Any], name: str, above: tuple[str, ...] = ()) -> list[str]:
    """The group's requirements, with those of the groups that it includes."""
    found = []
    for entry in groups.get(name, []):
        if isinstance(entry, str):
            found.append(entry)
        elif (inner := str(entry.get("include-group"))) not in (*above, name):
            found += _direct(groups, inner, (*above, name))
    return found


def _packages(folder: Folder) -> dict[str, dict[str, Any]]:
    """The lock's packages by name; where it has two versions of one, either will do."""
    try:
        return {each["name"]: each for each in folder.toml("uv.lock").get("package", [])}
    except FailedError:
        return {}  # the items above say so; what the group names itself is known all the same


def _ways_to(
    requirements: Iterable[str], packages: Mapping[str, dict[str, Any]]
) -> dict[str, tuple[str, ...]]:
    """Every package that is needed, with the way that leads to it: ``(direct, …, itself)``."""
    ways: dict[str, tuple[str, ...]] = {}
    nowhere: tuple[str, ...] = ()
    waiting = [(nowhere, *_parsed(requirement)) for requirement in requirements]
    seen = set()
    while waiting:
        way, name, extras = waiting.pop(0)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        ways.setdefault(name, (*way, name))
        package = packages.get(name, {})
        optional = package.get("optional-dependencies", {})
        needed = [
            *package.get("dependencies", []),
            *(d for e in extras for d in optional.get(e, [])),
        ]
        waiting += [
            (ways[name], str(each["name"]), tuple(each.get("extra", ()))) for each in needed
        ]
    return ways


def _parsed(requirement: str) -> tuple[str, tuple[str, ...]]:
    """Name, as the lock writes it, and extras of ``Name[extra]>=1``."""
    match = re.match(r"\s*([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?", requirement)
    if match is None:
        return requirement, ()
    name = re.sub(r"[-_.]+", "-", match[1]).lower()
    return name, tuple(extra.strip() for extra in (match[2] or "").split(",") if extra.strip())
