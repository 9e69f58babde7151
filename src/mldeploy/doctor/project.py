"""Checks of the project and of this machine, and those of the target's kind between them."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable
from typing import Any

from mldeploy import build, golden
from mldeploy.config import ProcessTarget, RentedTarget, Target
from mldeploy.doctor.checks import Check, Finding, Fix, ok
from mldeploy.engines import engine_for
from mldeploy.engines.base import Engine
from mldeploy.programs import ProgramError, run
from mldeploy.project import Project, git_state, locked_requirements
from mldeploy.ui import Ui

ENOUGH_DISK = 2_000_000_000  # bytes: a serving environment of its own, a release, some logs


# What only a release needs. A job's image is built on what its own table says.
OF_A_RELEASE = (
    *("environment", "lock", "model", "port", "service"),
    *("capacity", "base image", "edge image", "proxy", "way in"),
)


def checks(project: Project, name: str, target: Target) -> list[Check]:
    """What must hold for `mldeploy up` on a target, cheapest first; or just for jobs."""
    engine = engine_for(project, name, target)  # one for all: a far one is logged in to once
    of_kind = _of_kind(project, target, engine)
    every = [
        Check("configuration", lambda: ok("configuration", f"{project.config.path} is valid")),
        Check("python", _python),
        Check("uv", lambda: _uv(project)),
        Check("git", lambda: _git(project)),
        Check("environment", lambda: _environment(project)),
        Check("lock", lambda: _lock(project)),
        Check("disk", lambda: _disk(project)),
        Check("model", lambda: _champion(project)),
        Check("jobs", lambda: _jobs(project)),
        Check("secrets", lambda: _secrets(project, target)),
        *of_kind,
        *_of_engine(name, target, engine, of_kind),
    ]
    left_out = ("jobs",) if project.config.project.serves else OF_A_RELEASE
    return [each for each in every if each.name not in left_out]


def _of_kind(project: Project, target: Target, engine: Engine) -> list[Check]:
    """What a kind of target needs beyond the project."""
    if isinstance(target, RentedTarget):
        from mldeploy.doctor import rented

        return rented.checks(project, target, engine)
    return OF_KIND[target.kind](project, target, engine) if target.kind in OF_KIND else []


def _of_engine(name: str, target: Target, engine: Engine, of_kind: list[Check]) -> list[Check]:
    """Where a check called `engine` comes before them they need it; a machine that is not there
    has none."""
    has_one = any(one.name == "engine" for one in of_kind)
    if isinstance(target, RentedTarget) and not has_one:
        return []
    needs = "engine" if has_one else ""
    return [
        Check("port", lambda: _port(target, engine), needs=needs),
        Check("service", lambda: _serving(name, engine), needs=needs),
    ]


def _of_docker(project: Project, target: Any, _: Any) -> list[Check]:
    from mldeploy.doctor import docker

    return docker.checks(project, target)


def _of_ssh(project: Project, target: Any, engine: Any) -> list[Check]:
    from mldeploy.doctor import ssh

    return ssh.checks(project, target, engine.machine, engine.serving)


# With one of these comes a check called `engine`.
OF_KIND: dict[str, Callable[[Project, Any, Any], list[Check]]] = {
    "docker": _of_docker,
    "ssh": _of_ssh,
}


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return ok("python", f"Python {version} at {sys.executable}")


def _uv(project: Project) -> Finding:
    return ok("uv", f"{run(['uv', '--version'], cwd=project.root, timeout=30).strip()}, our own")


def _git(project: Project) -> Finding:
    state = git_state(project.root)
    if state.commit is None:
        return Finding(
            "git",
            "warning",
            "This project has no git commit: a release could not say which code it holds.",
            'git init && git add --all && git commit -m "Start"',
        )
    if state.dirty:
        return Finding(
            "git",
            "warning",
            f"The code has uncommitted changes on top of {state.commit[:7]}: a release says so.",
            "git status",
        )
    return ok("git", f"clean at {state.commit[:7]}")


def _environment(project: Project) -> Finding:
    interpreter = project.python()
    try:
        command = ["uv", "sync", "--check", "--frozen", "--inexact", "--quiet"]
        run(command, cwd=project.root, timeout=60)
    except ProgramError:
        return Finding(
            "environment",
            "warning",
            ".venv is not what uv.lock says.",
            "uv sync     (or: make setup)",
            Fix("bring .venv in line with uv.lock", lambda ui: _sync(project, ui)),
        )
    return ok("environment", f"{interpreter.relative_to(project.root)}, as locked")


def _sync(project: Project, ui: Ui) -> None:
    """As the check compares: what uv.lock says is put in, what it doesn't know stays."""
    ui.explain("uv sync --frozen --inexact", "the project's own interpreter builds its releases")
    run(["uv", "sync", "--frozen", "--inexact", "--quiet"], cwd=project.root, timeout=600)


