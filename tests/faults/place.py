"""A trained project with a docker target of its own, to do harm to."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldeploy import golden, orphans, project
from mldeploy.engines import docker_exec
from mldeploy.engines.docker import DockerEngine
from mldeploy.engines.docker_names import ALIAS
from mldeploy.golden import Request
from tests.conftest import Workplace, copy_of, free_port

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

    from tests.lab.small_engine import SmallEngine

BOX = "box"
REPLICAS = 2


@dataclass
class Place(Workplace):
    """On the usual engine, or on a ``small`` one; ``environment`` is set for every command."""

    name: str = ""
    small: SmallEngine | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def begin(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        variables = self.variables() | options.pop("env", {})
        return super().begin(*words, env=variables, **options)

    def variables(self) -> dict[str, str]:
        """The environment of every command."""
        host = {"DOCKER_HOST": self.small.url} if self.small else {}
        return {**os.environ, **self.environment, **host}

    def up(self) -> dict[str, Any]:
        """`mldeploy up box`, which must work."""
        return self.must("up", BOX)

    def must(self, *words: str) -> dict[str, Any]:
        done = self.mldeploy(*words, "--json", timeout=300)
        assert done.code == 0, f"mldeploy {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.json

    def refused(self, *words: str) -> dict[str, Any]:
        """The error of a command that must not work."""
        done = self.mldeploy(*words, "--json", timeout=300)
        assert done.code in (1, 2, 3), f"{done.code}: {done.stdout}{done.stderr}"
        error: dict[str, Any] = done.json["error"]
        assert all(error[part] for part in ("what", "why", "do")), error
        return error | {"exit": done.code}

    # The project's code

    @property
    def service(self) -> Path:
        (found,) = self.root.glob("src/*/service.py")
        return found

    @cached_property
    def sound(self) -> str:
        """The service's code as it was trained with."""
        return self.service.read_text()

    def release(self, marker: str) -> None:
        """Make the code that of another release, or again of the same one, with the same answers.

        A release is named by its content: the same marker gives the same release.
        """
        self.service.write_text(f"{self.sound}\n# {marker}\n")

    def spoil(self, before: str, after: str) -> None:
        """Make the code that of a release with a fault."""
        assert before in self.sound
        self.service.write_text(self.sound.replace(before, after))

    def set(self, **settings: Any) -> None:
        """The target's settings, written anew."""
        path = self.root / "mldeploy.toml"
        text, _, _ = path.read_text().partition(f"\n[targets.{BOX}]")
        chosen = {**self.target, "replicas": REPLICAS, "drain_timeout": 10}
        chosen |= {"memory": "512MB", "cpus": 2, **settings}
        lines = [f"{name} = {_toml(value)}" for name, value in chosen.items()]
        path.write_text(text + f"\n[targets.{BOX}]\n" + "\n".join(lines) + "\n")

    @property
    def target(self) -> dict[str, Any]:
        """What sort of target `box` is, and where."""
        return {"kind": "docker", "port": self.port}

    # What runs

    @cached_property
    def client(self) -> docker.DockerClient:
        import docker

        return docker.from_env(timeout=60, environment=self.variables())

    def forget_client(self) -> None:
        """Before its engine is killed."""
        if "client" in self.__dict__:
            self.client.close()
            del self.__dict__["client"]

    @property
    def engine(self) -> DockerEngine:
        here = project.find(self.root)
        name, target = here.config.target(BOX)
        engine = DockerEngine(here, name, target)  # type: ignore[arg-type]
        engine.__dict__["client"] = self.client
        return engine

    def replicas(self) -> list[Container]:
        """Those that get users' requests."""
        live = self.engine.edge.live()
        assert live is not None
        return [c for c in self.engine._replicas() if c.labels[ALIAS] in live.aliases]

    def serves(self) -> str:
        """The release that serves by the edge's own word."""
        live = self.engine.edge.live()
        assert live is not None
        return live.release

    def everything(self) -> list[str]:
        """All that is on the engine with our labels, in words."""
        groups = [g for g in orphans.find(self.client) if g.project == self.name]
        return [t.text for g in groups for t in g.things]

    def left_over(self) -> list[str]:
        """What is on the engine with our labels and does not belong to what serves, in words."""
        engine = self.engine
        live = engine.edge.live()
        assert live is not None
        belongs = {engine.names.edge, engine.names.network}
        belongs |= {str(c.name) for c in self.replicas()}
        belongs |= set(self._used_volumes())
        groups = [g for g in orphans.find(self.client) if g.project == self.name]
        things = [t for g in groups for t in g.things if t.kind != "image"]
        found = [t.text for t in things if t.name not in belongs]
        dangling: Any = {"dangling": True, "label": f"mldeploy.project={self.name}"}
        found += [f"image {i.id}" for i in self.client.images.list(filters=dangling)]
        found += [f"edge file {f}" for f in self._edge_files() if _is_a_draft(f)]
        if (self.root / ".mldeploy/build").exists():
            found.append("folder .mldeploy/build")
        assert len(self.replicas()) == len(set(live.dials)), "a replica that should serve is gone"
        return found

    def _used_volumes(self) -> list[str]:
        boxes = [*self.replicas(), *[c for c in [self.engine.edge.container()] if c]]
        return [m["Name"] for c in boxes for m in c.attrs["Mounts"] if m["Type"] == "volume"]

    def _edge_files(self) -> list[str]:
        box = self.engine.edge.container()
        assert box is not None
        ran = docker_exec.run(box, ["sh", "-c", "cd /edge; ls -d sets/* live* *.json"], timeout=30)
        return ran.out.split()

    # Requests

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connection(self, wait: float) -> HTTPConnection:
        """A user's own, to the edge."""
        return HTTPConnection("127.0.0.1", self.port, timeout=wait)

    @cached_property
    def request(self) -> Request:
        return golden.read(self.root / "tests/golden.json").requests[0]

    def authority(self) -> str | None:
        """The root certificate that users verify the edge with, where it has one of its own."""
        return self.engine.authority()

    def key(self) -> str:
        return self.engine.keys()[-1].key

    def ask(
        self, path: str | None = None, body: Any = None, *, key: str | None = None, wait: float = 30
    ) -> tuple[int, str, str]:
        """Status, release and body of an answer through the edge; the golden request by default."""
        connection = self.connection(wait)
        content = json.dumps(self.request.body if path is None else body).encode()
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {key or self.key()}",
        }
        try:
            connection.request("POST", path or self.request.path, content, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            return answer.status, answer.headers.get("x-mldeploy-release", ""), text
        finally:
            connection.close()

    def get(self, path: str) -> str:
        connection = self.connection(30)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.key()}"})
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def answers_right(self, release: str) -> None:
        """The golden request gets its stored answer through the edge, from this release."""
        status, by, text = self.ask()
        assert (status, by) == (200, release), f"{status} by {by or 'nobody'}: {text[:300]}"
        wrong = golden.differences(self.request.expect, json.loads(text), self.request.tolerance)
        assert wrong == [], wrong

    def whole(self, release: str) -> None:
        """It serves, right, and nothing else is left on the engine."""
        assert (now := self.serves()) == release, f"{now} serves, and not {release}"
        self.answers_right(release)
        assert (left := self.left_over()) == [], f"left over: {left}"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(one)}" for name, one in value.items()) + " }"
    return json.dumps(value)


