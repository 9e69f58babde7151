"""The handle of the stand-in: where it is, and everything that a test may do to it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from tests.cloud import iam, lab, life, patches, schedules
from tests.cloud.bodies import MachineBodies, Machines
from tests.cloud.calls import Call
from tests.cloud.clients import Clients
from tests.cloud.clock import Clock
from tests.cloud.faults import Delay, Fault, When
from tests.cloud.gate import Gate
from tests.cloud.lag import Lag
from tests.cloud.life import Pace
from tests.cloud.plan import Plan
from tests.cloud.prices import Price
from tests.cloud.quotas import STANDARD
from tests.cloud.refusals import Answer
from tests.cloud.server import Server, moto_application
from tests.cloud.world import (
    FIRST_REGION,
    LEARNER,
    LEARNERS_SECRET,
    OUTSIDE,
    WORLD,
    Shortage,
    World,
)


class Cloud:
    """One at a time in a process: moto's state is the process's."""

    def __init__(self, *, port: int = 0, world: World = WORLD) -> None:
        self.world = world
        patches.install()
        patches.reset()
        world.clear()
        self.gate = Gate(world, moto_application(), self)  # WSGI, for who needs no socket
        self._server = Server(self.gate, port)
        self._clients = Clients(self._server.endpoint)
        self._clock: Clock | None = None
        self._machines: Machines | None = None

    # Where it is.

    @property
    def endpoint(self) -> str:
        return self._server.endpoint

    @property
    def environment(self) -> dict[str, str]:
        """For a process that is to take this for AWS; nobody's own settings are read."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": LEARNER,
            "AWS_SECRET_ACCESS_KEY": LEARNERS_SECRET,
            "AWS_REGION": FIRST_REGION,
            "AWS_DEFAULT_REGION": FIRST_REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "MLDEPLOY_PUBLIC_ADDRESS_FROM": f"{self.endpoint}/lab/address",
        } | dict.fromkeys(("NO_PROXY", "no_proxy"), _without_proxy())

    def client(self, service: str, *, region: str = FIRST_REGION) -> Any:
        """A client of boto3 past all faults, lags and permissions: to look from outside."""
        return self._clients.get(service, region=region, key=OUTSIDE)

    def learner(self, service: str, *, region: str = FIRST_REGION, attempts: int = 1) -> Any:
        """A client as the product has one; ``attempts`` is how often boto3 tries."""
        return self._clients.get(service, region=region, key=LEARNER, attempts=attempts)

    def client_with(
        self, service: str, *, key: str = LEARNER, secret: str, region: str = FIRST_REGION
    ) -> Any:
        """A client with other credentials than the learner's."""
        return self._clients.get(service, region=region, key=key, secret=secret)

    # What was asked.

    @property
    def calls(self) -> list[Call]:
        """Every call but those from outside, in order; see `calls_of`."""
        return self.world.calls

    def calls_of(self, action: str) -> list[Call]:
        """``action`` as in `fail`."""
        from tests.cloud.faults import fits

        return [call for call in self.calls if fits(action, call)]

    # What goes wrong.

    def fail(
        self,
        action: str,
        code: str | None = None,
        *,
        message: str = "",
        status: int | None = None,
        times: int = 1,
        when: When = "before",
        skip: int = 0,
        region: str | None = None,
        dry_runs: bool = False,
    ) -> Fault:
        """The next ``times`` such calls fail, after ``skip`` that do not.

        No ``code``: the connection is cut. ``when="after"``: the call is carried out, and then
        its answer is lost (no code) or says that it failed (a code, say InternalError). Calls
        with DryRun pass, unless ``dry_runs``.
        """
        fault = Fault(action, code, message, status, times, when, skip, region, dry_runs)
        self.world.faults.waiting.append(fault)
        return fault

    def delay(self, action: str, seconds: float) -> None:
        """Every such call takes so much longer; 0 ends it."""
        delays = self.world.faults.delays
        delays[:] = [each for each in delays if each.action != action]
        if seconds:
            delays.append(Delay(action, seconds))

    def no_capacity(
        self,
        type: str | None = None,  # noqa: A002
        zone: str | None = None,
        market: str | None = None,
    ) -> None:
        """InsufficientInstanceCapacity; None stands for all of them."""
        self.world.shortages.append(Shortage(type, zone, market))

    def capacity_again(self) -> None:
        self.world.shortages.clear()

    def not_offered(self, type: str, zone: str | None = None) -> None:  # noqa: A002
        """Unsupported, and absent from the offerings of that zone."""
        self.world.not_offered.append(Shortage(type, zone))

    # What the account has.

    def quota(
        self, vcpus: float, code: str = STANDARD.on_demand, *, region: str | None = None
    ) -> None:
        """L-1216C47A standard, L-DB2E81BA G and VT, L-34B43A08 and L-3819A6DF the same as spot."""
        if region is None:
            self.world.vcpus[code] = vcpus
        else:
            self.world.vcpus_in[region, code] = vcpus

    def spot_requests(self, count: int) -> None:
        self.world.spot_requests = count

    def plan(
        self,
        type: Literal["FREE", "PAID"],  # noqa: A002
        *,
        credits: str | Decimal = "100",  # noqa: A002
        expires: str | datetime | None = None,
        status: Literal["NOT_STARTED", "ACTIVE", "EXPIRED"] = "ACTIVE",
    ) -> None:
        found = Plan(type, status, Decimal(credits))
        if expires is not None:
            found.expires = datetime.fromisoformat(expires) if isinstance(expires, str) else expires
        self.world.plan = found

    def priced(self, *prices: Price) -> None:
        """The Pricing API's whole table from now on; see tests/cloud/prices.py."""
        self.world.prices[:] = prices

    def opt_in(self, region: str) -> None:
        self.world.opted_in.add(region)

    def enforce(self, policy: str | Mapping[str, Any] | None) -> None:
        """The learner's only policy; None: the learner may everything, as at the start."""
        if policy is None:
            self.world.policy = None
            return
        found = json.loads(policy) if isinstance(policy, str) else dict(policy)
        iam.check_document(found)
        self.world.policy = found

    def denials_are_terse(self, yes: bool = True) -> None:
        """The older form, with the encoded message alone."""
        self.world.terse_denials = yes

    def without_default_vpc(
        self, region: str = FIRST_REGION, *, subnets_alone: bool = False
    ) -> None:
        """As in accounts whose owner has tidied up: no default VPC, or one with no subnet."""
        ec2 = self.client("ec2", region=region)
        (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "isDefault", "Values": ["true"]}])["Vpcs"]
        chosen = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
        for subnet in ec2.describe_subnets(Filters=chosen)["Subnets"]:
            ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        if not subnets_alone:
            ec2.delete_vpc(VpcId=vpc["VpcId"])

    @property
    def caller_address(self) -> str:
        """The public address that the caller seems to have."""
        return self.world.caller_address

    @caller_address.setter
    def caller_address(self, address: str) -> None:
        self.world.caller_address = address
        if self.world.bodies:
            self.world.bodies.rules_changed()

    def called_from(self, address: str) -> None:
        self.caller_address = address

    # How time goes.

    @property
    def pace(self) -> Pace:
        return self.world.pace

    @property
    def lag(self) -> Lag:
        return self.world.lag

    def instant(self) -> None:
        """No waiting and no lag: the reply says pending, the next call running."""
        self.world.pace, self.world.lag = Pace.instant(), Lag.none()
        self.world.unseen.clear()

    def paced(self, **settings: float) -> None:
        """Fields of Pace; durations in seconds."""
        for name, value in settings.items():
            now = getattr(self.world.pace, name)
            setattr(
                self.world.pace, name, timedelta(seconds=value) if _is_time(now) else int(value)
            )

    def lagging(self, **settings: int) -> None:
        """Fields of Lag, for what is made from now on."""
        for name, value in settings.items():
            getattr(self.world.lag, name)
            setattr(self.world.lag, name, value)

    def advance(self, seconds: float) -> None:
        """The cloud's clock goes on by so much, and what is due happens."""
        self.world.skew += timedelta(seconds=seconds)
        self.tick()

    def tick(self) -> None:
        """What is due by now happens; every call does this too."""
        with self.world.lock:
            schedules.run_due(self.world)
            life.advance(self.world)

    def ended_itself(self, instance_id: str) -> None:
        """`shutdown` was called inside the instance."""
        with self.world.lock:
            life.ended_itself(self.world, instance_id)

    def interrupt(self, instance_id: str) -> None:
        """AWS takes a spot instance back; the two minutes of warning are over."""
        with self.world.lock:
            said = "Server.SpotInstanceTermination: Spot instance termination"
            found = self.world.lives[instance_id]
            life.terminate(self.world, found, ("Server.SpotInstanceTermination", said))

    def instances(self, region: str | None = None) -> dict[str, str]:
        """The state of every instance that is remembered, by id, without a call."""
        with self.world.lock:
            lives = list(self.world.lives.values())
            return {each.id: each.state for each in lives if region in {None, each.region}}

    @property
    def ssh_keys(self) -> list[dict[str, Any]]:
        """What EC2 Instance Connect was sent."""
        return self.world.ssh_keys

    def reset(self) -> None:
        """An empty account, no faults; the server and its address stay."""
        with self.world.lock:
            if self.world.bodies:
                for instance_id in self.world.lives:
                    self.world.bodies.terminate(instance_id)
            patches.reset()
            self.world.clear()

    def attach_machines(self, machines: Machines | None = None) -> None:
        """From now on an instance is something to log in to: by default a container each."""
        if machines is None:
            from tests.cloud.machines import Machines as Containers

            machines = Containers(on_end=self.ended_itself)
        self._machines = machines
        self.world.bodies = MachineBodies(self.world, machines)
        self._clock = Clock(self.tick)

    @property
    def machines(self) -> Any:
        """What `attach_machines` attached: to look into a machine past its network."""
        assert self._machines is not None, "attach_machines comes first"
        return self._machines

    def detach_machines(self) -> None:
        """End them all; without harm if there are none."""
        if self._clock:
            self._clock.close()
            self._clock = None
        if self.world.bodies:
            self.world.bodies.close()
            self.world.bodies = None

    def close(self) -> None:
        self.detach_machines()
        self._clients.close()
        self._server.close()
        with self.world.lock:
            patches.reset()
            self.world.clear()

    def answer(self, environ: dict[str, Any], body: bytes) -> Answer:
        """For the gate: the controls over HTTP."""
        return lab.answered(self, environ, body)


def _without_proxy() -> str:
    """What this machine reaches directly, and the loopback, whatever its proxies."""
    known = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    return ",".join([*filter(None, known.split(",")), "127.0.0.1"])


def _is_time(value: object) -> bool:
    return isinstance(value, timedelta)
