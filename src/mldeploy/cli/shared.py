"""What the verbs share: the project they work in, the TARGET argument, the voice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mldeploy import project as projects
from mldeploy.cli.main import Flags
from mldeploy.config import Target
from mldeploy.errors import ConfigError, MldeployError
from mldeploy.project import Project
from mldeploy.ui import Ui


def flags() -> Flags:
    return click.get_current_context().ensure_object(Flags)


def voice() -> Ui:
    """How this command speaks, by its flags."""
    given = flags()
    return Ui(as_json=given.as_json, explaining=given.explain, agreed=given.yes)


def current_project() -> Project:
    return projects.find(Path(flags().directory))


def project_if_any() -> Project | None:
    """For verbs that also work outside of one; a damaged mldeploy.toml is said all the same."""
    try:
        return current_project()
    except MldeployError as error:
        if error.code == "not-a-project":
            return None
        raise


def chosen_target(name: str | None) -> tuple[Project, str, Target]:
    """The project, and the target that was named or is the first of mldeploy.toml."""
    project = current_project()
    if name and (job := _job_of_machine(project, name)):
        raise ConfigError(
            "machine-of-a-job",
            what=f"{name} is the machine of job {job}: nothing is served there.",
            why="It is for that job alone, and ends with it.",
            do=f"mldeploy jobs show {job}   (or status, ssh, extend, down {name})",
        )
    return project, *project.config.target(name)


def _job_of_machine(project: Project, name: str) -> str:
    """The number of the job whose machine is called so; empty where it is none's."""
    from mldeploy.jobs.machine_names import job_of

    found = job_of(name)
    return found.partition("-")[0] if found and name not in project.config.targets else ""


def chosen_machine(name: str | None) -> tuple[Project, str, Target]:
    """As that, or the machine of a job by its own name, such as aws-job-3-ab12."""
    from mldeploy.jobs.places import machine_named

    project = current_project()
    found = machine_named(project, name) if name else None
    return project, *(found or project.config.target(name))


def complete_target(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    try:
        project = projects.find(Path(ctx.ensure_object(Flags).directory))
    except (MldeployError, OSError):
        return []  # completion has no place to complain
    return [name for name in project.config.targets if name.startswith(incomplete)]


def target_argument(command: Any) -> Any:
    """TARGET, optional: the first of mldeploy.toml is the default."""
    return click.argument("target", required=False, shell_complete=complete_target)(command)
