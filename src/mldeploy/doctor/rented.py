"""What must hold for a rented target: could a machine be rented, and is the one there well?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import NoReturn

from mldeploy.config import RentedTarget
from mldeploy.doctor.checks import Check, Finding, Fix, ok
from mldeploy.engines.base import Engine
from mldeploy.engines.rented import RentedEngine
from mldeploy.errors import MldeployError
from mldeploy.machines.rented import RentedMachine
from mldeploy.prices import money
from mldeploy.project import Project
from mldeploy.providers import lifetime, provider_of
from mldeploy.providers.base import Rented

ASKED = "identity"  # the provider's own check without which nothing can be asked of its cloud


def checks(project: Project, target: RentedTarget, engine: Engine) -> list[Check]:
    """Those of the provider, and those of the machine where there is one to log in to."""
    of_provider = _provider_checks(target, engine)
    needs = ASKED if any(one.name == ASKED for one in of_provider) else ""
    try:
        machine = engine.rented()
    except MldeployError as error:
        unknown = error  # a name that outlives this block

        def say_why() -> NoReturn:
            raise unknown

        return [*of_provider, Check("machine", say_why, needs=needs)]
    looked = Check("machine", lambda: of_machine(machine, datetime.now(UTC)), needs=needs)
    if machine is None or machine.address is None or not isinstance(engine, RentedEngine):
        return [*of_provider, looked]
    return [*of_provider, looked, *_over_there(project, target, engine)]


def of_machine(machine: Rented | None, now: datetime) -> Finding:
    """Is one rented, what does it cost, and when does it end?"""
    if machine is None:
        return ok("machine", "none is rented now")
    name = machine.owner.target
    told = f"{machine.id}, a {machine.machine_type} in {machine.place}, is {machine.state}: "
    told += f"${money(machine.price.total, an_hour=True)} an hour"
    if machine.state == "stopped":
        return Finding(
            "machine",
            "error",
            f"{told}. Somebody stopped it; its disk goes on costing money.",
            f"start it there ({machine.page}), or: mldeploy down {name}",
        )
    rest = lifetime.left(machine.expires_at, now)
    if rest is None:
        return Finding("machine", "warning", f"{told}, and it has no end.", f"mldeploy down {name}")
    if not rest:
        return Finding(
            "machine",
            "error",
            f"{told}. It should have ended itself at {machine.expires_at:%Y-%m-%d %H:%M} UTC.",
            f"mldeploy down {name}",
        )
    told += f", and ends itself in {lifetime.words(rest)}"
    if rest <= lifetime.SOON:
        return Finding("machine", "warning", f"{told}.", f"mldeploy extend {name} 2h")
    return ok("machine", told)


def _provider_checks(target: RentedTarget, engine: Engine) -> list[Check]:
    """By the engine's own provider, which need not log in a second time."""
    if isinstance(engine, RentedEngine):
        return engine.machine.desk.provider.checks()
    return provider_of(target).checks()


def _over_there(project: Project, target: RentedTarget, engine: RentedEngine) -> list[Check]:
    from mldeploy.doctor import ssh

    machine = engine.machine
    mended = {
        "reachable": Fix("let in the address that this laptop has now", lambda _: _let_in(machine)),
        "login": Fix("let in a key of this laptop", lambda _: _log_in(machine)),
    }
    found = [
        replace(one, look=_with_fix(one, mended[one.name])) if one.name in mended else one
        for one in ssh.checks(project, target, machine, engine.serving)
    ]
    return [*found, Check("lifetime", lambda: _held(machine), needs="login")]


def _let_in(machine: RentedMachine) -> None:
    machine.desk.provider.let_in(machine.must_be, machine.shelf.intend)


def _log_in(machine: RentedMachine) -> None:
    machine.login()


def _with_fix(check: Check, fix: Fix) -> Callable[[], Finding]:
    def look() -> Finding:
        try:
            return check.look()
        except MldeployError as error:
            return Finding(check.name, "error", f"{error.what} {error.why}", error.do, fix)

    return look


def _held(machine: RentedMachine) -> Finding:
    """A machine that nothing ends would be a bill without an end."""
    machine.see_that_it_ends()
    return ok("lifetime", "a timer over there ends it, whatever becomes of this laptop")
