"""Where a job runs: the runner of its target, and the machine that is rented for it alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from mldeploy.config import ProcessTarget, RentedTarget, Target
from mldeploy.errors import ConfigError, RefusedError
from mldeploy.images.recipe import base_for
from mldeploy.jobs import machine_names
from mldeploy.jobs.base import Runner
from mldeploy.jobs.record import Job
from mldeploy.machines import machine_of
from mldeploy.project import Project
from mldeploy.providers import clock, lifetime, provider_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from mldeploy.doctor.checks import Check
    from mldeploy.machines.base import Machine
    from mldeploy.machines.rented import RentedMachine
    from mldeploy.prices import Size
    from mldeploy.providers import renting
    from mldeploy.providers.base import Ended, Rented
    from mldeploy.ui import Ui

BOOT = timedelta(minutes=15)  # from the order to the command's start: boot, Docker, image
FETCH = timedelta(minutes=30)  # after the command's end: for a laptop that has to wake up first
LOOKS, LOOK_SECONDS = 3, 3.0
LEAST_SHARE = 0.5  # of a lifetime too short for those two, what a command gets


@dataclass(frozen=True)
class JobPlace:
    """``machine`` is None where there is nothing to reach: on this computer without Docker.

    ``rental`` is None where nothing is rented.
    """

    runner: Runner
    machine: Machine | None
    rental: Rental | None


class Rental:
    """The machine of one job: nobody else's, so that it can be ended with the job."""

    def __init__(self, project: Project, job: Job, target: RentedTarget) -> None:
        self.project = project
        self.job = job
        self.target = target
        self.machine: RentedMachine | None = None

    def rent(self, ui: Ui) -> Rented | None:
        """Ask, rent, and return while it boots; one that is there already is taken."""
        from mldeploy.providers import renting

        if self.job.order.gpu:
            refuse_without_room(self._desk(ui).provider.room(), self.target.machine_type)
        for line in told_before(self.job, self.target):
            ui.note(line)
        if self.machine is not None:
            self.machine.rent(ui)
        else:
            renting.rent(self._desk(ui))
        return self.found(ui)

    def found(self, ui: Ui) -> Rented | None:
        """What the provider says of it now; None when there is none, or none any more."""
        desk = self._desk(ui)
        return desk.provider.get(desk.owner)

    def is_gone(self, ui: Ui) -> bool:
        """Is there no such machine any more? A list that leaves it out once is not believed: what
        follows is that all of it is ended, and what it may hold is lost."""
        for look in range(LOOKS):
            found = self.found(ui)
            if found is not None:
                return found.state in ("ending", "ended")
            if look < LOOKS - 1:
                clock.sleep(LOOK_SECONDS)
        return True

    def why_ended(self, ui: Ui) -> str:
        """In the cloud's words, as far as it has any."""
        desk = self._desk(ui)
        gone = desk.provider.ended(desk.owner)
        return gone.why if gone else ""

    def end(self, ui: Ui) -> Ended:
        from mldeploy.providers import ending

        return ending.end(self._desk(ui))

    def _desk(self, ui: Ui) -> renting.Desk:
        from mldeploy.providers import renting

        return renting.Desk.of(self.project, self.job.machine_name, self.target, ui)


def of(project: Project, job: Job) -> JobPlace:
    """The place of a job that was begun, also of one begun elsewhere; asks nobody."""
    from mldeploy.jobs.containers import ContainerRunner
    from mldeploy.jobs.processes import ProcessRunner

    name, target = project.config.target(job.order.target)
    if isinstance(target, ProcessTarget):
        return JobPlace(ProcessRunner(project), None, None)
    if not isinstance(target, RentedTarget):
        machine = machine_of(project, name, target)
        return JobPlace(ContainerRunner(project, machine, _words(target)), machine, None)
    asked = rented_for(target, job)
    rental = Rental(project, job, asked)
    if provider_of(asked).engine(project, job.machine_name) is not None:
        return JobPlace(ProcessRunner(project), None, rental)  # a machine that is only simulated
    from mldeploy.machines.rented import RentedMachine

    rental.machine = RentedMachine(project, job.machine_name, asked)
    where = f"the machine of job {job.number}"
    return JobPlace(ContainerRunner(project, rental.machine, where), rental.machine, rental)


