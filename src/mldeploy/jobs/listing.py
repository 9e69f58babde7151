"""Jobs as tables, as text and as JSON."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from mldeploy.errors import ConfigError, MldeployError, RefusedError
from mldeploy.jobs import places, running, shelf, watching
from mldeploy.jobs.fetching import size
from mldeploy.jobs.record import Job, headline, why
from mldeploy.prices import money
from mldeploy.project import Project
from mldeploy.providers import lifetime
from mldeploy.ui import Ui, table

COMMAND_WIDTH = 36
METRICS = 3  # so many are shown in a table


def here(project: Project, ui: Ui) -> list[Job]:
    """Those of this folder, each as it stands now; one whose place is silent as it last was."""
    found = []
    for job in shelf.all_of(project):
        try:
            found.append(running.look(project, job, ui))
        except MldeployError as error:
            ui.note(f"how job {job.number} stands is not known: {error.what}")
            found.append(job)
    return found


def on(project: Project, target: str, ui: Ui) -> list[Job]:
    """Those that are on a target, whoever started them."""
    name, _ = project.config.target(target)
    mine = {job.id: job for job in here(project, ui) if job.order.target == name}
    theirs = {job.id: job for job in _there(project, name)}
    return sorted({**theirs, **mine}.values(), key=lambda job: (int(job.number), job.created))


def one(
    project: Project, name: str | None, target: str | None, ui: Ui
) -> tuple[Job, list[dict[str, Any]]]:
    """A job as it stands now, and its MLflow runs if it runs now. One of another laptop, on
    ``target``, is written down here as well."""
    found = _from_there(project, name, target) if target else shelf.find(project, name)
    job = running.look(project, found, ui)
    live: list[dict[str, Any]] = []
    if job.state == "running":
        live = watching.live_runs(job, places.of(project, job).runner)
    return job, live


def log(project: Project, job: Job, lines: int | None, ui: Ui) -> list[str]:
    """What there is of its log; what has come since this laptop last read it is fetched first."""
    if job.state == "ended" and job.end != "not-started":
        with suppress(RefusedError):  # who stays with it reads it on
            running.read_log_on(project, job, ui)
    file = shelf.log_of(project, job)
    text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    found = text.splitlines()
    return found if lines is None else found[-lines:] if lines else []


# As text and JSON. Pure.


def text(jobs: list[Job], now: datetime) -> str:
    if not jobs:
        return ""
    headings = ["job", "created", "state", "took", "on", "cost", "command", "message", "metrics"]
    rows = [
        [
            job.number,
            job.created[:16].replace("T", " "),
            headline(job),
            _took(job, now),
            job.order.target + (f" ({job.machine_type})" if job.machine_type else ""),
            f"${job.cost}" if job.cost else "",
            _short(job.order.command),
            _short(job.order.message),
            metrics_in_words(list(job.runs)),
        ]
        for job in jobs
    ]
    kept = [i for i, head in enumerate(headings) if i < 4 or any(row[i] for row in rows)]
    return table([headings[i] for i in kept], [[row[i] for i in kept] for row in rows])


def brief(project: Project, job: Job, now: datetime) -> str:
    """What is said at the end of `run`."""
    lines = [f"job {job.number}: {headline(job)}, {why(job)}" if job.end else f"job {job.number}: "
             f"{headline(job)}"]  # fmt: skip
    took = _took(job, now)
    where = f" on {job.order.target}"
    lines.append(f"  took     {took or 'no time'}{where}")
    if job.cost is not None:
        lines.append(f"  cost     ${job.cost} in all; {job.machine} has ended")
    if job.files:
        place = shelf.place_of(project, job.id)
        lines.append(f"  outputs  {job.files} files, {size(job.bytes)}: {place / 'outputs'}")
    for run in job.runs:
        lines.append(f"  run      {run['name']}: {metrics_in_words([run]) or 'no metrics'}")
    if job.end not in (None, "succeeded"):
        lines += [f"         | {line}" for line in job.last[-10:]]
        lines.append(f"  log      mldeploy jobs logs {job.number}")
        again = f"  again    mldeploy run --from {job.number}"
        place = shelf.place_of(project, job.id)
        if (place / "outputs").is_dir() or (place / "live").is_dir():
            again += " --resume   (goes on from what it had made)"
        lines.append(again)
    return "\n".join(lines)


def shown(project: Project, job: Job, now: datetime, live: list[dict[str, Any]]) -> str:
    """All of it, for `jobs show`."""
    order = job.order
    lines = [brief(project, job, now)]
    facts = {
        "id": job.id,
        "command": order.command,
        "message": order.message,
        "created": f"{job.created} by {job.made_by}",
        "began": job.began or "",
        "ended": job.ended or "",
        "longest": f"{order.max_seconds} s" if order.max_seconds else "",
        "machine": _machine(job, now),
        "data": ", ".join(order.data),
        "commit": (order.commit or "none") + (" and changes" if order.dirty else ""),
        "code": order.code[:24],
        "again": order.after or "",
        "now": "; ".join(f"{run.get('name')}: {metrics_in_words([run])}" for run in live),
    }
    lines += [f"  {name:8} {value}" for name, value in facts.items() if value]
    return "\n".join(lines)


def as_dict(job: Job, now: datetime, live: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """What scripts may rely on."""
    lasted = job.lasted(now)
    order = job.order
    return {
        "job": job.number,
        "id": job.id,
        "state": job.state,
        "end": job.end,
        "exit_code": job.code,
        "target": order.target,
        "command": order.command,
        "message": order.message,
        "created": job.created,
        "began": job.began,
        "ended": job.ended,
        "seconds": lasted.total_seconds() if lasted else None,
        "machine": job.machine,
        "machine_type": job.machine_type,
        "price_per_hour": job.price_per_hour,
        "cost": job.cost,
        "files": job.files,
        "bytes": job.bytes,
        "runs": list(job.runs) or live or [],
        "last": list(job.last),
        "detail": job.detail,
        "commit": order.commit,
        "code": order.code,
    }


def metrics_in_words(runs: list[dict[str, Any]]) -> str:
    found: dict[str, float] = {}
    for run in runs:
        for name, value in (run.get("metrics") or {}).items():
            found[name] = value["value"] if isinstance(value, dict) else value
    shown_ = [f"{name} {value:.4g}" for name, value in list(found.items())[:METRICS]]
    more = len(found) - METRICS
    return ", ".join(shown_) + (f" and {more} more" if more > 0 else "")


def _machine(job: Job, now: datetime) -> str:
    """What it runs on, and about what that has cost so far while it runs."""
    if not job.machine or not job.price_per_hour:
        return ""
    told = f"{job.machine}, a {job.machine_type}, ${job.price_per_hour} an hour"
    if job.cost is not None:
        return told
    hours = (now - datetime.fromisoformat(job.created)) / timedelta(hours=1)
    return f"{told}; about ${money(Decimal(job.price_per_hour) * Decimal(hours))} so far"


def _took(job: Job, now: datetime) -> str:
    lasted = job.lasted(now)
    return lifetime.words(lasted) if lasted is not None else ""


def _short(text_: str) -> str:
    line = " ".join(text_.split())
    return line if len(line) <= COMMAND_WIDTH else line[: COMMAND_WIDTH - 1] + "…"


def _there(project: Project, target: str) -> list[Job]:
    from mldeploy.config import RentedTarget

    _, settings = project.config.target(target)
    if isinstance(settings, RentedTarget):
        return []  # each has a machine of its own, which its own laptop knows; see `orphans`
    probe = running.probe(target)
    return places.of(project, probe).runner.listed()


def _from_there(project: Project, name: str | None, target: str) -> Job:
    found = [job for job in _there(project, project.config.target(target)[0])
             if name in (None, job.number, job.id)]  # fmt: skip
    known = {job.id for job in shelf.all_of(project)}
    if len(found) != 1:
        raise ConfigError(
            "no-such-job",
            what=f"There is no one job {name or ''} on {target}.",
            why=f"There are {', '.join(job.id for job in found) or 'none'} of it.",
            do=f"mldeploy jobs --on {target}",
        )
    job = found[0]
    if job.id in known:
        return shelf.find(project, job.id)
    return shelf.change(project, job, state="running")
