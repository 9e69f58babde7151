"""What a job's code runs in: the images of the project's training, or an environment here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mldeploy.jobs.record import Job, Order
from mldeploy.jobs.spec import Task
from mldeploy.project import Project

if TYPE_CHECKING:
    from mldeploy.images.recipe import ImageStep
    from mldeploy.ui import Ui


def of(project: Project, job: Job, code: Path) -> tuple[ImageStep, ...]:
    """The images of a job whose code lies, with nothing else, in ``code``."""
    from mldeploy.images import training
    from mldeploy.jobs.code import collect

    return training.steps(project, collect(code, whole=True), task_of(job.order), os.environ)


def environment_here(project: Project, job: Job, code: Path, ui: Ui) -> Path:
    """An interpreter of this machine with just what the job's code was locked with."""
    from mldeploy.images import training

    return training.environment_here(project, code, task_of(job.order), ui)


def task_of(order: Order) -> Task:
    return Task(
        command=order.command,
        gpu=order.gpu,
        env=dict(order.env),
        requirements=order.requirements,
        base=order.base,
        python=order.python,
        floyd=order.floyd,
        outputs=order.outputs,
    )
