"""The edge's container, and the volume that holds what must outlive it.

Which replicas get requests is one symbolic link in that volume, ``/edge/live``. Caddy reads the
addresses behind it at each request, so replacing the link is the whole switch: no reload, and no
client's connection is touched.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldeploy import edge, keys
from mldeploy.certificates import read_root, shows
from mldeploy.config import EngineTarget
from mldeploy.edge.certificate import Tls
from mldeploy.engines import docker_exec, docker_files
from mldeploy.engines.docker_files import File
from mldeploy.engines.docker_names import FOLDER, SETTINGS, Names
from mldeploy.engines.docker_replicas import RESTART, log_config
from mldeploy.errors import FailedError
from mldeploy.history import Event
from mldeploy.keys import Key
from mldeploy.release import digest_of
from mldeploy.who import user_and_host

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

HOME = "/edge"
ROOT = "data/caddy/pki/authorities/local/root.crt"  # of its own authority; Caddy's own place
ANSWER_SECONDS = 15.0


@dataclass(frozen=True)
class Live:
    """Who gets the users' requests: the replicas' addresses behind the link ``/edge/live``."""

    set_id: str
    release: str
    since: str
    dials: tuple[str, ...]

    @property
    def aliases(self) -> list[str]:
        return [dial.partition(":")[0] for dial in self.dials]


def url_of(target: EngineTarget, host: str) -> str:
    """Where users reach the edge of a target on the machine called ``host``."""
    tls = tls_of(target, host)
    return tls.origin if tls else f"http://{target.domain or host}:{target.published}"


def tls_of(target: EngineTarget, host: str) -> Tls | None:
    kind = target.certificate
    if kind == "none":
        return None
    # A public authority asks at the usual ports, so those are published.
    return Tls(
        host=target.domain or host,
        kind=kind,
        port=target.published if kind == "own" else 443,
        acme_directory=target.acme_directory,
    )


class DockerEdge:
    """The edge of one target. Methods raise docker's own errors; the engine tells them."""

    def __init__(
        self, client: docker.DockerClient, names: Names, target: EngineTarget, host: str
    ) -> None:
        self.client = client
        self.names = names
        self.target = target
        self.host = host  # the name or address under which users reach the machine

    def ports(self) -> set[int]:
        """Those of the machine that the edge is published at."""
        return {port for _, port in self._published().values()}

    def _published(self) -> dict[str, tuple[str, int]]:
        where = self.target.address
        match self.target.certificate:
            case "none":
                return {f"{edge.HTTP_PORT}/tcp": (where, self.target.published)}
            case "own":
                return {f"{edge.HTTPS_PORT}/tcp": (where, self.target.published)}
            case _:  # a public authority asks at these two
                return {
                    f"{edge.HTTP_PORT}/tcp": (where, 80),
                    f"{edge.HTTPS_PORT}/tcp": (where, 443),
                }

    def container(self) -> Container | None:
        import docker

        try:
            return self.client.containers.get(self.names.edge)
        except docker.errors.NotFound:
            return None

    # Who serves

    def live(self) -> Live | None:
        """Read from the volume, whether the edge runs or not; None before the first switch."""
        box = self.container()
        link = docker_files.get(box, f"{HOME}/live").get("") if box else None
        if box is None or link is None or not link.link:
            return None
        set_id = link.link.rpartition("/")[2]
        files = docker_files.get(box, f"{HOME}/sets/{set_id}")
        if "about.json" not in files:
            return None
        about = json.loads(files["about.json"].content)
        return Live(set_id, about["release"], about["since"], tuple(about["dials"]))

    def write_set(self, release: str, dials: Sequence[str], since: str | None = None) -> str:
        """Write who shall serve, to no effect yet; returns the name to point at."""
        set_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        about = {
            "release": release,
            "since": since or datetime.now(UTC).isoformat(timespec="seconds"),
            "by": user_and_host(),
            "dials": list(dials),
        }
        files = {
            f"sets/{set_id}/{number}": File(dial.encode())
            for number, dial in enumerate(edge.slots_for(tuple(dials)), start=1)
        }
        files[f"sets/{set_id}/about.json"] = File(json.dumps(about).encode())
        docker_files.put(self._there(), HOME, files)
        return set_id

    def point_at(self, set_id: str) -> None:
        """The switch itself: one rename, which the edge's next request sees."""
        box = self._there()
        if box.status != "running":
            docker_files.put(box, HOME, {"live": File(link=f"sets/{set_id}")})
            return
        draft = f"{HOME}/live.{secrets.token_hex(3)}"
        self._shell(f"ln -sfn sets/{set_id} {draft} && mv -T {draft} {HOME}/live")

    def forget_sets(self, keep: str) -> None:
        with suppress(FailedError):  # what stays is a few bytes, and goes at the next switch
            self._shell(
                f"cd {HOME}/sets && for one in *; do [ $one = {keep} ] || rm -rf $one; done"
            )

    def answers(self, release: str | None = None) -> bool:
        """Does ``/readyz`` answer 200 through the edge, and is it this release that does?"""
        ran = self._wget("/readyz")
        header = f"x-mldeploy-release: {release}".lower()
        return ran.code == 0 and (release is None or header in ran.err.lower())

    def wait_for(self, release: str) -> bool:
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            if self.answers(release):
                self._stay_with_authority()
                return True
            time.sleep(0.1)
        return False

    def tail(self) -> str:
        """The last the edge has said, for an error."""
        box = self.container()
        return box.logs(tail=10).decode("utf-8", "replace").rstrip() if box else ""

    # The container

    @property
    def digest(self) -> str:
        """Of what can't be changed in a running edge: its image and what it publishes."""
        parts = (edge.IMAGE, *(f"{i} {o}" for i, o in sorted(self._published().items())))
        return digest_of({"edge": "\n".join(parts).encode()})[:12]

    def fits(self) -> bool:
        """Is there an edge, made as mldeploy.toml has it now?"""
        box = self.container()
        return box is not None and box.labels.get(SETTINGS) == self.digest

    def create(self) -> None:
        """Make the edge; one that is there is stopped and kept aside, until the new one answers.

        The volume with what it knows stays the same.
        """
        self._have_image()
        if (old := self.container()) is not None:
            old.stop(timeout=10)
            old.rename(self._aside)
        self.client.volumes.create(self.names.edge, labels=self.names.labels("edge"))
        box = self.client.containers.create(
            edge.IMAGE,
            ["caddy", "run", "--config", f"{HOME}/caddy.json"],
            name=self.names.edge,
            labels=self.names.labels("edge", settings=self.digest),
            environment={"XDG_DATA_HOME": f"{HOME}/data", "XDG_CONFIG_HOME": f"{HOME}/config"},
            volumes={self.names.edge: {"bind": HOME, "mode": "rw"}},
            ports=self._published(),
            network="bridge",
            read_only=True,
            tmpfs={"/tmp": "size=64m,mode=1777"},  # noqa: S108 - the edge's own, in memory
            cap_drop=["ALL"],
            cap_add=["NET_BIND_SERVICE"],
            security_opt=["no-new-privileges"],
            restart_policy=RESTART,
            log_config=log_config(),
            detach=True,
        )
        self.client.networks.get(self.names.network).connect(box)
        docker_files.put(box, HOME, {"sets/.made": File(), "history/.made": File()})

    def start(self) -> None:
        self._write_configuration("caddy.json")
        self._there().start()

    def bring_back(self) -> None:
        """Remove an edge that does not answer, and start the one before it again, if there was."""
        self.remove()
        if (old := self._put_aside()) is not None:
            old.rename(self.names.edge)
            old.start()
        else:
            self._remove_volume()

    def settle(self) -> str | None:
        """After a crash between two edges: keep the new one if it answers, else the one before."""
        if self._put_aside() is None:
            return None
        box = self.container()
        if box is not None and box.status == "running" and self.answers():
            self.forget_before()
            return f"removed {self._aside}: the edge that replaces it answers"
        self.bring_back()
        return f"started {self.names.edge} again, as it was before an interrupted change"

    def forget_before(self) -> None:
        if (old := self._put_aside()) is not None:
            old.remove(force=True)

    def remove(self) -> None:
        if (box := self.container()) is not None:
            box.stop(timeout=self.target.drain_timeout)
            box.remove(force=True)

    def reload(self) -> None:
        """Let a running edge take the configuration of now; it is taken whole or not at all."""
        self._write_configuration("caddy.next.json")
        self._shell(
            f"caddy reload --config {HOME}/caddy.next.json --force "
            f"&& mv {HOME}/caddy.next.json {HOME}/caddy.json"
        )

    def reload_if_changed(self) -> None:
        box = self._there()
        there = docker_files.get(box, f"{HOME}/caddy.json").get("")
        if there is None or json.loads(there.content) != self._configuration():
            self.reload()

    # The certificate

    def authority(self) -> str | None:
        """The root certificate, as PEM text, if what the edge shows now is of its own authority.

        For a bare address that is so where no public authority gave it one; what it shows is seen
        from here, as users see it.
        """
        tls = self._tls()
        box = self.container()
        if tls is None or tls.kind == "domain" or box is None:
            return None
        file = docker_files.get(box, f"{HOME}/{ROOT}").get("")
        if file is None or not file.content:
            return None
        root = file.content.decode()
        return root if tls.kind == "own" or shows(tls.host, tls.port, root) else None

    def _stay_with_authority(self) -> None:
        """When a bare address got its first public certificate, ask nobody else from then on."""
        if self.target.certificate == "address" and self.authority() is None:
            with suppress(FailedError):  # it serves as well as before; the next `up` tries again
                self.reload_if_changed()

    def _certified(self, tls: Tls) -> bool:
        box = self.container()
        return bool(box and docker_files.get(box, f"{HOME}/data/caddy/{tls.certificate_file}"))

    def _tls(self) -> Tls | None:
        """What is wanted; what is known only where the edge runs is added by _configuration."""
        return tls_of(self.target, self.host)

    # Keys, and history

    def keys(self) -> tuple[Key, ...]:
        box = self.container()
        file = docker_files.get(box, f"{HOME}/keys.json").get("") if box else None
        where = f"the volume {self.names.edge}"
        return keys.from_json(file.content.decode(), where) if file else ()

    def write_keys(self, held: tuple[Key, ...]) -> None:
        content = keys.as_json(held).encode()
        docker_files.put(self._there(), HOME, {"keys.json": File(content, mode=0o600)})

    def record(self, events: Sequence[Event]) -> None:
        """Append these, in their order."""
        box = self._there()
        last = max(docker_files.get(box, f"{HOME}/history"), default="").partition("-")[0]
        # A number that grows, whatever the clock says: the names give the order of events.
        number = max(time.time_ns(), int(last) + 1 if last.isdigit() else 0)
        files = {
            f"history/{number + n}-{secrets.token_hex(3)}.json": File(
                json.dumps(event.as_dict()).encode()
            )
            for n, event in enumerate(events)
        }
        docker_files.put(box, HOME, files)

    def history(self) -> list[Event]:
        box = self.container()
        files = docker_files.get(box, f"{HOME}/history") if box else {}
        events = []
        for name in sorted(files):
            with suppress(ValueError, TypeError):  # cut short by a crash
                events.append(Event(**json.loads(files[name].content)))
        return events

    # Small steps of the above

    @property
    def _aside(self) -> str:
        return f"{self.names.edge}-before"

    def _put_aside(self) -> Container | None:
        import docker

        try:
            return self.client.containers.get(self._aside)
        except docker.errors.NotFound:
            return None

    def _remove_volume(self) -> None:
        import docker

        with suppress(docker.errors.NotFound):
            self.client.volumes.get(self.names.edge).remove(force=True)

    def _configuration(self) -> dict[str, Any]:
        tls, root = self._tls(), self._acme_root()
        if tls and root:
            tls = replace(tls, acme_root=f"{HOME}/{_name_of(root)}")
        if tls and tls.kind == "address":
            tls = replace(tls, certified=self._certified(tls))
        settings = edge.Edge(
            keys=tuple(keys.hashed(key) for key in self.keys()),
            max_body=self.target.max_body_bytes,
            request_timeout=self.target.request_timeout,
            tls=tls,
        )
        return edge.configuration(settings)

    def _write_configuration(self, name: str) -> None:
        content = json.dumps(self._configuration(), indent=1).encode()
        files = {name: File(content, mode=0o600)}
        if root := self._acme_root():
            files[_name_of(root)] = File(root.encode())
        docker_files.put(self._there(), HOME, files)

    def _acme_root(self) -> str | None:
        """The text of the file that mldeploy.toml names, or a ConfigError."""
        if self.target.acme_root is None or self.target.certificate == "none":
            return None
        return read_root(Path(self.names.owner[FOLDER]) / self.target.acme_root)

    def _have_image(self) -> None:
        import docker

        try:
            self.client.images.get(edge.IMAGE)
        except docker.errors.ImageNotFound:
            self.client.images.pull(edge.IMAGE)

    def _there(self) -> Container:
        box = self.container()
        if box is None:
            raise FailedError(
                "no-edge",
                what="The edge of this target is gone.",
                why=f"There is no container {self.names.edge}: somebody removed it meanwhile.",
                do=f"mldeploy up {self.names.target}",
            )
        return box

    def _wget(self, path: str) -> docker_exec.Ran:
        url = f"http://127.0.0.1:{edge.HTTP_PORT}{path}"
        # Not wget's own -T: not every busybox has it.
        words = ["timeout", "3", "wget", "-q", "-S", "-O", "-", url]
        return docker_exec.run(self._there(), words, timeout=10)

    def _shell(self, words: str) -> None:
        ran = docker_exec.run(self._there(), ["sh", "-c", words], timeout=30)
        if ran.code != 0:
            raise FailedError(
                "edge-refused",
                what="The edge did not do a step.",
                why=(ran.err or ran.out).strip()[-500:] or f"`{words}` ended with {ran.code}.",
                do=f"mldeploy logs {self.names.target} --edge",
            )


def _name_of(root: str) -> str:
    """Another root is another file, so the configuration, which names it, tells them apart."""
    return f"acme-root-{digest_of({'pem': root.encode()})[:12]}.pem"
