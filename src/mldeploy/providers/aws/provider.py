"""EC2 behind the contract of a provider."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from functools import cached_property, partial
from typing import TYPE_CHECKING

from mldeploy.errors import MldeployError
from mldeploy.prices import Price, Size, Table, table
from mldeploy.providers import lifetime, patience, tags
from mldeploy.providers.aws import belt, ending, find, launch, network
from mldeploy.providers.aws.errors import UnknownOutcomeError
from mldeploy.providers.aws.session import Session
from mldeploy.providers.aws.settings import AwsTarget
from mldeploy.providers.base import (
    Account,
    Ended,
    Intend,
    Listed,
    Order,
    Owner,
    Provider,
    Rented,
    Say,
)

if TYPE_CHECKING:
    from mldeploy.doctor.checks import Check


class Aws(Provider):
    """Machines of one region; what is ours is found in all of them."""

    kind = "aws"
    title = "AWS"
    makes = "ec2:RunInstances"
    settings = AwsTarget
    target: AwsTarget

    @classmethod
    def anywhere(cls) -> Aws | None:
        made = cls(AwsTarget())
        if not made.session.has_credentials:
            return None
        if not made.session.has_region:  # any will do to ask for the others
            made = cls(AwsTarget(region="us-east-1"))
        return made

    @cached_property
    def session(self) -> Session:
        return Session(self.target)

    @property
    def region(self) -> str:
        return self.session.region

    def check(self) -> Account:
        return self.session.account

    # Prices

    @cached_property
    def _table(self) -> Table:
        return table(self.kind)

    def sizes(self) -> Sequence[tuple[Size, Decimal]]:
        return self._table.sizes(self.region)

    def price(self, machine_type: str) -> Price:
        return self._table.price(self.region, machine_type, self.target.disk_gb)

    def plan(self) -> Sequence[str]:
        target = self.target
        kind = "a spot machine" if target.spot else "a machine"
        size = self._table.size(self.region, target.machine_type)
        gpu = f", {size.gpu}" if size.gpu else ""
        memory = f"{size.memory / 2**30:g} GB"
        lines = [
            f"{kind} {target.machine_type} ({size.cpus} CPUs, {memory}{gpu}) in {self.region}",
            f"an encrypted disk of {target.disk_gb} GB, which goes with it",
            "a public address, which goes with it",
            "a security group: ssh from "
            + (target.ssh_from or "this laptop's address alone")
            + ("" if target.private else ", the service from everywhere"),
            "a key, made for it",
        ]
        if target.or_machine_types:
            lines.append(f"or, where none is free: {', '.join(target.or_machine_types)}")
        if target.second_belt_role:
            lines.append("a schedule that ends it a little after its lifetime")
        return lines

    # The machine

    def create(self, order: Order, intend: Intend, say: Say) -> Rented:
        if found := self._of_rental(order):
            return found
        groups: list[str] = []
        try:
            ground = launch.prepare(self.session, order, self._ssh_from(), intend, say, groups)
            if isinstance(ground, Rented):
                return ground
            made = launch.run(self.session, order, ground, self._size, intend, say)
        except UnknownOutcomeError:
            raise  # a machine may exist: what it needs stays, and the next call finds it
        except MldeployError:
            if not self._lives(order.owner):
                self._tidy(order, groups or self._groups(order), intend)
            raise
        try:
            belt.buckle(self.session, made, order.expires_at, intend)
        except MldeployError as error:  # the machine is there, and ends itself without it
            say(f"no schedule was made that would end it too: {error.what} {error.why}")
        return made

    def get(self, owner: Owner) -> Rented | None:
        there = find.instances(self.session, self.region, find.ours(owner))
        seen = [find.rented(self.region, one) for one in there]
        alive = [one for one in seen if one.state in ("starting", "running", "stopped")]
        ending_now = [one for one in seen if one.state == "ending"]
        return max(alive or ending_now, key=lambda one: one.generation, default=None)

    def ended(self, owner: Owner) -> Rented | None:
        """EC2 lists a terminated machine for about an hour."""
        there = find.instances(self.session, self.region, find.ours(owner))
        seen = [find.rented(self.region, one) for one in there]
        gone = [one for one in seen if one.state in ("ending", "ended")]
        return max(gone, key=lambda one: one.generation, default=None)

    def last_generation(self, owner: Owner) -> int:
        there = find.instances(self.session, self.region, find.ours(owner))
        return max((tags.generation(find.marks_of(one)) for one in there), default=0)

    def let_in(self, rented: Rented, intend: Intend) -> None:
        for group in rented.parts:
            network.let_in(self.session, group, self._ssh_from(), intend)

    def admit(self, rented: Rented, public_key: str, intend: Intend) -> None:
        intend("ec2-instance-connect:SendSSHPublicKey", rented.id)
        self.session.call(
            "ec2-instance-connect",
            "send_ssh_public_key",
            InstanceId=rented.id,
            InstanceOSUser=rented.user,
            SSHPublicKey=public_key,
            AvailabilityZone=rented.place,
        )

    def open_ports(self, rented: Rented, ports: tuple[int, ...], intend: Intend) -> None:
        for group in rented.parts:
            network.open_ports(self.session, group, ports, intend)

    def extend(self, rented: Rented, expires_at: datetime | None, intend: Intend) -> None:
        mark = [{"Key": tags.EXPIRES, "Value": lifetime.as_tag(expires_at)}]
        things = find.things(self.session, self.region, rented.owner)
        names = [rented.id, *(t.id for t in things if t.kind in ("disk", "group"))]
        intend("ec2:CreateTags", ", ".join(names))
        self.session.call("ec2", "create_tags", Resources=names, Tags=mark)
        belt.buckle(self.session, rented, expires_at, intend)

    def destroy(self, owner: Owner, intend: Intend, say: Say) -> Ended:
        return ending.destroy(self.session, owner, intend, say)

    def list_ours(self) -> Listed:
        return find.everywhere(self.session)

    def checks(self) -> list[Check]:
        from mldeploy.providers.aws import doctor

        return doctor.checks(self.session, self.target, self._table)

    # Small steps of the above

    def _size(self, machine_type: str) -> Size:
        return self._table.size(self.region, machine_type)

    def _ssh_from(self) -> str:
        return self.target.ssh_from or self._this_laptop

    @cached_property
    def _this_laptop(self) -> str:
        return network.this_laptop()

    def _of_rental(self, order: Order) -> Rented | None:
        """Its machine if EC2 lists it, ended ones too: that order was carried out."""
        there = find.instances(self.session, self.region, find.ours(order.owner))
        seen = [find.rented(self.region, one) for one in there]
        return next((one for one in seen if one.rental == order.rental), None)

    def _lives(self, owner: Owner) -> bool:
        found = self.get(owner)
        return found is not None and found.state != "ending"

    def _tidy(self, order: Order, groups: list[str], intend: Intend) -> None:
        """The group and the key of a machine that was refused; `orphans` lists what stays."""
        key = launch.name_of(order)
        with suppress(MldeployError):
            intend("ec2:DeleteKeyPair", key)
            self.session.call("ec2", "delete_key_pair", KeyName=key)
        for group in groups:
            with suppress(MldeployError):
                intend("ec2:DeleteSecurityGroup", group)
                delete = partial(self.session.call, "ec2", "delete_security_group", GroupId=group)
                patience.once_known(delete)

    def _groups(self, order: Order) -> list[str]:
        """Of an earlier try; one that was made just now may not be listed yet."""
        things = find.things(self.session, self.region, order.owner)
        return [one.id for one in things if one.kind == "group" and one.rental == order.rental]
