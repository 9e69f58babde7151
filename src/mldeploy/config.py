"""mldeploy.toml, read into frozen objects, or refused with the line and what was expected."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from mldeploy.errors import ConfigError
from mldeploy.jobs import spec
from mldeploy.jobs.spec import Task

FILE_NAME = "mldeploy.toml"
T = TypeVar("T", bound=msgspec.Struct)

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=63)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Size = Annotated[str, msgspec.Meta(pattern=r"^[1-9]\d*(KB|MB|GB)$")]
LIFETIME = r"^([1-9]\d*[mhd]|forever)$"

# What the edge shows to who connects: a public authority's certificate for the domain or for the
# bare address, one of its own authority, or none at all: plain HTTP.
Certificate = Literal["domain", "address", "own", "none"]

MOST_REPLICAS = 16  # on one machine: as many as the edge has places for


class Project(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is deployed: the ``[project]`` table.

    ``service`` is ``module:Class`` of the BentoML service, ``model`` is ``name@alias`` in the
    MLflow registry, ``golden`` the path of the golden requests, from the project's folder.
    A project that only runs jobs has neither service nor model.
    """

    name: Name
    service: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")] | None = None
    model: Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$")] | None = None
    golden: str = "tests/golden.json"
    # US dollars a calendar month, for everything that is rented for the project.
    budget: Annotated[float, msgspec.Meta(gt=0)] | None = None

    @property
    def served(self) -> Served:
        """What releases are made of; raises :class:`ConfigError` where only jobs are run."""
        if self.service and self.model:
            return Served(self.service, self.model)
        raise ConfigError(
            "nothing-to-serve",
            what=f"{self.name} has nothing to serve.",
            why=f"[project] in {FILE_NAME} names no service and no model: it only runs jobs.",
            do=f'add to it: service = "PACKAGE.service:CLASS" and model = "{self.name}@champion"',
        )

    @property
    def serves(self) -> bool:
        return self.service is not None

    def require_served(self) -> None:
        """Before anything is looked at or made for a release that there can't be."""
        _ = self.served


@dataclass(frozen=True)
class Served:
    """A service and the model that it answers with."""

    service: str
    model: str

    @property
    def package(self) -> str:
        """The top-level Python package that holds the service."""
        return self.service.partition(":")[0].partition(".")[0]

    @property
    def model_name(self) -> str:
        return self.model.partition("@")[0]

    @property
    def model_alias(self) -> str:
        return self.model.partition("@")[2]


class ProcessTarget(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="process"
):
    """This machine, as a process that only this machine can reach."""

    port: Port = 3000
    # Seconds: a model of some hundred megabytes on a slow disk is slow to load, not broken.
    ready_timeout: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 60

    env: dict[str, str] = {}
    secrets: dict[str, str] = {}

    @property
    def kind(self) -> str:
        return "process"


class ContainerTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Containers of a Docker engine: replicas that only the edge in front of them reaches."""

    replicas: Annotated[int, msgspec.Meta(ge=1, le=MOST_REPLICAS)] = 1
    # Seconds. A replica that is slow to load is given time; a request is not given for ever.
    ready_timeout: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 120
    drain_timeout: Annotated[int, msgspec.Meta(ge=1, le=600)] = 30
    request_timeout: Annotated[int, msgspec.Meta(ge=1, le=600)] = 30
    # Of each replica.
    memory: Size = "1GB"
    cpus: Annotated[float, msgspec.Meta(gt=0, le=256)] = 1.0
    max_body: Size = "10MB"
    base: str | None = None
    domain: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")] | None = None
    tls: Literal["auto", "own", "plain"] = "auto"
    # Another certificate authority than the public ones: its ACME directory, and the file with
    # the root certificate that it is known by.
    acme_directory: Annotated[str, msgspec.Meta(pattern=r"^https://\S+$")] | None = None
    acme_root: str | None = None
    # May a replica open connections to the world? Closed unless the service needs it.
    outbound: bool = False
    env: dict[str, str] = {}
    secrets: dict[str, str] = {}

    @property
    def memory_bytes(self) -> int:
        return bytes_of(self.memory)

    @property
    def max_body_bytes(self) -> int:
        return bytes_of(self.max_body)


class DockerTarget(ContainerTarget, frozen=True, tag_field="kind", tag="docker"):
    """Containers on the Docker engine of this machine."""

    port: Port = 8080
    address: Annotated[str, msgspec.Meta(pattern=r"^\d{1,3}(\.\d{1,3}){3}$")] = "127.0.0.1"

    @property
    def kind(self) -> str:
        return "docker"

    @property
    def published(self) -> int:
        return self.port

    @property
    def certificate(self) -> Certificate:
        """Plain HTTP is no risk on the loopback, which is where this is unless told otherwise."""
        if self.domain and self.tls == "auto":
            return "domain"
        return "own" if self.tls == "own" else "none"


class FarTarget(ContainerTarget, frozen=True, kw_only=True):
    """Containers on the Docker engine of a machine that is reached over SSH.

    ``private`` publishes no port: `mldeploy open` is the way in.
    """

    port: Port | None = None
    private: bool = False
    # Where images are made: on that machine, or here, to be sent there in layers.
    build: Literal["there", "here"] = "there"

    @property
    def address(self) -> str:
        """Of that machine, where the edge listens."""
        return "127.0.0.1" if self.private else "0.0.0.0"  # noqa: S104 - the edge asks for a key

    @property
    def certificate(self) -> Certificate:
        if self.private or self.tls == "plain":  # the way to a private one is SSH itself
            return "none"
        if self.tls == "own" or self.port not in (None, 443):  # authorities ask at 443 and 80
            return "own"
        return "domain" if self.domain else "address"

    @property
    def published(self) -> int:
        """The port that users know, unless it is told in mldeploy.toml the usual one."""
        if self.port is not None:
            return self.port
        return 8080 if self.private else 80 if self.certificate == "none" else 443


class SshTarget(FarTarget, frozen=True, kw_only=True, tag_field="kind", tag="ssh"):
    """A machine that one can log in to; ``host`` is what one would type after ``ssh``.

    A name of ~/.ssh/config or ``user@address``, with ``:port`` where it isn't 22.
    """

    host: Annotated[
        str, msgspec.Meta(pattern=r"^([^\s@:/-][^\s@:/]*@)?[^\s@:/-][^\s@:/]*(:\d{1,5})?$")
    ]

    @property
    def kind(self) -> str:
        return "ssh"


class RentedTarget(FarTarget, frozen=True, kw_only=True):
    """A machine that a provider rents. After its lifetime, ``ttl``, it ends itself.

    ``max_price`` is in US dollars an hour, and ``disk`` of the machine. A provider's own class
    adds what only it knows, and says its ``kind`` and what it is reached by.
    """

    machine_type: str
    # Tried in this order where the provider has no machine of that type free.
    or_machine_types: tuple[str, ...] = ()
    disk: Size = "20GB"
    ttl: Annotated[str, msgspec.Meta(pattern=LIFETIME)] = "4h"
    max_price: Annotated[float, msgspec.Meta(gt=0)] | None = None

    @property
    def kind(self) -> str:
        raise NotImplementedError

    @property
    def machine_types(self) -> tuple[str, ...]:
        return (self.machine_type, *self.or_machine_types)

    @property
    def disk_gb(self) -> int:
        return -(-bytes_of(self.disk) // 1_000_000_000)


class DataSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bucket that `mldeploy data` keeps versions in: the ``[data]`` table.

    ``endpoint_url`` is of another server than AWS; credentials are where boto3 looks for them.
    """

    bucket: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    prefix: Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*)?$")] = ""
    endpoint_url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/]+/?$")] | None = None
    region: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]+$")] | None = None
    profile: Annotated[str, msgspec.Meta(pattern=r"\S")] | None = None


# One class a kind; msgspec picks the class by `kind`.
EngineTarget = DockerTarget | SshTarget | RentedTarget  # those that a Docker engine runs
Target = ProcessTarget | DockerTarget | SshTarget | RentedTarget
KINDS: dict[str, type[Target]] = {
    "process": ProcessTarget,
    "docker": DockerTarget,
    "ssh": SshTarget,
}


