"""How a job ended: by its own supervisor's word, or by what is seen where it ran."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from mldeploy.errors import MldeployError
from mldeploy.jobs import clearing, shelf
from mldeploy.jobs.base import Seen
from mldeploy.jobs.places import JobPlace
from mldeploy.jobs.record import ENDS, Job
from mldeploy.project import Project
from mldeploy.ui import Ui

LAST_LINES = 20


def look_or_gone(project: Project, job: Job, place: JobPlace, ui: Ui) -> Seen | Job:
    if place.rental is not None and place.rental.is_gone(ui):
        return gone(project, job, place, ui)
    return place.runner.look(job)


def as_ended(project: Project, job: Job, seen: Seen) -> Job:
    """The job with how it ended; nothing is written."""
    told = seen.told
    end = name_of_death(told) if seen.state == "died" else told.get("end", "killed")
    return replace(
        job,
        state="ended",
        end=end,
        code=told.get("code"),
        began=told.get("began") or job.began,
        ended=told.get("ended") or shelf.now(),
        last=tuple(told.get("last") or last_lines(project, job)),
    )


def packed(job: Job, place: JobPlace, seen: Seen, ui: Ui) -> Seen:
    """What a job left whose supervisor went without a word is packed now."""
    if seen.state != "died":
        return seen
    with ui.step(f"pack what job {job.number} left"):
        place.runner.pack(job)
    packed = place.runner.look(job)
    return Seen("ended", {**packed.told, **seen.told, "end": name_of_death(seen.told)})


def name_of_death(told: dict[str, Any]) -> str:
    """Of a job whose supervisor went without a word: what the engine says of it."""
    if told.get("end") in ENDS:
        return str(told["end"])  # it was just packing
    return "out-of-memory" if told.get("oom") else "killed"


def gone(project: Project, job: Job, place: JobPlace, ui: Ui) -> Job:
    """Its machine is no more. What was copied while it ran is what there is; what may be left of
    the renting, a group or a key, goes too."""
    why = ""
    if place.rental is not None:
        with suppress(MldeployError):
            why = place.rental.why_ended(ui)
            clearing.end_machine(project, job, place, ui)
    job = shelf.find(project, job.id)
    spot = "spot" in why.lower()
    return shelf.change(
        project,
        job,
        state="fetched",
        merged=True,  # of what there is
        cleared=True,
        end="spot-interrupted" if spot else "machine-gone",
        ended=shelf.now(),
        detail=why,
        last=tuple(last_lines(project, job)),
    )


def last_lines(project: Project, job: Job) -> list[str]:
    log = shelf.log_of(project, job)
    if not log.exists():
        return []
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
