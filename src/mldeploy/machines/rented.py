"""A rented machine: found by its tags, reached with the keys that were made for it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from mldeploy.config import RentedTarget
from mldeploy.doctor.ssh_ports import listening_after
from mldeploy.errors import FailedError, MldeployError
from mldeploy.machines.remote import RemoteMachine
from mldeploy.prices import cost_so_far, money
from mldeploy.project import Project
from mldeploy.providers import clock, lifetime, renting, user_data
from mldeploy.providers.base import Rented
from mldeploy.providers.boot import Boot
from mldeploy.providers.shelf import Shelf
from mldeploy.ssh.address import Address
from mldeploy.ui import Ui

# $1 is the file that the first boot ends with, $2 how long to wait for it, in seconds.
WAIT = """\
n=0
while [ ! -e "$1" ]; do
  n=$((n + 1)); [ "$n" -gt "$2" ] && { echo waiting; exit 0; }
  sleep 1
done
cat "$1"
"""
INSTALL_SECONDS = 600
ASK_SECONDS = 5.0  # between two questions whether it is still there
FRESH_SECONDS, PAUSE_SECONDS = 60.0, 1.0
NO_WAY_IN = ("ssh-unreachable", "ssh-refused", "ssh-gone", "ssh-failed")
HOLDS = f"systemctl is-active {lifetime.UNIT}.timer 2>/dev/null; cat {lifetime.EXPIRES}"
LET_IN = """\
umask 077; mkdir -p ~/.ssh
grep -qxF "$1" ~/.ssh/authorized_keys 2>/dev/null || printf '%s\\n' "$1" >> ~/.ssh/authorized_keys
"""


class RentedMachine(RemoteMachine):
    """The machine of a target whose provider rents one, if it has one now."""

    target: RentedTarget

    def __init__(self, project: Project, name: str, target: RentedTarget) -> None:
        super().__init__(project, name, target)
        self.desk = renting.Desk.of(project, name, target, self.ui)
        self.boot: Boot | None = None
        self._asked = clock.monotonic()

    @property
    def called(self) -> str:
        return f"the machine of {self.name}"

    @cached_property
    def rented(self) -> Rented | None:
        """Asked once; None when there is none that could serve."""
        found = self.desk.provider.get(self.desk.owner)
        if found is None or found.state in ("ending", "ended"):
            return None
        if told := lifetime.warning(self.name, found.expires_at, datetime.now(UTC)):
            self.ui.note(told)
        return found

    @property
    def must_be(self) -> Rented:
        """Raises FailedError where there is no machine."""
        if self.rented is None:
            raise _no_machine(self.name)
        return self.rented

    def rent(self, ui: Ui) -> bool:
        """Rent one unless there is one; True when it boots now, and is to be waited for."""
        desk = renting.Desk.of(self.project, self.name, self.target, ui)
        made = renting.rent(desk)
        self.forget()
        if made is None:
            return False
        self.__dict__["rented"] = made
        self.boot = Boot(desk.provider, desk.owner).start()
        return True

    def is_no_more(self) -> bool:
        """Asked of the cloud now and then; where that does not answer, it is not known."""
        if clock.monotonic() - self._asked < ASK_SECONDS:
            return False
        self._asked = clock.monotonic()
        try:
            found = self.desk.provider.get(self.desk.owner)
        except MldeployError:
            return False
        return found is None or found.state in ("ending", "ended")

    def forget(self) -> None:
        """What was known of it; the next question asks the cloud again."""
        for known in ("rented", "connection", "host_facts", "_client"):
            self.__dict__.pop(known, None)

    def costs(self, now: datetime) -> str:
        """What stays and runs up, for who must decide what to do with it."""
        machine = self.must_be
        ends = "it has no end"
        if machine.expires_at:
            rest = lifetime.words(machine.expires_at - now)
            ends = f"it ends itself in {rest}"
        so_far = money(cost_so_far(machine.price, machine.began, now))
        hourly = money(machine.price.total, an_hour=True)
        return f"{machine.id} is rented: ${hourly} an hour, ${so_far} so far; {ends}"

    # The contract

    def host(self) -> str:
        if self.target.private:
            return "127.0.0.1"
        address = self.must_be.address
        if address is None:
            raise FailedError(
                "no-address",
                what=f"The machine of {self.name} has no address yet.",
                why=f"It is {self.must_be.state}.",
                do=f"mldeploy status {self.name}   in a few seconds",
            )
        return address

    def make_ready(self, ui: Ui) -> None:
        """Its boot over, this laptop let in, its lifetime held, its Docker there."""
        if self.boot is not None:
            with ui.step(f"wait until {self.must_be.id} has booted") as step:
                self.__dict__["rented"] = self.boot.wait()
                step.say(f"it answers at {self.must_be.address}")
        self._once_it_lets_in(self._log_in)
        self.desk.provider.open_ports(self.must_be, listening_after(self.target), self.shelf.intend)
        with ui.step("wait until Docker is installed there"):
            self._wait_for_first_boot()
        if self.boot is not None:
            self.boot.mark("the machine installs Docker")
            # The group `docker` counts from the next login on.
            self._once_it_lets_in(self.log_in_again)
        self.see_that_it_ends()
        super().make_ready(Ui(agreed=True, explaining=ui.explaining))

    def clear(self) -> None:
        """Nothing: all of it goes."""

    def login(self) -> list[str]:
        self._log_in()
        return super().login()

    # The way in

    def address(self) -> Address:
        machine, shelf = self.must_be, self.shelf
        shelf.know_host(_alias(machine), machine.host_key)
        options = (
            *("-i", str(shelf.login_key), "-o", "IdentitiesOnly=yes"),
            *("-o", f"UserKnownHostsFile={shelf.known_hosts}"),
            *("-o", f"HostKeyAlias={_alias(machine)}"),
        )
        return Address(f"{machine.user}@{self._where}", machine.port, options)

    @property
    def _where(self) -> str:
        return self.must_be.address or self.host()

    @cached_property
    def shelf(self) -> Shelf:
        return self.desk.shelf(self.desk.provider.check())

    def _log_in(self) -> None:
        # A home has another address tomorrow, and then waits in vain for an answer.
        self.desk.provider.let_in(self.must_be, self.shelf.intend)
        if not self.shelf.login_key.exists():
            self._get_let_in()
            return
        try:
            super()._log_in()
        except MldeployError as error:
            if error.code == "ssh-denied":  # rented by another laptop, which has other keys
                self._get_let_in()
            elif error.code in NO_WAY_IN:
                raise self._gone_or(error) from error
            else:
                raise

    def _get_let_in(self) -> None:
        """A key of this laptop's own, lent by the provider first, then let in for good."""
        with tempfile.TemporaryDirectory(prefix="mld-") as folder:
            public, _, _ = Shelf(Path(folder)).make_keys(f"mldeploy {self.desk.owner}")
            self.desk.provider.admit(self.must_be, public, self.shelf.intend)
            self.shelf.take_login_key(Path(folder))
        self.__dict__.pop("connection", None)
        super()._log_in()
        self.connection.run(LET_IN, public, seconds=30)

    def _gone_or(self, error: MldeployError) -> MldeployError:
        """Is it the line, or is the machine no more?"""
        now = self.desk.provider.get(self.desk.owner)
        if now is None or now.state in ("ending", "ended"):
            return _no_machine(self.name, "It has ended meanwhile.")
        return error

    # After the first boot

    def _once_it_lets_in(self, log_in: Callable[[], None]) -> None:
        """The sshd of a machine that boots greets, and is started once more by its first boot."""
        deadline = clock.monotonic() + (FRESH_SECONDS if self.boot else 0)
        while True:
            try:
                return log_in()
            except MldeployError as error:
                if error.code not in NO_WAY_IN or clock.monotonic() >= deadline:
                    raise
                clock.sleep(PAUSE_SECONDS)

    def _wait_for_first_boot(self) -> None:
        for left in range(INSTALL_SECONDS, 0, -20):
            said = self.connection.run(WAIT, user_data.BOOTED, "20", seconds=60).out.strip()
            if said == "ok":
                return
            if said != "waiting":
                break
            if left % 60 == 0:
                self.ui.note("still installing; cloud images update themselves first")
        # `super().make_ready` installs what is lacking, or says why it can't.

    def see_that_it_ends(self) -> None:
        """A machine that nothing ends would be a bill without an end: that is refused."""
        machine = self.must_be
        if machine.expires_at is None:
            return
        said = self.connection.run(HOLDS, seconds=30).out.split()
        if said and said[0] in ("active", "activating") and said[-1].isdigit():
            return
        raise FailedError(
            "no-lifetime",
            what=f"Nothing on {machine.id} would end it after its lifetime.",
            why=f"Its timer {lifetime.UNIT} is not active: the first boot did not run to its end.",
            do=f"mldeploy down {self.name}, then: mldeploy up {self.name}",
        )

    def extend(self, until: datetime | None) -> None:
        """Move its end: first on the machine, which is what counts, then for others to see."""
        if self.desk.provider.engine(self.project, self.name) is None:
            self._tell_its_end(until)
        renting.extend(self.desk, self.must_be, until)

    def _tell_its_end(self, until: datetime | None) -> None:
        self._log_in()
        ran = self.connection.run(lifetime.EXTEND, lifetime.in_file(until), seconds=60)
        said = ran.out.split()
        if ran.code != 0 or said[:1] != [lifetime.in_file(until)] or said[-1] != "active":
            raise FailedError(
                "not-extended",
                what=f"The end of {self.must_be.id} was not moved.",
                why=ran.err.strip()[-300:] or f"It answered {ran.out.strip()!r}.",
                do=f"mldeploy ssh {self.name} cat {lifetime.EXPIRES}   shows its end, in seconds "
                "since 1970",
            )


def _alias(machine: Rented) -> str:
    """Addresses are given to others later; a rental's name is not."""
    return f"mldeploy-{machine.rental}"


def _no_machine(name: str, why: str = "") -> FailedError:
    return FailedError(
        "no-machine",
        what=f"No machine is rented for {name}.",
        why=why or "None was, or its lifetime is over, or it was taken down.",
        do=f"mldeploy up {name}",
    )
