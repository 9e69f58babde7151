"""Engines run releases on a machine; base.py is the contract."""

from __future__ import annotations

from mldeploy.config import ProcessTarget, RentedTarget, Target
from mldeploy.engines.base import Engine
from mldeploy.project import Project


def engine_for(project: Project, name: str, target: Target) -> Engine:
    """The engine that runs ``target``."""
    if isinstance(target, ProcessTarget):
        from mldeploy.engines.process import ProcessEngine

        return ProcessEngine(project, name, target)
    if isinstance(target, RentedTarget):
        from mldeploy.engines.rented import RentedEngine
        from mldeploy.providers import provider_of

        own = provider_of(target).engine(project, name)
        return own or RentedEngine(project, name, target)
    from mldeploy.engines.docker import DockerEngine

    return DockerEngine(project, name, target)
