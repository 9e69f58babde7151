"""What is known of one job: what was asked for, how it stands, how it ended. Pure values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, Literal

from mldeploy.jobs import machine_names

State = Literal["begun", "waiting", "running", "packing", "ended", "fetched"]

# How a job can end. The first five its own supervisor tells, the others are seen from outside.
ENDS = {
    "succeeded": "its command ended with 0",
    "failed": "its command ended with an error",
    "timed-out": "its longest time was over",
    "stopped": "somebody stopped it",
    "out-of-memory": "the machine, or its GPU, had not enough memory for it",
    "disk-full": "the disk of its machine was full",
    "killed": "its machine was restarted, or ended it",
    "machine-gone": "its machine is no more: its lifetime was over, or somebody ended it",
    "spot-interrupted": "the cloud took its spot machine back",
    "not-started": "it never came to run",
}


@dataclass(frozen=True)
class Order:
    """What was asked for. ``data`` are `SRC:MOUNT` as typed; ``max_seconds`` None for no end.

    ``code`` names the code that is run, by its content; ``python`` is the version that its image
    is made for. ``resumes`` is the job whose outputs are laid into its place before it starts.
    """

    command: str
    target: str
    gpu: bool = False
    machine_type: str | None = None
    max_seconds: int | None = None
    ttl: str | None = None  # of the machine that is rented for it
    message: str = ""
    env: dict[str, str] = field(default_factory=dict)
    data: tuple[str, ...] = ()
    requirements: str | None = None
    base: str | None = None
    python: str | None = None
    floyd: bool = False
    outputs: str = "outputs"
    register: bool = False
    keep: bool = False
    code: str = ""
    commit: str | None = None
    dirty: bool = False
    resumes: str | None = None
    after: str | None = None  # the job of which it is a repetition


@dataclass(frozen=True)
class Job:
    """One job. Times are ISO 8601; ``bytes`` is the size of what it left, ``cost`` in US dollars.

    ``machine`` is None where nothing was rented for it. ``last`` are the last lines of its log.
    """

    id: str
    order: Order
    created: str
    made_by: str
    state: State = "begun"
    end: str | None = None
    code: int | None = None
    began: str | None = None
    ended: str | None = None
    fetched: str | None = None
    files: int = 0
    bytes: int = 0
    last: tuple[str, ...] = ()
    mounted: tuple[dict[str, str], ...] = ()  # at, version and digest of its data
    machine: str | None = None
    machine_type: str | None = None
    price_per_hour: str | None = None
    cost: str | None = None
    runs: tuple[dict[str, Any], ...] = ()
    detail: str = ""
    merged: bool = False  # its MLflow runs are in the project's own store
    cleared: bool = False  # nothing of it is left where it ran

    @property
    def number(self) -> str:
        return self.id.partition("-")[0]

    @property
    def machine_name(self) -> str:
        """Of the machine that is rented for it alone."""
        return machine_names.name_of(self.order.target, self.id)

    def lasted(self, now: datetime) -> timedelta | None:
        if self.began is None:
            return None
        until = datetime.fromisoformat(self.ended) if self.ended else now
        return until - datetime.fromisoformat(self.began)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, told: dict[str, Any]) -> Job:
        """Raises KeyError or TypeError for what is none; fields of later versions are left out."""
        known = {each.name for each in fields(cls)}
        order_known = {each.name for each in fields(Order)}
        order = {key: value for key, value in told["order"].items() if key in order_known}
        given = {key: value for key, value in told.items() if key in known}
        for key in ("last", "runs", "mounted"):
            given[key] = tuple(given.get(key) or ())
        order["data"] = tuple(order.get("data") or ())
        return cls(**(given | {"order": Order(**order)}))


def headline(job: Job) -> str:
    """Its state in a word, for tables."""
    if job.state == "fetched":
        return job.end or "ended"
    if job.state == "ended" and job.end != "not-started":
        return f"{job.end}, to fetch"
    if job.state == "ended":
        return "not-started"
    return job.state


def why(job: Job) -> str:
    """How it ended, as a sentence's second half."""
    told = ENDS.get(job.end or "", "")
    if job.end == "failed":
        return f"its command ended with {job.code}"
    return told + (f" ({job.detail})" if job.detail else "")