def machine_named(project: Project, name: str) -> tuple[str, Target] | None:
    """The machine of a job by its own name, such as aws-job-3-ab12, for `ssh`, `extend`, `down`."""
    target = project.config.targets.get(machine_names.target_of(name) or "")
    if not isinstance(target, RentedTarget):
        return None
    return name, closed(target)


# Decisions, on values


def rented_for(target: RentedTarget, job: Job) -> RentedTarget:
    """The target as it is for one job: its machine type and lifetime, and nothing to be reached."""
    asked = closed(target)
    if job.order.machine_type:
        asked = msgspec.structs.replace(
            asked, machine_type=job.order.machine_type, or_machine_types=()
        )
    # Fetched while the machine boots.
    base = base_for(job.order.python, job.order.base) if job.order.python else job.order.base
    return msgspec.structs.replace(asked, ttl=job.order.ttl or target.ttl, base=base)


def closed(target: RentedTarget) -> RentedTarget:
    """Nothing is published by a job: SSH is the only way in."""
    return msgspec.structs.replace(target, private=True, domain=None, tls="auto")


def terms(target: Target, asked: int | None) -> tuple[int | None, str | None]:
    """How many seconds a command gets, and the lifetime of the machine that is rented for it.

    A rented machine always ends, and late enough to fetch what came of the job: its lifetime is
    the target's, or what was asked for and the time around it.
    """
    if not isinstance(target, RentedTarget):
        return asked, None
    if asked is not None:
        whole = BOOT + timedelta(seconds=asked) + FETCH
        return asked, f"{-(-whole // timedelta(minutes=1))}m"
    own = lifetime.parse(target.ttl)
    if own is None:
        return None, target.ttl
    usable = max(own - BOOT - FETCH, own * LEAST_SHARE)
    return int(usable.total_seconds()), target.ttl


def told_before(job: Job, target: RentedTarget) -> list[str]:
    """What a person should know before saying yes, besides the price."""
    lines = [f"job {job.number} gets a machine of its own, which is ended when all is fetched"]
    if job.order.max_seconds:
        most = timedelta(seconds=job.order.max_seconds)
        lines.append(f"its command gets {lifetime.words(most)}; then it is ended")
    if (whole := lifetime.parse(target.ttl)) is not None:
        lines.append(
            "if this laptop is not there at the job's end, what it made waits on the machine, "
            f"until {lifetime.words(whole)} after now: not longer"
        )
    return lines


def refuse_without_room(checks: Iterable[Check], machine_type: str) -> None:
    """Raise what the account's quota says, before a person is asked and anything is made."""
    for check in checks:
        finding = check.look()
        if finding.severity == "error":
            raise RefusedError(
                "no-room",
                what=f"Your account may not have a {machine_type} now.",
                why=finding.message,
                do=finding.remedy,
            )


def gpu_type(
    target: RentedTarget, sizes: Iterable[tuple[Size, Decimal]], most: Decimal | None
) -> str:
    """The machine type with a GPU: the target's own if it has one, else the cheapest."""
    listed = list(sizes)
    named = {size.name: size for size, _ in listed}
    own = named.get(target.machine_type)
    if own is not None and own.gpu:
        return target.machine_type
    fitting = [
        (price, size.name)
        for size, price in listed
        if size.gpu and "NVIDIA" in size.gpu and size.architecture == "x86_64"
    ]
    if not fitting:
        raise ConfigError(
            "no-gpu-type",
            what="No machine type with a GPU is known there.",
            why="The price table has none, and nothing is rented whose price nobody knows.",
            do="mldeploy prices --gpu     (lists them), then --machine-type TYPE",
        )
    price, name = min(fitting)
    if most is not None and price > most:
        raise ConfigError(
            "gpu-above-max-price",
            what=f"The cheapest machine with a GPU, {name}, costs ${price:.2f} an hour.",
            why=f"max_price in mldeploy.toml is {most}.",
            do="mldeploy prices --gpu, then a higher max_price",
        )
    return name


def _words(target: Target) -> str:
    host = getattr(target, "host", "")
    return host or "this machine's Docker"
