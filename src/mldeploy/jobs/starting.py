"""What a job has before it starts: its machine, its data, and what an earlier one left."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from mldeploy.errors import FailedError
from mldeploy.jobs import shelf
from mldeploy.jobs.places import JobPlace
from mldeploy.jobs.record import Job, Order
from mldeploy.prices import money
from mldeploy.project import Project
from mldeploy.ui import Ui

if TYPE_CHECKING:
    from mldeploy.data.base import Bind


def rent(project: Project, job: Job, place: JobPlace, ui: Ui) -> Job:
    if place.rental is None:
        return job
    machine = place.rental.rent(ui)
    if machine is None:
        raise FailedError(
            "machine-ended",
            what=f"The machine of job {job.number} ended at once.",
            why="The provider does not list it any more.",
            do=f"mldeploy run --from {job.number}",
        )
    price = money(machine.price.total, an_hour=True)
    return shelf.change(
        project,
        job,
        machine=machine.id,
        machine_type=machine.machine_type,
        price_per_hour=price,
    )


def data(project: Project, job: Job, place: JobPlace, ui: Ui) -> list[Bind]:
    if not job.order.data:
        return []
    from mldeploy.data.places import FarPlace, ThisPlace
    from mldeploy.data.placing import place as put_there
    from mldeploy.jobs.mounts import parse_mounts
    from mldeploy.machines.remote import RemoteMachine

    owner = project.config.project.name
    where: FarPlace | ThisPlace = ThisPlace(owner)
    if isinstance(place.machine, RemoteMachine):
        where = FarPlace(place.machine.connection, owner, place.runner.where)
    with ui.step("data of the job") as step:
        binds = put_there(where, parse_mounts(job.order.data), ui, project)
        step.say(", ".join(f"{bind.version or bind.source} at {bind.at}" for bind in binds))
    return binds


def resumed(project: Project, order: Order) -> Path | None:
    """What the job before left, else what was copied of it while it ran."""
    if order.resumes is None:
        return None
    before = shelf.place_of(project, order.resumes)
    if (before / "outputs").is_dir():
        return before / "outputs"
    if (before / "live").is_dir():
        beside = before / "resume"
        if not beside.is_dir():
            shutil.copytree(before / "live", beside / order.outputs)
        return beside
    raise FailedError(
        "nothing-to-resume",
        what=f"Job {order.resumes.partition('-')[0]} left nothing to go on from.",
        why="It made no file in its output folder, or it was not fetched.",
        do=f"mldeploy run --from {order.resumes.partition('-')[0]}   (from the beginning)",
    )
