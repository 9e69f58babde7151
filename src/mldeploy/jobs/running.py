"""The runbooks of jobs: start one, stay with it, bring home what came of it, end its machine.

In this order, so that nothing is lost: what came of a job is here, whole, before anything of it
is removed over there; and a machine that was rented for it ends itself, whatever happens here.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from mldeploy.errors import FailedError, Interrupted, MldeployError, RefusedError
from mldeploy.jobs import clearing, ends, fetching, places, sent, shelf, starting, tracking
from mldeploy.jobs.base import Seen
from mldeploy.jobs.places import JobPlace
from mldeploy.jobs.record import Job, Order
from mldeploy.jobs.watching import MachineGoneError, Watch
from mldeploy.project import Project
from mldeploy.providers import clock
from mldeploy.ui import Ui

LOOK_SECONDS = 0.2
STOP_SECONDS = 45  # for a command that is asked to end, and for packing what it made


def start(project: Project, order: Order, ui: Ui) -> Job:
    """Bring a job to run, apart from this command. What fails before leaves nothing behind."""
    job = shelf.new(project, order)
    place = places.of(project, job)
    try:
        job = starting.rent(project, job, place, ui)
        place.runner.make_ready(ui, gpu=order.gpu)
        with sent.unpacked(project, order.code) as code:
            place.runner.prepare(job, code, ui)
        binds = starting.data(project, job, place, ui)
        lies = tuple({"at": b.at, "version": b.version, "digest": b.digest} for b in binds)
        job = shelf.change(project, job, mounted=lies)
        with ui.step(f"start job {job.number}") as step:
            ui.explain(
                f"docker run -d --name mldeploy-{project.config.project.name}-job-{job.id} … "
                f"sh -c {shlex.quote(order.command)}",
                "apart from any connection: it goes on when this laptop sleeps",
            )
            place.runner.start(job, binds, starting.resumed(project, order))
            job = shelf.change(project, job, state="running", began=shelf.now())
            step.say(f"it runs on {place.runner.where}")
    except BaseException as error:
        _give_up(project, job, place, ui, error)
        if isinstance(error, MldeployError):
            error.do = do_for_job(error.do, job)
        raise
    return job


def attend(project: Project, job: Job, ui: Ui, out: Callable[[str], None]) -> Job:
    """Stay with a job until its end, and bring home what came of it.

    Ctrl+C only ends the staying: the job goes on. Raises RefusedError when another command of this
    folder stays with it.
    """
    place = places.of(project, job)
    with _alone(project, job):
        try:
            seen = Watch(project, job, place, ui, out).until_it_ends()
        except KeyboardInterrupt:
            raise Interrupted(come_back(job)) from None
        except MachineGoneError:
            return ends.gone(project, job, place, ui)
        return _finish(project, job, place, seen, ui)


def look(project: Project, job: Job, ui: Ui) -> Job:
    """How a job stands, asked where it runs. Changes nothing there, and writes nothing here: the
    command that stays with it may be doing that at this moment."""
    if job.state in ("fetched", "begun") or job.end == "not-started":
        return job
    place = places.of(project, job)
    try:
        seen = place.runner.look(job)
    except MldeployError:
        if place.rental is None or not place.rental.is_gone(ui):
            raise
        return ends.gone(project, job, place, ui)
    if seen.state == "running":
        return job
    if seen.state == "none":
        if place.rental is not None and place.rental.is_gone(ui):
            return ends.gone(project, job, place, ui)
        now = shelf.find(project, job.id)  # another command may just have brought it home
        gone = replace(job, state="ended", end="killed", detail="it was removed")
        return now if now.state == "fetched" else gone
    return ends.as_ended(project, job, seen)


def fetch(project: Project, job: Job, ui: Ui, out: Callable[[str], None]) -> Job:
    """Bring home what a job left, now or when it has ended."""
    if job.end == "not-started":
        return job
    place = places.of(project, job)
    if job.state == "fetched":
        return _complete(project, job, place, ui, keeping=job.order.keep)
    seen = ends.look_or_gone(project, job, place, ui)
    if isinstance(seen, Job):
        return seen
    if seen.state == "running":
        return attend(project, job, ui, out)
    if seen.state == "none":
        raise _nothing_there(job, place)
    return _bring_home(project, job, place, seen, ui)


def stop(project: Project, job: Job, ui: Ui) -> Job:
    """End a job, and bring home what it has made so far; nothing of it stays where it ran."""
    if job.end == "not-started":
        return job
    place = places.of(project, job)
    if job.state == "fetched":
        return _complete(project, job, place, ui, keeping=False)
    if job.state == "begun":  # its start was cut off
        return _never_started(project, job, place, ui)
    seen = ends.look_or_gone(project, job, place, ui)
    if isinstance(seen, Job):
        return seen
    if seen.state == "running":
        with ui.step(f"ask job {job.number} to end") as step:
            place.runner.stop(job, STOP_SECONDS)
            step.say("it has")
        seen = place.runner.look(job)
    if (now := shelf.find(project, job.id)).state == "fetched":
        return now  # another command, which stayed with it, was quick
    if seen.state == "none":
        return _never_started(project, job, place, ui)
    try:
        return _bring_home(project, job, place, seen, ui)
    except RefusedError as error:
        if error.code != "locked":
            raise
        with ui.step("the command that stays with it brings home what it made"):
            return _once_fetched(project, job)


def remove(project: Project, job: Job, ui: Ui) -> list[str]:
    """Remove a job here and where it ran; one that runs is refused. Returns what went."""
    place = places.of(project, job)
    gone: list[str] = []
    if job.end != "not-started" and not job.cleared:
        if job.state == "running" and _still_runs(place, job):
            raise RefusedError(
                "job-runs",
                what=f"Job {job.number} runs.",
                why="What it makes would be lost.",
                do=f"mldeploy jobs stop {job.number}   (fetches what there is), then this again",
            )
        gone += clearing.remove_there(project, job, place, ui)
    shelf.remove(project, job)
    return [*gone, f"folder {shelf.place_of(project, job.id)}"]


def do_for_job(do: str, job: Job) -> str:
    """What renting says to do for a target, as one types it for a job. Pure."""
    name, number = job.machine_name, job.number
    in_place = {
        f"mldeploy up {name}": f"mldeploy run --from {number}",
        f"mldeploy plan {name}": f"mldeploy plan {job.order.target}",
        f"mldeploy doctor {name}": f"mldeploy doctor {job.order.target}",
        f"mldeploy down {name}": f"mldeploy jobs stop {number}",
    }
    for theirs, ours in in_place.items():
        do = do.replace(theirs, ours)
    return do


def come_back(job: Job) -> str:
    return (
        f"Job {job.number} goes on without you. Its log, and then all that it made: "
        f"mldeploy jobs logs -f {job.number}   ·   end it: mldeploy jobs stop {job.number}"
    )


# Small steps of the above


def _alone(project: Project, job: Job) -> AbstractContextManager[None]:
    """One command at a time reads a job's log on and fetches what it left."""
    from mldeploy.locks import held

    what = f"Another command stays with job {job.number} already."
    return held(shelf.place_of(project, job.id) / "lock", f"job {job.number}", what=what)


