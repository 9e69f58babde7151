"""A world to rent in without waiting: the real runbooks, the stand-in for AWS, laptops, and time.

Requests go to the stand-in without a network, and every one of them takes a moment of a clock that
is ours: what waits makes that clock go on, and the cloud's with it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mldeploy import cloud_orphans, project
from mldeploy.config import RentedTarget
from mldeploy.errors import MldeployError
from mldeploy.prices import table
from mldeploy.prices.amounts import LEAST_BILLED
from mldeploy.providers import clock, ending, installed, patience, renting
from mldeploy.providers.aws import ending as aws_ending
from mldeploy.providers.aws import find
from mldeploy.providers.aws import session as sessions
from mldeploy.providers.base import Ended, Owner, Rented
from mldeploy.providers.renting import Desk
from mldeploy.providers.shelf import Shelf
from tests.cloud import regions as cloud_regions
from tests.cloud.cloud import Cloud
from tests.cloud.lag import Lag
from tests.cloud.world import FIRST_REGION, WORLD
from tests.cloud.world import World as CloudWorld
from tests.providers.contract import keys
from tests.providers.laptops import Crash, Told

REGIONS = (FIRST_REGION, "eu-central-1")
OWNER = Owner("a", "cloud")
A_REQUEST_TAKES = 0.1  # seconds
LAG_AT_MOST = timedelta(seconds=60)
ALIVE = {"pending", "running", "stopping", "stopped"}  # what is paid for
SETTINGS = """\
[project]
name = "{owner.project}"
service = "a.service:A"
model = "a@champion"
[targets.{owner.target}]
kind = "aws"
region = "{region}"
machine_type = "{machine_type}"
or_machine_types = [{others}]
ttl = "{ttl}"
"""


@dataclass(frozen=True)
class Laptop:
    """Its own state folder, and the address from which the world sees it."""

    name: str
    state: Path
    address: str


@dataclass
class World:
    """``on_intend`` is called with the number of a journal's entry since `count_anew`, the call and
    what it is about, before it is written; ``on_request`` with "before" and "after" each request,
    and its number."""

    cloud: Cloud
    root: Path
    on_intend: Callable[[int, str, str], None] | None = None
    on_request: Callable[[str, int], None] | None = None
    intended: list[tuple[str, str]] = field(default_factory=list)
    requests: int = 0
    region: str = FIRST_REGION
    machine_type: str = "t3.small"
    others: tuple[str, ...] = ("t3a.small",)
    ttl: str = "4h"
    made_keys: int = 0
    checked: object = None  # how it was at the last check
    hidden_since: dict[str, datetime] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    # Who is where

    def laptop(self, name: str = "A") -> Laptop:
        number = ord(name[0]) % 200
        return Laptop(name, self.root / f"laptop-{name}", f"203.0.113.{number}")

    def desk(self, target: str = OWNER.target) -> Desk:
        folder = self.root / "project"
        folder.mkdir(parents=True, exist_ok=True)
        others = ", ".join(f'"{each}"' for each in self.others)
        settings = SETTINGS.format(
            owner=OWNER,
            region=self.region,
            machine_type=self.machine_type,
            others=others,
            ttl=self.ttl,
        )
        (folder / "mldeploy.toml").write_text(settings)
        found = project.find(folder)
        rented = found.config.targets[target]
        assert isinstance(rented, RentedTarget)
        ui = Told()
        self.notes = ui.notes
        return Desk.of(found, target, rented, ui)

    @contextmanager
    def at(self, laptop: Laptop) -> Iterator[None]:
        before = self.cloud.caller_address
        self.cloud.caller_address = laptop.address
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_STATE_HOME", str(laptop.state))
            yield
        self.cloud.caller_address = before

    # What a person does

    def up(self, laptop: str = "A") -> Rented | None:
        with self.at(self.laptop(laptop)):
            return renting.rent(self.desk())

    def down(self, laptop: str = "A") -> Ended:
        with self.at(self.laptop(laptop)):
            return ending.end(self.desk())

    def extend(self, by: timedelta, laptop: str = "A") -> Rented | None:
        with self.at(self.laptop(laptop)):
            desk = self.desk()
            machine = desk.provider.get(OWNER)
            if machine is None or machine.expires_at is None or machine.state == "ending":
                return None
            renting.extend(desk, machine, machine.expires_at + by)
            return machine

    def orphans(self, laptop: str = "A") -> cloud_orphans.Looked:
        with self.at(self.laptop(laptop)):
            return cloud_orphans.look(clock.now())

    def crashing(self, what: Callable[[], object]) -> bool:
        """Do it; was there a crash? Errors for people are no surprise."""
        try:
            what()
        except (Crash, KeyboardInterrupt):
            return True
        except MldeployError as error:
            self.notes.append(f"error {error.code}: {error.what} {error.why}")
        finally:
            self.on_intend = self.on_request = None
        return False

    def shelf(self, laptop: str = "A") -> Shelf:
        with self.at(self.laptop(laptop)):
            desk = self.desk()
            return desk.shelf(desk.provider.check())

    def forgets(self, laptop: str) -> None:
        """A laptop without state: a new one, or a run of CI."""
        import shutil

        shutil.rmtree(self.laptop(laptop).state, ignore_errors=True)

    # Faults

    def count_anew(self) -> None:
        self.intended.clear()
        self.requests = 0

    def crash_at(self, entry: int, kind: type[BaseException] = Crash) -> None:
        def crash(number: int, call: str, about: str) -> None:
            if number == entry:
                raise kind(call)

        self.count_anew()
        self.on_intend = crash

    def crash_at_request(self, request: int, moment: str) -> None:
        def crash(when: str, number: int) -> None:
            if (when, number) == (moment, request):
                raise KeyboardInterrupt

        self.count_anew()
        self.on_request = crash

    def lagging(self, looks: int) -> None:
        """All ways in which what is new may not be known yet: by its name it is known sooner."""
        soon = min(looks, 4)
        self.cloud.world.lag = Lag(soon, looks, soon, looks, looks)

    def see_what_is_old(self) -> None:
        """Lists lag for seconds, however seldom somebody looks."""
        now = self.cloud.world.now()
        unseen = self.cloud.world.unseen
        for name in list(unseen):
            if now - self.hidden_since.setdefault(name, now) > LAG_AT_MOST:
                del unseen[name]

    def settled(self) -> None:
        """Nothing goes wrong any more, and the lists know all."""
        self.cloud.world.unseen.clear()
        self.cloud.world.lag = Lag.none()
        self.cloud.world.faults.waiting.clear()
        self.cloud.capacity_again()
        self.cloud.world.not_offered.clear()
        self.cloud.world.policy = None
        self.on_intend = self.on_request = None

    def advance(self, time: timedelta) -> None:
        self.cloud.advance(time.total_seconds())

    def machine_ends_itself(self) -> None:
        """Its lifetime is over, or somebody logged in and shut it down."""
        for name in self.alive():
            self.cloud.ended_itself(name)

    # From outside, past lags and faults

    def alive(self) -> list[str]:
        return [name for name, state in self.cloud.instances().items() if state in ALIVE]

    def marks(self, instance: str) -> dict[str, str]:
        """The tags of a machine."""
        life = self.cloud.world.lives[instance]
        found = self.cloud.client("ec2", region=life.region).describe_instances(
            InstanceIds=[instance]
        )
        return find.marks_of(found["Reservations"][0]["Instances"][0])

    def leftovers(self) -> list[str]:
        """All but machines that has our tags, of any owner."""
        found = []
        wanted = [{"Name": "tag:mldeploy:managed", "Values": ["true"]}]
        for region in REGIONS:
            ec2 = self.cloud.client("ec2", region=region)
            volumes = ec2.describe_volumes(Filters=wanted)["Volumes"]
            groups = ec2.describe_security_groups(Filters=wanted)["SecurityGroups"]
            found += [each["VolumeId"] for each in volumes]
            found += [each["GroupId"] for each in groups]
            pairs = ec2.describe_key_pairs(Filters=wanted)["KeyPairs"]
            found += [each["KeyName"] for each in pairs]
            addresses = ec2.describe_addresses(Filters=wanted)["Addresses"]
            found += [each["AllocationId"] for each in addresses]
        return found

    def cost(self, machine_type: str, region: str, passed: timedelta) -> Decimal:
        """By the table, and by nothing else."""
        price = table("aws").price(region, machine_type, 20)
        return price.for_(max(passed, LEAST_BILLED)).quantize(Decimal("0.01"))

    # What must always be so

    def check(self) -> None:
        """In no case two machines, in no case one that `orphans` does not list."""
        since = self.cloud.instances(), len(self.cloud.calls)
        if since == self.checked:
            return  # nobody has done anything
        self._check()
        self.checked = self.cloud.instances(), len(self.cloud.calls)

    def _check(self) -> None:
        alive = self.alive()
        assert len(alive) <= 1, f"{len(alive)} machines: {self.cloud.instances()}"
        listed = self._listed() if alive else {}
        for name in alive:
            marks = self.marks(name)
            assert marks["mldeploy:managed"] == "true"
            assert (marks["mldeploy:project"], marks["mldeploy:target"]) == (
                OWNER.project,
                OWNER.target,
            )
            assert name in listed, "orphans does not list it"
            assert marks["mldeploy:expires"] == (
                listed[name].expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
            )

    def _listed(self) -> dict[str, Any]:
        """What `orphans` lists when nothing goes wrong; faults and lags stay for who comes next."""
        world = self.cloud.world
        kept = world.unseen, world.faults.waiting, world.policy, self.on_request
        world.unseen, world.faults.waiting, world.policy, self.on_request = {}, [], None, None
        try:
            looked = self.orphans("O")
        finally:
            world.unseen, world.faults.waiting, world.policy, self.on_request = kept
        assert not looked.silent
        return {each.id: each for group in looked.groups for each in group.things}


@contextmanager
def world_in(cloud: Cloud, root: Path, *, hurried: bool = False) -> Iterator[World]:
    """Everything of a process that the world needs to be otherwise.

    ``hurried``: who waits looks less often, which takes less of our own time.
    """
    world = World(cloud, root)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment.items():
            patch.setenv(name, value)
        _without_network(patch, world)
        _with_time_of_its_own(patch, world)
        _in_few_regions(patch)
        _quickly(patch, world)
        if hurried:
            patch.setattr(patience, "PAUSE_SECONDS", 5.0)
            patch.setattr(aws_ending, "LOOK_SECONDS", 20.0)
            patch.setattr(aws_ending, "SETTLE_SECONDS", 30.0)
            patch.setattr(ending, "LOOK_SECONDS", 20.0)
        yield world


class _Aborted(Exception):  # noqa: N818 - it is no error, it is what happened
    """The stand-in cut the connection."""


def _without_network(patch: pytest.MonkeyPatch, world: World) -> None:
    from botocore.exceptions import ConnectionClosedError
    from botocore.httpsession import URLLib3Session

    gate = world.cloud._server._server.app

    def send(_: Any, request: Any) -> Any:
        outside = b"OUTSIDE" in _authorization(request)
        world.requests += not outside
        number = world.requests
        if not outside:
            world.cloud.advance(A_REQUEST_TAKES)
            world.see_what_is_old()
            if world.on_request:
                world.on_request("before", number)
        try:
            status, headers, body = _asked(gate, request)
        except _Aborted:
            raise ConnectionClosedError(endpoint_url=request.url) from None
        if not outside and world.on_request:
            world.on_request("after", number)
        return _answer(request.url, status, headers, body)

    patch.setattr(URLLib3Session, "send", send)


def _answer(url: str, status: int, headers: dict[str, str], body: bytes) -> Any:
    from botocore import awsrequest

    make: Any = awsrequest.AWSResponse
    answer = make(url, status, awsrequest.HeadersDict(headers), None)
    answer._content = body
    return answer


def _authorization(request: Any) -> bytes:
    found = request.headers.get("Authorization", b"")
    return found if isinstance(found, bytes) else str(found).encode()


def _asked(gate: Any, request: Any) -> tuple[int, dict[str, str], bytes]:
    """One request through the stand-in's own WSGI application."""
    url = urlsplit(request.url)
    body = request.body or b""
    body = body if isinstance(body, bytes) else body.encode()
    path = url.path or "/"
    headers = {"Host": url.netloc, **dict(request.headers.items())}
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": unquote(path),
        "RAW_URI": path + (f"?{url.query}" if url.query else ""),
        "REQUEST_URI": path + (f"?{url.query}" if url.query else ""),
        "QUERY_STRING": url.query,
        "SCRIPT_NAME": "",
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "werkzeug.socket": SimpleNamespace(shutdown=lambda _: None),
    }
    for name, value in headers.items():
        text = value.decode() if isinstance(value, bytes) else str(value)
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = text
    environ["CONTENT_LENGTH"] = str(len(body))
    told: list[Any] = []
    try:
        answer = b"".join(gate(environ, lambda status, sent, *_: told.extend((status, sent))))
    except ConnectionAbortedError:
        raise _Aborted from None
    return int(told[0].split()[0]), dict(told[1]), answer