def _is_a_draft(file: str) -> bool:
    """A set of addresses that nothing points at is no draft: it goes at the next switch."""
    return file not in {"live", "caddy.json", "keys.json"} and not file.startswith("sets/")


@contextmanager
def place_at(trained: Path, root: Path, *, small: SmallEngine | None = None) -> Iterator[Place]:
    """A copy of a trained project that nothing was deployed from; all of it is gone afterwards."""
    heed_interrupts()
    copy = copy_of(trained, root)
    place = Place(copy, free_port(), name=f"faults-{secrets.token_hex(4)}", small=small)
    name_it(place)
    try:
        yield place
    finally:
        place.end_commands()
        for group in orphans.find(place.client):
            if group.project == place.name:
                orphans.end(place.client, group)
        place.forget_client()


def heed_interrupts() -> None:
    """As a shell's background job we ignore Ctrl+C, and so would the commands that we start."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def name_it(place: Place) -> None:
    """Give a fresh copy its name and its target."""
    settings = place.root / "mldeploy.toml"
    text = settings.read_text()
    settings.write_text(
        re.sub(r'^name = ".*"', f'name = "{place.name}"', text, count=1, flags=re.M)
    )
    place.set()
    assert place.sound


def container_pid(container: Container) -> int:
    """Its first process, as this machine numbers it: killed from here it is a crash, while the
    engine's own `kill` is an order that nothing is started again after."""
    container.reload()
    return int(container.attrs["State"]["Pid"])
