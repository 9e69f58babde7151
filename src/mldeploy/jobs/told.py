"""What is told of a job where it runs: its name, its labels, its variables, its order. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mldeploy.engines.docker_names import FOLDER, HOST, PROJECT, RECORD, ROLE, TARGET
from mldeploy.errors import FailedError
from mldeploy.jobs.record import Job
from mldeploy.programs import NO_TELEMETRY
from mldeploy.project import Project
from mldeploy.who import laptop

ROLE_JOB = "job"


def name_of(project: Project, job: Job) -> str:
    return f"mldeploy-{project.config.project.name}-job-{job.id}"


def labels_of(project: Project, job: Job) -> dict[str, str]:
    """Not those of the target itself: its `down` is about what serves. Variables may be secrets,
    and who may see a container sees its labels."""
    record = replace(job, runs=(), last=(), order=replace(job.order, env={}))
    return {
        PROJECT: project.config.project.name,
        TARGET: job.machine_name,
        ROLE: ROLE_JOB,
        FOLDER: str(project.root),
        HOST: laptop(),
        RECORD: json.dumps(record.as_dict()),
    }


def environment_of(job: Job) -> dict[str, str]:
    """What every job knows of itself; the user's own are in the order, which no `inspect` shows."""
    return {
        **NO_TELEMETRY,
        "MLDEPLOY_JOB": job.id,
        "MLDEPLOY_COMMIT": job.order.commit or "",
        "MLDEPLOY_DIRTY": "1" if job.order.dirty else "",
        "PYTHONUNBUFFERED": "1",
    }


def order_of(job: Job) -> dict[str, Any]:
    """What the supervisor reads: see project_side/job.py."""
    return {
        "command": job.order.command,
        "outputs": job.order.outputs,
        "env": job.order.env,
        "max_seconds": job.order.max_seconds,
    }


def refuse_without_gpu(info: Mapping[str, Any], where: str) -> None:
    """``info`` is what the engine says of itself."""
    devices = info.get("DiscoveredDevices") or []  # CDI, of engines from 28.2 on
    if "nvidia" in (info.get("Runtimes") or {}) or any("nvidia" in str(one) for one in devices):
        return
    raise FailedError(
        "no-gpu",
        what=f"Docker on {where} hands no GPU to containers.",
        why="It has no NVIDIA runtime: there is no GPU, or no NVIDIA Container Toolkit.",
        do="install it (https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/), "
        "or leave --gpu out",
    )
