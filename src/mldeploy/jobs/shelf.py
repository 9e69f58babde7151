"""The project's own record of its jobs: a folder each under .mldeploy/jobs, found by number."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mldeploy.errors import ConfigError
from mldeploy.jobs.record import Job, Order
from mldeploy.project import Project
from mldeploy.who import user_and_host

RECORD = "job.json"


def folder_of(project: Project) -> Path:
    return project.state / "jobs"


def place_of(project: Project, job_id: str) -> Path:
    return folder_of(project) / job_id


def new(project: Project, order: Order) -> Job:
    """Write a job down under the next number, before anything is done for it."""
    project.make_state()
    folder_of(project).mkdir(exist_ok=True)
    number = max((int(job.number) for job in all_of(project)), default=0) + 1
    while True:  # somebody else may be at it in the same folder
        job_id = f"{number}-{secrets.token_hex(2)}"
        try:
            (folder_of(project) / f".{number}").mkdir()
        except FileExistsError:
            number += 1
            continue
        place_of(project, job_id).mkdir()
        job = Job(job_id, order, now(), user_and_host())
        write(project, job)
        return job


def write(project: Project, job: Job) -> Job:
    """Keep it as it is now; whole or not at all."""
    place = place_of(project, job.id)
    place.mkdir(parents=True, exist_ok=True)
    draft = place / f"{RECORD}.{os.getpid()}"
    draft.touch(mode=0o600)  # a variable may be a secret
    draft.write_text(json.dumps(job.as_dict(), indent=2) + "\n", encoding="utf-8")
    draft.replace(place / RECORD)
    return job


def change(project: Project, job: Job, **told: Any) -> Job:
    return write(project, replace(job, **told))


def all_of(project: Project) -> list[Job]:
    """The oldest first."""
    return sorted(_readable(project), key=lambda job: (int(job.number), job.created))


def find(project: Project, name: str | None) -> Job:
    """By number, by whole id, or the latest; raises ConfigError."""
    jobs = all_of(project)
    if not jobs:
        raise ConfigError(
            "no-jobs",
            what="This project has run no job yet.",
            why=f"There is none in {folder_of(project)}.",
            do="mldeploy run -- make train     (jobs of another laptop: mldeploy jobs --on TARGET)",
        )
    if name is None:
        return jobs[-1]
    found = [job for job in jobs if name in (job.number, job.id)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError(
            "two-jobs",
            what=f"There are two jobs {name}.",
            why=f"Two laptops counted alike: {', '.join(job.id for job in found)}.",
            do=f"name it whole, such as {found[0].id}",
        )
    raise ConfigError(
        "no-such-job",
        what=f"There is no job {name} here.",
        why=f"The last ones are {', '.join(job.number for job in jobs[-5:])}.",
        do="mldeploy jobs     (lists them; those of another laptop: mldeploy jobs --on TARGET)",
    )


def users_of(project: Project) -> Callable[[str], list[str]]:
    """Which jobs, begun here and not known to have ended, have mounted the data of a digest."""
    alive = [job for job in all_of(project) if job.state in ("begun", "running")]

    def users(digest: str) -> list[str]:
        return [f"job {j.number}" for j in alive if digest in {one["digest"] for one in j.mounted}]

    return users


def remove(project: Project, job: Job) -> None:
    shutil.rmtree(place_of(project, job.id), ignore_errors=True)
    if not any(other.order.code == job.order.code for other in all_of(project)):
        code_of(project, job.order.code).unlink(missing_ok=True)


def code_of(project: Project, digest: str) -> Path:
    """The code of jobs, as it was sent, for `jobs code` and `run --from`."""
    return project.state / "code" / f"{digest[:24]}.tar.gz"


def log_of(project: Project, job: Job) -> Path:
    return place_of(project, job.id) / "log"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _readable(project: Project) -> Iterator[Job]:
    for record in folder_of(project).glob(f"*/{RECORD}"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            yield Job.read(json.loads(record.read_text(encoding="utf-8")))