def kinds() -> dict[str, type[Target]]:
    """Those, and one of each provider that is installed."""
    from mldeploy.providers import installed

    return KINDS | {kind: provider().settings for kind, provider in installed().items()}


# A pattern is for the machine; this is what a person is told instead.
EXPECTED = {
    "name": "lower-case letters, digits, dots and dashes, such as function-docs",
    "service": "module:Class, such as function_docs.service:FunctionDocs",
    "model": "name@alias, such as function-docs@champion",
    "golden": "the path of a file, such as tests/golden.json",
    "port": "a whole number from 1 to 65535",
    "ready_timeout": "seconds, a whole number from 1 to 3600",
    "drain_timeout": "seconds, a whole number from 1 to 600",
    "request_timeout": "seconds, a whole number from 1 to 600",
    "address": "an address of this machine, such as 127.0.0.1",
    "replicas": f"a whole number from 1 to {MOST_REPLICAS}",
    "memory": 'a size, such as "512MB" or "2GB"',
    "max_body": 'a size, such as "512KB" or "10MB"',
    "cpus": "processor cores for each replica, such as 0.5 or 2",
    "base": 'the name of an image with Python, such as "python:3.12-slim-bookworm"',
    "domain": 'a name that points at the machine, such as "model.example.org"',
    "tls": '"auto", "own" (the edge is its own authority) or "plain" (no encryption)',
    "acme_directory": 'an address, such as "https://ca.example.org/acme/directory"',
    "acme_root": "the path of a file in PEM format, such as ca.pem",
    "host": 'what you type after `ssh`, such as "ubuntu@203.0.113.7" or a name of ~/.ssh/config',
    "private": "true or false",
    "build": '"there" (on that machine) or "here" (needs Docker here)',
    "outbound": "true or false",
    "machine_type": 'a type of the provider, such as "t3.small" (mldeploy prices lists them)',
    "or_machine_types": 'a list of types to try next, such as ["t3a.small"]',
    "disk": 'a size, such as "20GB"',
    "ttl": 'a lifetime, such as "30m", "4h" or "2d"; "forever" is for who means it',
    "max_price": "US dollars an hour, more than 0, such as 0.10",
    "region": "a region of the provider, such as us-east-1 of AWS or ny2 of Paperspace",
    "template_id": "the id of a template, such as t0nspur5",
    "on_expiry": '"delete" (the API key lies on the machine for that) or "stop" (disk paid on)',
    "public_address": '"dynamic" or "static" (paid for until `mldeploy down`)',
    "fault": "what is to go wrong on the practice cloud, one of no-capacity, quota, slow-boot, "
    "unreachable, denied and lost-reply",
    "budget": "US dollars a month, more than 0, such as 5.00",
    "bucket": "the name of a bucket, such as my-data: no s3:// before it",
    "prefix": "a folder in the bucket, such as projects/images",
    "endpoint_url": 'an address without a path, such as "https://s3.example.org"',
    "profile": "the name of a profile of your AWS configuration",
    "env": 'a table of texts, such as env = { LOG_LEVEL = "info" }',
    "secrets": 'a table of references, such as secrets = { TOKEN = "env:HF_TOKEN" }',
    **spec.EXPECTED,
}
TABLES = ["project", "targets", "jobs", "data"]


def bytes_of(size: str) -> int:
    """``10MB`` as a number; sizes count in thousands, as disks and bills do."""
    return int(size[:-2]) * {"KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}[size[-2:]]


class Config(msgspec.Struct, frozen=True):
    """A checked mldeploy.toml; ``targets`` and ``jobs`` keep the file's order."""

    path: Path
    project: Project
    targets: dict[str, Target]
    jobs: dict[str, Task] = {}
    data: DataSettings | None = None

    @property
    def default_target(self) -> str:
        """The first target of the file."""
        return next(iter(self.targets))

    def target(self, name: str | None, typed: str = "mldeploy up {}") -> tuple[str, Target]:
        """The named target, or the first; raises :class:`ConfigError` naming the nearest.

        ``typed`` is what the person types, with a place for the target.
        """
        if name is None:
            name = self.default_target
        if name in self.targets:
            return name, self.targets[name]
        raise ConfigError(
            "no-such-target",
            what=f"There is no target called {name!r} here.",
            why=f"{FILE_NAME} has {_listed(self.targets)}.",
            do=_nearest(name, self.targets, typed)
            or f"add [targets.{name}] to {FILE_NAME}, or: {typed.format(self.default_target)}",
        )


def load(path: Path) -> Config:
    """Read ``path``; raises :class:`ConfigError` for anything that is not a valid mldeploy.toml."""
    text = _read(path)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            "toml-syntax",
            what=f"{path.name} is not valid TOML.",
            why=f"{error}.",
            do=f"mend that line of {path}",
        ) from error
    return parse(raw, text, path)


