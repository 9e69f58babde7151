"""Remove what is of a job where it ran; a machine that was rented for it goes with all on it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from mldeploy.errors import FailedError, MldeployError
from mldeploy.jobs import shelf
from mldeploy.jobs.places import JobPlace
from mldeploy.jobs.record import Job
from mldeploy.prices import money
from mldeploy.project import Project
from mldeploy.ui import Ui


def clear(project: Project, job: Job, place: JobPlace, ui: Ui) -> Job:
    """All that it left is here: now, and not before, it goes over there."""
    with uninterrupted():
        if place.rental is None or place.machine is None:
            place.runner.remove(job)
        end_machine(project, job, place, ui)
    return shelf.change(project, shelf.find(project, job.id), cleared=True)


def remove_there(project: Project, job: Job, place: JobPlace, ui: Ui) -> list[str]:
    if place.rental is not None and place.machine is not None:
        return end_machine(project, job, place, ui)  # and with it all that is on it
    gone: list[str] = []
    if place.machine is None or job.state != "begun" or _answers(place):
        gone = place.runner.remove(job)
    if place.rental is not None:
        gone += end_machine(project, job, place, ui)
    return gone


def end_machine(project: Project, job: Job, place: JobPlace, ui: Ui) -> list[str]:
    """Raises FailedError when something of it is left: that is a bill."""
    from mldeploy.providers import ending

    if place.rental is None:
        return []
    ended = place.rental.end(ui)
    if ended.left or ended.unsure:
        first = ended.left[0] if ended.left else None
        raise FailedError(
            "not-all-ended",
            what=f"Not everything that was rented for job {job.number} has ended.",
            why="; ".join([*map(ending.costs, ended.left), *ended.unsure]),
            do=f"mldeploy jobs stop {job.number}" + (f", or: {first.end_it}" if first else ""),
        )
    bills = [ending.bill(one, ended.at) for one in ended.machines]
    if bills:
        shelf.change(project, job, cost=money(sum((bill.total for bill in bills), Decimal(0))))
    return [thing.text for thing in ended.removed]


def _answers(place: JobPlace) -> bool:
    """A place that was never reached holds nothing of the job."""
    try:
        place.runner.listed()
    except MldeployError:
        return False
    return True


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl+C waits until what is being removed has gone; its waits are bounded."""
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[bool] = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt
