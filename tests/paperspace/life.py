"""A machine's states, which take a while, and the events that tell of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.paperspace import catalogue, parts
from tests.paperspace.account import Account, Event, Machine, Stage
from tests.paperspace.bill import an_hour

_NOTHING = timedelta(0)


def begin(account: Account, machine: Machine, *, start: bool = True) -> Event:
    """A new machine; from now on it costs something."""
    now = machine.created
    account.machines[machine.id] = machine
    account.meter(machine, "machine", machine.type.price, now)
    account.meter(machine, "storage", an_hour(catalogue.DISK_A_MONTH[machine.disk_gb]), now)
    if machine.address_type == "static":
        parts.claim(account, machine)
    event = _event(account, machine, "create")
    if account.stuck:
        error = account.stuck.pop(0)
        _plan(
            account, machine, [_under_way(account, event), _failure(account, machine, event, error)]
        )
        return event
    text = parts.script_at_boot(account, machine)
    if account.bodies and start:
        machine.body_waits = True
        account.bodies.launch(machine, text)
    stages = [_under_way(account, event), *_coming_up(account, machine, event, first=True)]
    if not start:
        stages = [_under_way(account, event), _going(account, machine, event)]
    _plan(account, machine, stages)
    return event


def start(account: Account, machine: Machine) -> Event:
    _enter(account, machine, "starting", account.now())
    event = _event(account, machine, "start")
    if account.bodies:
        machine.body_waits = True
        if machine.own_address is None:  # it was made to be off
            account.bodies.launch(machine, parts.script_at_boot(account, machine))
        else:
            account.bodies.start(machine, parts.scripts_again(account, machine))
    _plan(account, machine, [_under_way(account, event), *_coming_up(account, machine, event)])
    return event


def restart(account: Account, machine: Machine) -> Event:
    _enter(account, machine, "restarting", account.now())
    event = _event(account, machine, "restart")
    if account.bodies:
        machine.body_waits = True
        account.bodies.restart(machine, parts.scripts_again(account, machine))
    _plan(account, machine, [_under_way(account, event), *_coming_up(account, machine, event)])
    return event


def stop(account: Account, machine: Machine, at: datetime | None = None) -> Event:
    _enter(account, machine, "stopping", at or account.now())
    event = _event(account, machine, "stop")
    if account.bodies:
        machine.body_waits = True
        account.bodies.stop(machine)
    _plan(account, machine, [_under_way(account, event), _going(account, machine, event)], at)
    return event


def delete(account: Account, machine: Machine) -> Event:
    """It costs on until the event is done: that is when it is gone."""
    event = _event(account, machine, "deactivate")
    if account.stuck_deletes:
        error = account.stuck_deletes.pop(0)
        under_way = _under_way(account, event)
        _plan(account, machine, [under_way, _failure(account, machine, event, error)])
        return event
    if machine.state != "off":
        _enter(account, machine, "stopping", account.now())

    def gone(at: datetime) -> None:
        _done(event, at)
        parts.detach(account, machine)
        account.unmeter(machine, at)
        machine.deleted, machine.address = at, None
        machine.still_listed = account.lag.gone_in_lists
        for script in account.scripts.values():
            script.assigned.discard(machine.id)

    if account.bodies:
        machine.body_waits = True
        account.bodies.terminate(machine)
    ending = Stage(account.pace.looks, account.pace.ending, gone, waits=True)
    _plan(account, machine, [_under_way(account, event), ending])
    return event


def advance(account: Account) -> None:
    """Bring every machine to where it is by now."""
    now = account.now()
    for machine in list(account.machines.values()):
        _run_stages(account, machine, now)
        if (due := _shuts_down_at(account, machine)) and due <= now:
            stop(account, machine, due)
            _run_stages(account, machine, now)


def settle(account: Account) -> None:
    """Every machine goes through its stages to the last, but for a real one on its way.

    The clock goes on as long as that takes.
    """
    for machine in list(account.machines.values()):
        while machine.stages and not (machine.body_waits and machine.stages[0].waits):
            stage = machine.stages.popleft()
            at = max(account.now(), (machine.since or machine.created) + stage.lasts)
            account.skew += max(at - account.now(), _NOTHING)
            machine.since, machine.looks = at, 0
            stage.then(at)


def looked(machine: Machine) -> None:
    machine.looks += 1


def switched_itself_off(account: Account, machine: Machine) -> None:
    """`shutdown` inside it: it is off, and its disk is paid for."""
    if machine.exists and machine.state not in {"off", "stopping"}:
        machine.stages.clear()
        _is_off(account, machine, account.now())


def _run_stages(account: Account, machine: Machine, now: datetime) -> None:
    while machine.stages:
        stage = machine.stages[0]
        began = machine.since or machine.created
        due = began + stage.lasts
        if machine.looks < stage.looks and now >= due + account.pace.unwatched:
            due += account.pace.unwatched
        elif now < due or machine.looks < stage.looks:
            return
        elif stage.looks:
            due = now
        if stage.waits and machine.body_waits:
            return
        machine.stages.popleft()
        # What only time brings about happens when its time has come, whenever somebody asks.
        at = now if stage.waits and account.bodies else due
        machine.since, machine.looks = at, 0
        stage.then(at)


def _plan(
    account: Account, machine: Machine, stages: list[Stage], at: datetime | None = None
) -> None:
    machine.stages.clear()
    machine.stages.extend(stages)
    machine.since, machine.looks = at or account.now(), 0


def _under_way(account: Account, event: Event) -> Stage:
    def then(at: datetime) -> None:
        event.state, event.started = "in progress", at

    return Stage(account.pace.looks, _NOTHING, then)


def _coming_up(
    account: Account, machine: Machine, event: Event, *, first: bool = False
) -> list[Stage]:
    pace = account.pace

    def is_up(at: datetime) -> None:
        _done(event, at)
        _enter(account, machine, "serviceready", at)
        if first and account.scripts_skipped:
            account.scripts_skipped -= 1
        else:
            machine.ran += parts.scripts_now(account, machine, first=first)

    def is_ready(at: datetime) -> None:
        _enter(account, machine, "ready", at)
        machine.ready_since = at

    def has_its_address(at: datetime) -> None:
        machine.address = parts.address(account, machine)

    return [
        Stage(pace.looks, pace.starting, is_up, waits=True),
        Stage(pace.looks, pace.settling, is_ready),
        Stage(pace.addressless, _NOTHING, has_its_address),
    ]


def _going(account: Account, machine: Machine, event: Event) -> Stage:
    def then(at: datetime) -> None:
        _done(event, at)
        _is_off(account, machine, at)

    return Stage(account.pace.looks, account.pace.ending, then, waits=True)


def _failure(account: Account, machine: Machine, event: Event, error: str) -> Stage:
    """The event says so; the machine stays as something that is paid for."""

    def then(at: datetime) -> None:
        event.state, event.error, event.finished = "error", error, at

    return Stage(account.pace.looks, account.pace.starting, then)


def _is_off(account: Account, machine: Machine, at: datetime) -> None:
    _enter(account, machine, "off", at)
    machine.ready_since = None
    if machine.address_type == "dynamic":
        machine.address = None


def _enter(account: Account, machine: Machine, state: str, at: datetime) -> None:
    if state == "off":
        account.unmeter(machine, at, "machine")
    elif machine.state == "off":
        account.meter(machine, "machine", machine.type.price, at)
    machine.state, machine.modified = state, at


def _event(account: Account, machine: Machine, name: str) -> Event:
    """A new one; what was under way is not any more."""
    if machine.event and machine.event.state in {"new", "in progress"}:
        machine.event.state, machine.event.finished = "cancelled", account.now()
    event = Event(**account.named("ev", name, foreign=machine.foreign), machine_id=machine.id)
    account.events[event.id] = machine.event = event
    return event


def _done(event: Event, at: datetime) -> None:
    event.state, event.finished = "done", at


def _shuts_down_at(account: Account, machine: Machine) -> datetime | None:
    hours = machine.settings.get("autoShutdownTimeout")
    enabled = machine.settings.get("autoShutdownEnabled") and account.auto_shutdown
    if not (enabled and hours and machine.state == "ready" and machine.ready_since):
        return None
    return machine.ready_since + timedelta(hours=hours)