def parse(raw: dict[str, Any], text: str, path: Path) -> Config:
    """Check what tomllib read; ``text`` is only for the line numbers of complaints."""
    complain = _Complaint(text, path)
    for key in raw:
        if key not in TABLES:
            raise complain.unknown((key,), TABLES)
    project = _project(raw.get("project"), complain)
    targets_raw = raw.get("targets")
    if not isinstance(targets_raw, dict) or not targets_raw:
        raise complain.invalid(
            ("targets",),
            "There is no target.",
            'at least one table, such as [targets.local] kind = "process"',
        )
    targets = {name: _target(name, table, complain) for name, table in targets_raw.items()}
    jobs = _jobs(raw.get("jobs", {}), targets, complain)
    data = _struct(raw["data"], DataSettings, ("data",), complain) if "data" in raw else None
    return Config(path=path, project=project, targets=targets, jobs=jobs, data=data)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(
            "toml-syntax",
            what=f"{path.name} is not a text file in UTF-8.",
            why=f"Byte {error.start} can't be read: {error.reason}.",
            do=f"save {path} as UTF-8",
        ) from error
    except OSError as error:
        raise ConfigError(
            "config-unreadable",
            what=f"{path.name} can't be read.",
            why=f"{error.strerror}: {path}",
            do=f"ls -l {path}",
        ) from error


def _project(table: Any, complain: _Complaint) -> Project:
    made = _struct(table, Project, ("project",), complain)
    if (made.service is None) != (made.model is None):
        key = "model" if made.model is None else "service"
        raise complain.invalid(("project",), f"project.{key} is missing.", EXPECTED[key])
    return made


def _target(name: str, table: Any, complain: _Complaint) -> Target:
    where = ("targets", name)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", name):
        raise complain.invalid(
            where,
            f"{name!r} can't name a target.",
            "up to 32 lower-case letters, digits and dashes",
        )
    if not isinstance(table, dict):
        raise complain.invalid(where, f"targets.{name} is not a table.", f"[targets.{name}]")
    kind = table.get("kind")
    if kind is None:
        raise complain.invalid(
            where, f"targets.{name} does not say its kind.", f"kind = one of {_listed(kinds())}"
        )
    known = KINDS if kind in KINDS else kinds()
    if kind not in known:
        raise complain.invalid(
            (*where, "kind"),
            f"targets.{name}.kind is {kind!r}, which this version doesn't know.",
            f"one of {_listed(known)}",
            nearest=_nearest(str(kind), known, 'kind = "{}"'),
        )
    made: Target = _struct(table, known[kind], where, complain)
    if isinstance(made, FarTarget) and made.private and (made.domain or made.tls == "own"):
        key = "domain" if made.domain else "tls"
        raise complain.invalid(
            (*where, key),
            f"targets.{name} is private and has a {key}.",
            "one of them: nobody reaches a private target but through ssh, at this laptop",
        )
    if made.secrets:
        from mldeploy.secret_references import references

        references(made.secrets, made.env)
    return made


def _jobs(raw: Any, targets: dict[str, Target], complain: _Complaint) -> dict[str, Task]:
    if not isinstance(raw, dict):
        raise complain.invalid(("jobs",), "jobs is not a table.", "tables, such as [jobs.train]")
    return {name: _task(name, table, targets, complain) for name, table in raw.items()}


