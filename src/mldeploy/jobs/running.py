"""The runbooks of jobs: start one, stay with it, bring home what came of it, end its machine.

In this order, so that nothing is lost: what came of a job is here, whole, before anything of it
is removed over there; and a machine that was rented for it ends itself, whatever happens here.
"""

from __future__ import annotations

import shlex
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldeploy.errors import FailedError, Interrupted, MldeployError, RefusedError
from mldeploy.jobs import fetching, places, sent, shelf
from mldeploy.jobs.base import Seen
from mldeploy.jobs.places import JobPlace
from mldeploy.jobs.record import ENDS, Job, Order
from mldeploy.jobs.watching import MachineGoneError, Watch
from mldeploy.prices import money
from mldeploy.project import Project
from mldeploy.ui import Ui

if TYPE_CHECKING:
    from mldeploy.data.base import Bind

STOP_SECONDS = 45  # for a command that is asked to end, and for packing what it made


def start(project: Project, order: Order, ui: Ui) -> Job:
    """Bring a job to run, apart from this command. What fails before leaves nothing behind."""
    job = shelf.new(project, order)
    place = places.of(project, job)
    try:
        job = _rent(project, job, place, ui)
        place.runner.make_ready(ui, gpu=order.gpu)
        with sent.unpacked(project, order.code) as code:
            place.runner.prepare(job, code, ui)
        binds = _data(project, job, place, ui)
        lies = tuple({"at": b.at, "version": b.version, "digest": b.digest} for b in binds)
        job = shelf.change(project, job, mounted=lies)
        with ui.step(f"start job {job.number}") as step:
            ui.explain(
                f"docker run -d --name mldeploy-{project.config.project.name}-job-{job.id} … "
                f"sh -c {shlex.quote(order.command)}",
                "apart from any connection: it goes on when this laptop sleeps",
            )
            place.runner.start(job, binds, _resumed(project, order))
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

    Ctrl+C only ends the staying: the job goes on.
    """
    place = places.of(project, job)
    watch = Watch(project, job, place, ui, out)
    try:
        seen = watch.until_it_ends()
    except KeyboardInterrupt:
        raise Interrupted(come_back(job)) from None
    except MachineGoneError:
        return _gone(project, job, place, ui)
    return finish(project, job, place, seen, ui)


def finish(project: Project, job: Job, place: JobPlace, seen: Seen, ui: Ui) -> Job:
    """What is left to do for a job that has ended; may be called again after any failure."""
    job = _ended(project, job, place, seen, ui)
    with ui.step(f"fetch what job {job.number} left") as step:
        kept = fetching.fetch(job, place.runner, shelf.place_of(project, job.id), ui)
        whole = sum(one.bytes for one in kept)
        step.say(f"{len(kept)} files, {fetching.size(whole)}, each as its hash says")
    job = shelf.change(project, job, files=len(kept), bytes=whole)
    job = _bring_runs_home(project, job, ui)
    job = shelf.change(project, job, state="fetched", fetched=shelf.now())
    if not job.order.keep:
        job = _clear(project, job, place, ui)
    return job


def look(project: Project, job: Job, ui: Ui) -> Job:
    """How a job stands, asked where it runs; brought home if it has ended is what others do."""
    if job.state in ("fetched", "begun") or job.end == "not-started":
        return job
    place = places.of(project, job)
    try:
        seen = place.runner.look(job)
    except MldeployError:
        if place.rental is None or place.rental.found(ui) is not None:
            raise
        return _gone(project, job, place, ui)
    if seen.state == "running":
        return job
    if seen.state == "none":
        if place.rental is not None and place.rental.found(ui) is None:
            return _gone(project, job, place, ui)
        return shelf.change(project, job, state="ended", end="killed", detail="it was removed")
    return _ended(project, job, place, seen, ui)


def fetch(project: Project, job: Job, ui: Ui, out: Callable[[str], None]) -> Job:
    """Bring home what a job left, now or when it has ended."""
    place = places.of(project, job)
    if job.end == "not-started" or (job.state == "fetched" and not job.order.keep):
        return job
    seen = _look_or_gone(project, job, place, ui)
    if isinstance(seen, Job):
        return seen
    if seen.state == "running":
        return attend(project, job, ui, out)
    if seen.state == "none":
        raise _nothing_there(job, place)
    Watch(project, job, place, ui, lambda _: None).read_on()
    return finish(project, job, place, seen, ui)


def stop(project: Project, job: Job, ui: Ui) -> Job:
    """End a job, and bring home what it has made so far."""
    place = places.of(project, job)
    if job.state == "fetched" or job.end == "not-started":
        return job
    if job.state == "begun":  # its start was cut off
        _remove_there(project, job, place, ui)
        return shelf.change(project, job, state="ended", end="not-started", ended=shelf.now())
    seen = _look_or_gone(project, job, place, ui)
    if isinstance(seen, Job):
        return seen
    if seen.state == "running":
        with ui.step(f"ask job {job.number} to end") as step:
            place.runner.stop(job, STOP_SECONDS)
            step.say("it has")
        seen = place.runner.look(job)
    if seen.state == "none":
        _remove_there(project, job, place, ui)
        return shelf.change(project, job, state="ended", end="not-started", ended=shelf.now())
    Watch(project, job, place, ui, lambda _: None).read_on()
    return finish(project, job, place, seen, ui)


def remove(project: Project, job: Job, ui: Ui) -> list[str]:
    """Remove a job here and where it ran; one that runs is refused. Returns what went."""
    place = places.of(project, job)
    gone: list[str] = []
    if job.end != "not-started" and (job.state != "fetched" or job.order.keep):
        if job.state == "running" and _still_runs(place, job):
            raise RefusedError(
                "job-runs",
                what=f"Job {job.number} runs.",
                why="What it makes would be lost.",
                do=f"mldeploy jobs stop {job.number}   (fetches what there is), then this again",
            )
        gone += _remove_there(project, job, place, ui)
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


def _rent(project: Project, job: Job, place: JobPlace, ui: Ui) -> Job:
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


def _data(project: Project, job: Job, place: JobPlace, ui: Ui) -> list[Bind]:
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


def _resumed(project: Project, order: Order) -> Path | None:
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


def _give_up(project: Project, job: Job, place: JobPlace, ui: Ui, error: BaseException) -> None:
    """Nothing of a job that did not start stays: no container, and no machine."""
    why = error.what if isinstance(error, MldeployError) else type(error).__name__
    with _uninterrupted():
        try:
            _remove_there(project, job, place, ui)
        except MldeployError as trouble:
            ui.note(f"what is left of job {job.number} is not known: {trouble.what}")
            ui.note(f"it ends itself; to end it now: mldeploy jobs stop {job.number}")
            shelf.change(project, job, detail=why)
            return
        shelf.change(project, job, state="ended", end="not-started", ended=shelf.now(), detail=why)


def _remove_there(project: Project, job: Job, place: JobPlace, ui: Ui) -> list[str]:
    if place.rental is not None and place.machine is not None:
        return _end_machine(project, job, place, ui)  # and with it all that is on it
    gone: list[str] = []
    if place.machine is None or job.state != "begun" or _answers(place):
        gone = place.runner.remove(job)
    if place.rental is not None:
        gone += _end_machine(project, job, place, ui)
    return gone


def _answers(place: JobPlace) -> bool:
    """A place that was never reached holds nothing of the job."""
    try:
        place.runner.listed()
    except MldeployError:
        return False
    return True


def _end_machine(project: Project, job: Job, place: JobPlace, ui: Ui) -> list[str]:
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


def _ended(project: Project, job: Job, place: JobPlace, seen: Seen, ui: Ui) -> Job:
    """Write down how it ended; what its supervisor could not pack is packed now."""
    if seen.state == "died":
        with ui.step(f"pack what job {job.number} left"):
            place.runner.pack(job)
        packed = place.runner.look(job)
        seen = Seen("ended", {**packed.told, **seen.told, "end": name_of_death(seen.told)})
    told = seen.told
    return shelf.change(
        project,
        job,
        state="ended",
        end=told.get("end", "killed"),
        code=told.get("code"),
        began=told.get("began") or job.began,
        ended=told.get("ended") or shelf.now(),
        last=tuple(told.get("last") or _last_lines(project, job)),
    )


def name_of_death(told: dict[str, Any]) -> str:
    """Of a job whose supervisor went without a word: what the engine says of it."""
    if told.get("end") in ENDS:
        return str(told["end"])  # it was just packing
    return "out-of-memory" if told.get("oom") else "killed"


def _last_lines(project: Project, job: Job) -> list[str]:
    log = shelf.log_of(project, job)
    if not log.exists():
        return []
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]


def _gone(project: Project, job: Job, place: JobPlace, ui: Ui) -> Job:
    """Its machine is no more. What was copied while it ran is what there is; what may be left of
    the renting, a group or a key, goes too."""
    why = ""
    if place.rental is not None:
        with suppress(MldeployError):
            why = place.rental.why_ended(ui)
            _end_machine(project, job, place, ui)
    job = shelf.find(project, job.id)
    spot = "spot" in why.lower()
    return shelf.change(
        project,
        job,
        state="fetched",
        end="spot-interrupted" if spot else "machine-gone",
        ended=shelf.now(),
        detail=why,
        last=tuple(_last_lines(project, job)),
    )


def _look_or_gone(project: Project, job: Job, place: JobPlace, ui: Ui) -> Seen | Job:
    if place.rental is not None:
        found = place.rental.found(ui)
        if found is None or found.state in ("ending", "ended"):
            return _gone(project, job, place, ui)
    return place.runner.look(job)


def _still_runs(place: JobPlace, job: Job) -> bool:
    return place.runner.look(job).state == "running"


def _bring_runs_home(project: Project, job: Job, ui: Ui) -> Job:
    from mldeploy.jobs import tracking

    return shelf.change(project, job, runs=tuple(tracking.bring_home(project, job, ui)))


def _clear(project: Project, job: Job, place: JobPlace, ui: Ui) -> Job:
    """All that it left is here: now, and not before, it goes over there."""
    with _uninterrupted():
        if place.rental is None or place.machine is None:
            place.runner.remove(job)
        _end_machine(project, job, place, ui)
    return shelf.find(project, job.id)


def _nothing_there(job: Job, place: JobPlace) -> FailedError:
    return FailedError(
        "job-gone",
        what=f"Job {job.number} is not on {place.runner.where} any more.",
        why="Somebody removed it there.",
        do=f"mldeploy run --from {job.number}",
    )


@contextmanager
def _uninterrupted() -> Iterator[None]:
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


def probe(target: str) -> Job:
    """Stands for any job of a target, to ask its place with."""
    return Job("0-0000", Order(command="", target=target), shelf.now(), "")
