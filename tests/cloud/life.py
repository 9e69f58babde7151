"""An instance's states, which take a while: moto has it running at once and gone at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from tests.cloud import spot
from tests.cloud.refusals import Refused

if TYPE_CHECKING:
    from tests.cloud.world import World

CODES = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}
_NOTHING = timedelta(0)


@dataclass
class Pace:
    """A state ends when it was described so often *and* has lasted so long.

    ``addressless`` is how many descriptions of a running instance still lack its address.
    """

    pending_describes: int = 1
    pending: timedelta = _NOTHING
    ending_describes: int = 1
    ending: timedelta = _NOTHING
    addressless: int = 0
    remembered: timedelta = timedelta(hours=1)  # a terminated instance can be seen so long

    @classmethod
    def instant(cls) -> Pace:
        """The reply says pending, the next call says running."""
        return cls(pending_describes=0, ending_describes=0)


@dataclass
class Life:
    instance: Any  # moto's
    region: str
    since: datetime  # when it came to its state
    wants_address: bool
    looks: int = 0
    booted: bool = True  # with machines: False until one answers
    address: str | None = None  # a machine's own; else one for documentation
    reason: tuple[str, str] = ("", "")  # why it ended, if not by a call

    @property
    def id(self) -> str:
        return str(self.instance.id)

    @property
    def state(self) -> str:
        return str(self.instance.state)

    @property
    def is_over(self) -> bool:
        return self.state in {"shutting-down", "terminated"}

    def enter(self, state: str, now: datetime) -> None:
        from moto.ec2.models.instances import InstanceState

        # A new object: moto hands the old one out as the previous state.
        self.instance._state = InstanceState(state, CODES[state])
        self.since, self.looks = now, 0


def begin(world: World, instance: Any) -> Life:
    """A new instance; as on AWS its reply has no public address."""
    nic = instance.nics[0]
    life = Life(
        instance=instance,
        region=instance.ec2_backend.region_name,
        since=world.now(),
        wants_address=bool(nic.public_ip_auto_assign),
        booted=world.bodies is None,
    )
    nic.public_ip = None
    instance.launch_time = world.now().replace(tzinfo=None)  # moto's times are of UTC, unsaid
    life.enter("pending", world.now())
    world.lives[life.id] = life
    return life


def advance(world: World) -> None:
    """Bring every instance to where it is by now."""
    now = world.now()
    for life in list(world.lives.values()):
        if life.state == "pending" and life.booted and _is_ripe(life, world, now):
            life.enter("running", now)
        elif life.state == "stopping" and _is_ripe(life, world, now):
            life.instance.nics[0].public_ip = None
            life.enter("stopped", now)
        elif life.state == "shutting-down" and _is_ripe(life, world, now):
            _terminated(life, now)
        elif life.state == "terminated" and now - life.since >= world.pace.remembered:
            _forget(world, life)
        if life.state == "running":
            _address(world, life)


def _is_ripe(life: Life, world: World, now: datetime) -> bool:
    pace = world.pace
    if life.state == "pending":
        return life.looks >= pace.pending_describes and now - life.since >= pace.pending
    return life.looks >= pace.ending_describes and now - life.since >= pace.ending


def _address(world: World, life: Life) -> None:
    nic = life.instance.nics[0]
    if life.wants_address and nic.public_ip is None and life.looks >= world.pace.addressless:
        nic.public_ip = life.address or world.free_address()


def _terminated(life: Life, now: datetime) -> None:
    from moto.ec2.models.instances import StateReason

    life.instance.moto_terminate()  # volumes and interfaces go now
    spot.closed(life.instance)
    life.enter("terminated", now)
    code, message = life.reason
    if code:
        life.instance._reason = ""
        life.instance.state_reason = StateReason(message, code)


def _forget(world: World, life: Life) -> None:
    backend = life.instance.ec2_backend
    for reservation_id, reservation in list(backend.reservations.items()):
        if any(instance.id == life.id for instance in reservation.instances):
            del backend.reservations[reservation_id]
    backend.tags.pop(life.id, None)
    del world.lives[life.id]


def looked(world: World, region: str) -> None:
    """Somebody described the instances of a region."""
    for life in world.lives.values():
        if life.region == region:
            life.looks += 1


def terminate(world: World, life: Life, reason: tuple[str, str] = ("", "")) -> None:
    """By a call, by a schedule or from inside; without harm if it is over already."""
    if life.is_over:
        return
    life.reason = reason
    life.enter("shutting-down", world.now())
    if world.bodies:
        world.bodies.terminate(life.id)


def stop(world: World, life: Life) -> None:
    if life.state in {"stopping", "stopped"}:
        return
    if life.state != "running":
        _wrong_state(life, "stopped")
    life.enter("stopping", world.now())
    if world.bodies:
        world.bodies.stop(life.id)


def start(world: World, life: Life) -> None:
    if life.state in {"pending", "running"}:
        return
    if life.state != "stopped":
        _wrong_state(life, "started")
    life.enter("pending", world.now())
    if world.bodies:
        life.booted = False
        world.bodies.start(life)


def _wrong_state(life: Life, verb: str) -> NoReturn:
    said = f"The instance '{life.id}' is not in a state from which it can be {verb}."
    raise Refused("IncorrectInstanceState", said)


def ended_itself(world: World, instance_id: str) -> None:
    """`shutdown` inside the guest: InstanceInitiatedShutdownBehavior says what that means."""
    life = world.lives.get(instance_id)
    if life is None or life.is_over:
        return
    said = "Client.InstanceInitiatedShutdown: Instance initiated shutdown"
    if life.instance.instance_initiated_shutdown_behavior == "terminate":
        terminate(world, life, ("Client.InstanceInitiatedShutdown", said))
    elif life.state in {"pending", "running"}:
        life.enter("stopping", world.now())
        if world.bodies:
            world.bodies.stop(life.id)