def _bring_home(project: Project, job: Job, place: JobPlace, seen: Seen, ui: Ui) -> Job:
    with _alone(project, job):
        if (now := shelf.find(project, job.id)).state == "fetched":
            return now
        Watch(project, job, place, ui, lambda _: None).read_on()
        return _finish(project, job, place, seen, ui)


def _finish(project: Project, job: Job, place: JobPlace, seen: Seen, ui: Ui) -> Job:
    """What is left to do for a job that has ended; may be done again after any failure."""
    packed = ends.packed(job, place, seen, ui)
    job = shelf.write(project, ends.as_ended(project, job, packed))
    try:
        with ui.step(f"fetch what job {job.number} left") as step:
            kept = fetching.fetch(job, place.runner, shelf.place_of(project, job.id), ui)
            whole = sum(one.bytes for one in kept)
            step.say(f"{len(kept)} files, {fetching.size(whole)}, each as its hash says")
    except KeyboardInterrupt:
        raise Interrupted(
            f"Nothing of job {job.number} was removed; go on: mldeploy jobs fetch {job.number}"
        ) from None
    job = shelf.change(
        project, job, state="fetched", fetched=shelf.now(), files=len(kept), bytes=whole
    )
    return _complete(project, job, place, ui, keeping=job.order.keep)


def _complete(project: Project, job: Job, place: JobPlace, ui: Ui, *, keeping: bool) -> Job:
    """Of a job whose files are all here: its runs into MLflow, and an end to it over there.

    Runs that MLflow does not take are no reason to go on paying for a machine: their files are
    here, and the next `jobs fetch` tries again.
    """
    trouble: MldeployError | None = None
    if not job.merged:
        try:
            found = tuple(tracking.bring_home(project, job, ui))
            job = shelf.change(project, job, runs=found, merged=True)
        except MldeployError as error:
            trouble = error
    if not (job.cleared or keeping):
        job = clearing.clear(project, job, place, ui)
    if trouble is not None:
        raise trouble
    return job


def _once_fetched(project: Project, job: Job) -> Job:
    """As another command leaves it; as it is after a minute, if that takes longer."""
    deadline = clock.monotonic() + STOP_SECONDS
    while (now := shelf.find(project, job.id)).state != "fetched":
        if clock.monotonic() > deadline:
            break
        clock.sleep(LOOK_SECONDS)
    return now


def _never_started(project: Project, job: Job, place: JobPlace, ui: Ui) -> Job:
    clearing.remove_there(project, job, place, ui)
    job = shelf.find(project, job.id)
    return shelf.change(project, job, state="ended", end="not-started", ended=shelf.now())


def _give_up(project: Project, job: Job, place: JobPlace, ui: Ui, error: BaseException) -> None:
    """Nothing of a job that did not start stays: no container, and no machine."""
    why = error.what if isinstance(error, MldeployError) else type(error).__name__
    with clearing.uninterrupted():
        try:
            clearing.remove_there(project, job, place, ui)
        except MldeployError as trouble:
            ui.note(f"what is left of job {job.number} is not known: {trouble.what}")
            ui.note(f"it ends itself; to end it now: mldeploy jobs stop {job.number}")
            shelf.change(project, job, detail=why)
            return
        shelf.change(project, job, state="ended", end="not-started", ended=shelf.now(), detail=why)


def _still_runs(place: JobPlace, job: Job) -> bool:
    return place.runner.look(job).state == "running"


def _nothing_there(job: Job, place: JobPlace) -> FailedError:
    return FailedError(
        "job-gone",
        what=f"Job {job.number} is not on {place.runner.where} any more.",
        why="Somebody removed it there.",
        do=f"mldeploy run --from {job.number}",
    )


def read_log_on(project: Project, job: Job, ui: Ui) -> None:
    """Have the log here as far as there is one."""
    with _alone(project, job):
        Watch(project, job, places.of(project, job), ui, lambda _: None).read_on()


def probe(target: str) -> Job:
    """Stands for any job of a target, to ask its place with."""
    return Job("0-0000", Order(command="", target=target), shelf.now(), "")