def _task(name: str, table: Any, targets: dict[str, Target], complain: _Complaint) -> Task:
    where = ("jobs", name)
    if not spec.is_name(name):
        raise complain.invalid(
            where,
            f"{name!r} can't name a job.",
            "up to 32 lower-case letters, digits, dashes and underscores",
        )
    if not isinstance(table, dict):
        raise complain.invalid(where, f"jobs.{name} is not a table.", f"[jobs.{name}]")
    made = _struct(table, Task, where, complain)
    if made.on is not None and made.on not in targets:
        raise complain.invalid(
            (*where, "on"),
            f"jobs.{name}.on is {made.on!r}, which is no target of this file.",
            f"one of {_listed(targets)}",
            nearest=_nearest(made.on, targets, 'on = "{}"'),
        )
    return made


def _struct(raw: Any, into: type[T], where: tuple[str, ...], complain: _Complaint) -> T:
    dotted = ".".join(where)
    if not isinstance(raw, dict):
        raise complain.invalid(where, f"The table [{dotted}] is missing.", f"[{dotted}]")
    allowed = [field.name for field in msgspec.structs.fields(into)]
    for key in raw:
        if key not in allowed and key != "kind":
            raise complain.unknown((*where, key), allowed)
    for field in msgspec.structs.fields(into):
        if field.required and field.name not in raw:
            raise complain.invalid(
                where, f"{dotted}.{field.name} is missing.", EXPECTED.get(field.name, field.name)
            )
    try:
        return msgspec.convert(raw, into)
    except msgspec.ValidationError as error:
        key = _key_of(error)
        raise complain.invalid(
            (*where, key) if key else where,
            f"{dotted}.{key} is {_shown(key, raw)}." if key else f"{dotted}: {error}",
            EXPECTED.get(key, str(error)),
        ) from error


def _shown(key: str, raw: dict[str, Any]) -> str:
    """The value that is refused; of secrets nothing, since people write the value itself there."""
    return "not a table of references" if key == "secrets" else repr(raw.get(key))


def _key_of(error: msgspec.ValidationError) -> str:
    """msgspec ends its message with a path such as ``at `$.port` ``."""
    found = re.search(r"`\$\.(\w+)", str(error))
    return found.group(1) if found else ""


class _Complaint:
    """Makes the refusals, each with the line that it is about."""

    def __init__(self, text: str, path: Path) -> None:
        self.text = text
        self.path = path

    def invalid(
        self, where: tuple[str, ...], what: str, expected: str, nearest: str = ""
    ) -> ConfigError:
        line = line_of(self.text, where)
        place = f"{self.path.name}, line {line}" if line else self.path.name
        return ConfigError(
            "invalid-config",
            what=f"{place}: {what}",
            why=f"Expected {expected}.",
            do=(f"did you mean {nearest} ? " if nearest else "")
            + f"mend {place}, then: mldeploy doctor",
        )

    def unknown(self, where: tuple[str, ...], allowed: list[str]) -> ConfigError:
        return self.invalid(
            where,
            f"{'.'.join(where)} is not a key that mldeploy knows.",
            f"one of {_listed(allowed)}",
            nearest=_nearest(where[-1], allowed, "{}"),
        )


def line_of(text: str, where: tuple[str, ...]) -> int | None:
    """The line, from 1, on which the table or key ``where`` stands; None if it is not written.

    tomllib drops positions. This finds plain ``[a.b]`` headers and ``key = …`` lines, which is
    how our own file is written; for anything fancier a message simply has no line number.
    """
    table: tuple[str, ...] = ()
    best: int | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line)
        if header:
            table = tuple(part.strip().strip("\"'") for part in header.group(1).split("."))
            if table[: len(where)] == where and best is None:
                best = number
            continue
        key = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        if key and (*table, *(k.strip("\"'") for k in key.group(1).split("."))) == where:
            return number
    return best if best is not None else _line_of_parent(text, where)


def _line_of_parent(text: str, where: tuple[str, ...]) -> int | None:
    return line_of(text, where[:-1]) if len(where) > 1 else None


def _nearest(word: str, known: Any, template: str) -> str:
    import difflib  # only a refusal needs it, and every command reads the configuration

    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return template.format(close[0]) if close else ""


def _listed(words: Any) -> str:
    names = list(words)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
