"""Machines: how the engine on one is reached, near or far; base.py is the contract."""

from __future__ import annotations

from mldeploy.config import EngineTarget, RentedTarget, SshTarget
from mldeploy.machines.base import Machine
from mldeploy.project import Project


def machine_of(project: Project, name: str, target: EngineTarget) -> Machine:
    """The machine whose engine runs ``target``."""
    if isinstance(target, SshTarget):
        from mldeploy.machines.remote import OwnMachine

        return OwnMachine(project, name, target)
    if isinstance(target, RentedTarget):
        from mldeploy.machines.rented import RentedMachine

        return RentedMachine(project, name, target)
    from mldeploy.machines.this import ThisMachine

    return ThisMachine(project, target)
