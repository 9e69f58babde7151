"""The Docker engine of a rented machine, which may not be there: then nothing serves."""

from __future__ import annotations

from datetime import UTC, datetime

from mldeploy import build, golden, history, timeline
from mldeploy.config import RentedTarget
from mldeploy.engines import event_file
from mldeploy.engines.base import Serving
from mldeploy.engines.docker import DockerEngine
from mldeploy.errors import MldeployError
from mldeploy.history import Event
from mldeploy.machines.rented import RentedMachine
from mldeploy.project import Project, locked_requirements
from mldeploy.providers.base import Rented
from mldeploy.release import Release
from mldeploy.timeline import Span
from mldeploy.ui import Ui


class RentedEngine(DockerEngine):
    """As any other, but for what is asked of it while there is no machine."""

    machine: RentedMachine

    def __init__(self, project: Project, name: str, target: RentedTarget) -> None:
        super().__init__(project, name, target, RentedMachine(project, name, target))

    def rent(self, ui: Ui) -> bool:
        if self.machine.rented is None:
            self._see_that_there_is_something_to_serve(ui)
        fresh = self.machine.rent(ui)
        for known in ("client", "edge"):
            self.__dict__.pop(known, None)
        return fresh

    def rented(self) -> Rented | None:
        return self.machine.rented

    def meanwhile(self) -> list[Span]:
        return timeline.between(self.machine.boot.moments) if self.machine.boot else []

    def what_stays(self) -> list[str]:
        if self.machine.boot:
            self.machine.boot.stop()
        self.machine.forget()
        then = f"go on: mldeploy up {self.name}   ·   end it: mldeploy down {self.name}"
        try:
            if self.machine.rented is None:
                if self.machine.shelf.order() is None:
                    return []
                return ["an order was begun: whether a machine came of it is not known", then]
            return [self.machine.costs(datetime.now(UTC)), then]
        except MldeployError as error:
            return [f"whether a machine is rented is not known: {error.what}", then]

    @property
    def url(self) -> str:
        return super().url if self._there else ""

    def serving(self) -> Serving:
        machine = self.machine.rented
        if machine is None:
            return Serving("down", detail="no machine is rented for it")
        if machine.address is None or machine.state != "running":
            return Serving("down", detail=f"its machine {machine.id} is {machine.state}")
        return super().serving()

    def releases(self) -> list[Release]:
        return super().releases() if self._there else []

    def history(self) -> list[Event]:
        if self._there:
            return super().history()
        return history.merged(event_file.read(self.folder), [])

    def _see_that_there_is_something_to_serve(self, ui: Ui) -> None:
        """What would end an `up` anyway is found before a machine is paid for."""
        champion = build.look_up_champion(self.project, ui)
        golden.read(self.project.golden, champion.run_id)
        locked_requirements(self.project)

    @property
    def _there(self) -> bool:
        machine = self.machine.rented
        return machine is not None and machine.address is not None and machine.state == "running"
