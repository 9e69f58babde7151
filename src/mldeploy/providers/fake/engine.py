"""What serves on a simulated machine: a process of this computer, which ends with the machine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mldeploy.config import ProcessTarget
from mldeploy.engines.base import Serving
from mldeploy.engines.process import ProcessEngine
from mldeploy.prices import cost_so_far, money
from mldeploy.project import Project
from mldeploy.providers.base import Owner, Rented
from mldeploy.providers.fake.settings import FakeTarget
from mldeploy.providers.fake.simulation import Simulation

if TYPE_CHECKING:
    from mldeploy.ui import Ui


class SimulatedEngine(ProcessEngine):
    """A process engine that serves only while a machine is rented."""

    def __init__(self, project: Project, name: str, target: FakeTarget) -> None:
        process = ProcessTarget(
            port=target.published,
            ready_timeout=target.ready_timeout,
            env=target.env,
            secrets=target.secrets,
        )
        super().__init__(project, name, process)
        self.name = name
        self.renting = target
        self.owner = Owner(project.config.project.name, name)
        self.simulation = Simulation()

    def rent(self, ui: Ui) -> bool:
        """It has no boot to wait for."""
        from mldeploy.providers import renting

        renting.rent(renting.Desk.of(self.project, self.name, self.renting, ui))
        if machine := self.rented():
            self.simulation.serves(machine, self.runs)
        return False

    def rented(self) -> Rented | None:
        return next((each for each in self.simulation.machines(self.owner) if _alive(each)), None)

    def what_stays(self) -> list[str]:
        machine = self.rented()
        if machine is None:
            return []
        so_far = money(cost_so_far(machine.price, machine.began, datetime.now(UTC)))
        return [
            f"{machine.id} is rented: ${so_far} of play money so far",
            f"go on: mldeploy up {self.name}   ·   end it: mldeploy down {self.name}",
        ]

    def serving(self) -> Serving:
        if self.rented() is None:
            return Serving("down", detail="no machine is rented for it")
        return super().serving()


def _alive(machine: Rented) -> bool:
    return machine.state in ("starting", "running")