def _with_time_of_its_own(patch: pytest.MonkeyPatch, world: World) -> None:
    import botocore.endpoint

    begun = datetime.now(UTC).replace(microsecond=0)

    def now(_: object = None) -> datetime:
        return begun + WORLD.skew

    def naive() -> datetime:
        return now().replace(tzinfo=None)

    patch.setattr(CloudWorld, "now", now)
    patch.setattr(clock, "now", now)
    patch.setattr(clock, "monotonic", lambda: WORLD.skew.total_seconds())
    patch.setattr(clock, "sleep", world.cloud.advance)
    patch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=world.cloud.advance))
    # moto would have it that machines are launched by the computer's own clock.
    for module in ("instances", "key_pairs", "elastic_block_store"):
        patch.setattr(f"moto.ec2.models.{module}.utcnow", naive)


def _in_few_regions(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(cloud_regions, "names", lambda: sorted(REGIONS))
    patch.setattr(find, "AT_ONCE", 1)  # so that a fault meets the same request every time
    aws = {"aws": installed()["aws"]}
    patch.setattr(cloud_orphans, "installed", lambda: aws)


def _public_key() -> str:
    """A new one, a thousand times quicker than ssh-keygen; nobody logs in."""
    key = Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


_prices, _installed = cache(table), cache(installed)
_rsa_key = cache(rsa.generate_private_key)  # moto makes one for every volume that is encrypted
_CLIENTS: dict[tuple[str, str, str], Any] = {}


def _quickly(patch: pytest.MonkeyPatch, world: World) -> None:
    """Clients and keys are made once, and nobody counts how often boto3 has repeated requests."""
    from botocore.retries.quota import RetryQuota

    made, make = keys(), sessions.Session.client

    def client(session: sessions.Session, service: str, region: str | None = None) -> Any:
        name = (world.cloud.endpoint, service, region or session.region)
        if name not in _CLIENTS:
            _CLIENTS[name] = make(session, service, region)
        return _CLIENTS[name]

    def make_keys(shelf: Shelf, comment: str) -> tuple[str, str, str]:
        """The same pair again and again would be one order where two laptops have two."""
        _, host, private = made
        login = _public_key()
        world.made_keys += 1
        shelf.login_key.parent.mkdir(parents=True, exist_ok=True)
        shelf.login_key.write_text(comment)
        return login, host, f"{private}# {world.made_keys}\n"

    def intend(shelf: Shelf, call: str, about: str) -> None:
        number = len(world.intended)
        world.intended.append((call, about))
        if world.on_intend:
            world.on_intend(number, call, about)
        write(shelf, call, about)

    patch.setattr("mldeploy.providers.aws.provider.table", _prices)
    patch.setattr("mldeploy.providers.aws.find.table", _prices)
    patch.setattr("mldeploy.providers.installed", _installed)
    patch.setattr(rsa, "generate_private_key", _rsa_key)
    write = Shelf.intend
    patch.setattr(Shelf, "make_keys", make_keys)
    patch.setattr(Shelf, "intend", intend)
    patch.setattr(sessions.Session, "client", client)
    patch.setattr(RetryQuota, "acquire", lambda *_: True)
    patch.setattr("mldeploy.providers.shelf.os.fsync", lambda _: None)