def _lock(project: Project) -> Finding:
    pins = [line for line in locked_requirements(project).splitlines() if "==" in line]
    return ok("lock", f"uv.lock fits pyproject.toml; serving needs {len(pins)} packages")


def _jobs(project: Project) -> Finding:
    """In the place of what only a release needs."""
    named = ", ".join(project.config.jobs) or "none is named in mldeploy.toml"
    return ok("jobs", f"this project serves nothing and runs jobs: {named}")


def _disk(project: Project) -> Finding:
    free = shutil.disk_usage(project.root).free
    if free < ENOUGH_DISK:
        return Finding(
            "disk",
            "warning",
            f"Only {free / 1e9:.1f} GB free; a release with its environment takes about 1 GB.",
            "free some space, or: mldeploy down, then delete .mldeploy",
        )
    return ok("disk", f"{free / 1e9:.0f} GB free")


def _champion(project: Project) -> Finding:
    champion = build.look_up_champion(project, Ui())
    requests = golden.read(project.golden, champion.run_id)
    return ok(
        "model",
        f"{project.config.project.served.model} is version {champion.version} "
        f"(run {champion.run_id[:8]}), with {len(requests.requests)} golden requests",
    )


def _secrets(project: Project, target: Target) -> Finding:
    """Can each be had? Commands are not run: a password manager would ask for its pass phrase."""
    from mldeploy.secret_references import references
    from mldeploy.secret_values import resolve

    named = references(target.secrets, target.env)
    if not named:
        return ok("secrets", "this target has none")
    commands = {name: each for name, each in named.items() if each.source == "command"}
    found = resolve(
        {name: each for name, each in named.items() if name not in commands}, project.root
    )
    for name, each in commands.items():
        program = shlex.split(each.place)[0]
        if shutil.which(program, path=os.environ.get("PATH")) is None:
            return Finding(
                "secrets",
                "error",
                f"{name} comes from a command that isn't there: {program}.",
                f"install {program}, or name another place in mldeploy.toml",
            )
    if found.open_files:
        path = found.open_files[0]
        fix = Fix(f"let nobody but you read {path}", lambda _: path.chmod(0o600))
        return Finding("secrets", "warning", found.warnings[0], f"chmod 600 {path}", fix)
    unasked = f"; not asked: {', '.join(commands)}" if commands else ""
    return ok("secrets", f"found: {', '.join(found.names) or 'none'}{unasked}")


def _port(target: Target, engine: Engine) -> Finding:
    engine.check()
    port = target.port if isinstance(target, ProcessTarget) else target.published
    return ok("port", f"port {port} is free, or serves this project")


def _serving(name: str, engine: Engine) -> Finding:
    now = engine.serving()
    if now.state in ("dead", "unhealthy"):
        return Finding(
            "service",
            "error",
            f"{now.release} is {now.state}: {now.detail}.",
            f"mldeploy up {name}",
        )
    return ok("service", f"{now.state}: {now.detail}")
