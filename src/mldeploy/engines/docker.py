"""The Docker engine: replicas on a private network, and the edge in front of them.

What runs is read from the engine itself: labels say whose a thing is, the edge's volume says who
gets the requests. Nothing on the laptop is needed for it, so any checkout of the project sees the
same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mldeploy import history
from mldeploy.config import EngineTarget
from mldeploy.engines import (
    docker_clearing,
    docker_lock,
    docker_network,
    docker_replicas,
    event_file,
)
from mldeploy.engines.base import Candidate, Engine, Removed, Replica, Serving, Switched
from mldeploy.engines.docker_client import told
from mldeploy.engines.docker_edge import DockerEdge, Live, url_of
from mldeploy.engines.docker_names import (
    ALIAS,
    FOLDER,
    HOST,
    RECORD,
    SETTINGS,
    Names,
)
from mldeploy.engines.docker_replicas import Spec
from mldeploy.errors import FailedError, MldeployError, RefusedError
from mldeploy.history import Event
from mldeploy.machines import machine_of
from mldeploy.machines.base import Machine
from mldeploy.project import Project
from mldeploy.release import Release, digest_of
from mldeploy.who import laptop

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

    from mldeploy.golden import Golden, Request
    from mldeploy.keys import Key
    from mldeploy.secret_values import Secrets
    from mldeploy.ui import Ui

GOLDEN_SECONDS = 60.0
MOST_EVENTS = 100  # that a target is told at once


class DockerEngine(Engine):
    """Runs the releases of one target on the Docker engine of a machine, near or far."""

    start_in_words = (
        "docker run --network (private) --read-only --cap-drop ALL (the release's image)",
        "new replicas warm up where no user's request can reach them",
    )
    switch_in_words = (
        "docker exec (edge) mv -T /edge/live.new /edge/live; docker stop (the old replicas)",
        "one rename moves new requests over; the old replicas finish theirs, and end",
    )
    stop_in_words = (
        "docker stop (edge, replicas) && docker rm … && docker volume rm … && docker rmi …",
        "replicas finish the requests in flight; then everything with our labels goes",
    )

    def __init__(
        self, project: Project, name: str, target: EngineTarget, machine: Machine | None = None
    ) -> None:
        self.project = project
        self.machine = machine or machine_of(project, name, target)
        self.target = target
        self.name = name
        self.folder = project.state / "targets" / name
        self.names = Names(
            project.config.project.name, name, {FOLDER: str(project.root), HOST: laptop()}
        )

    @cached_property
    def client(self) -> docker.DockerClient:
        return self.machine.connect()

    @cached_property
    def edge(self) -> DockerEdge:
        return DockerEdge(self.client, self.names, self.target, self.machine.host())

    def make_ready(self, ui: Ui) -> None:
        self.machine.make_ready(ui)

    def reached(self, url: str) -> AbstractContextManager[str]:
        return self.machine.reached(url)

    def keep_reached(self) -> None:
        self.machine.keep_reached()

    def login(self) -> list[str]:
        return self.machine.login()

    # One at a time

    @contextmanager
    def lock(self, action: str) -> Iterator[None]:
        self.project.make_state()
        with told(), docker_lock.held(self.client, self.names, self.folder, action):
            yield

    def refuse_if_locked(self) -> None:
        with told():
            docker_lock.refuse_if_held(self.client, self.names, self.folder)

    def unlock(self) -> str | None:
        with told():
            return docker_lock.break_it(self.client, self.names, self.folder)

    # What is there

    def serving(self) -> Serving:
        with told():
            live = self.edge.live()
            if live is None:
                return Serving("down", detail="nothing was started, or it was taken down")
            box = self.edge.container()
            there = [c for c in self._replicas() if c.labels[ALIAS] in live.aliases]
            known = {
                "release": live.release,
                "url": self.url,
                "started_at": live.since,
                "replicas": len(set(live.dials)),
            }
            if box is None or box.status != "running":
                state = box.status if box else "gone"
                return Serving("dead", **known, detail=f"the edge is {state}")  # type: ignore[arg-type]
            if self.edge.answers():
                return Serving("serving", **known, detail="/readyz answers through the edge")  # type: ignore[arg-type]
            alive = [c for c in there if c.status == "running"]
            if not alive:
                return Serving("dead", **known, detail="no replica runs")  # type: ignore[arg-type]
            detail = f"{len(alive)} replica(s) run, but /readyz does not answer through the edge"
            return Serving("unhealthy", **known, detail=detail)  # type: ignore[arg-type]

    @property
    def url(self) -> str:
        return url_of(self.target, self.machine.host())

    def as_wanted(self, now: Serving, release: Release) -> bool:
        with told():
            live = self.edge.live()
            if now.state != "serving" or now.release != release.name or live is None:
                return False
            secrets = self._secrets()
            values = secrets.reveal() if secrets else {}
            same = [
                one
                for one in self._live_replicas(live)
                if one.labels.get(SETTINGS) == self._settings
                and docker_replicas.read_secrets(one) == values
            ]
            if not self.edge.fits() or len(same) != self.target.replicas:
                return False
            self.edge.reload_if_changed()  # limits of the edge need no new replicas
            return True

    def replicas(self) -> list[Replica]:
        with told():
            live = self.edge.live()
            return [docker_replicas.look_at(c) for c in self._live_replicas(live)] if live else []

    def releases(self) -> list[Release]:
        with told():
            found = [_record(image) for image in self._images()]
        return sorted((r for r in found if r), key=lambda r: r.created_at)

    def golden(self, release: str) -> Golden:
        from mldeploy.engines.docker_images import golden_of

        with told():
            return golden_of(self.client, self.names, release)

    def keys(self) -> tuple[Key, ...]:
        with told():
            return self.edge.keys()

    def authority(self) -> str | None:
        with told():
            return self.edge.authority()

    def needs_here(self) -> set[str]:
        return set()  # its releases are images, whole, on the engine

    # The steps of a switch

    def tidy(self) -> list[str]:
        with told():
            settled = self.edge.settle()
            live = self.edge.live()
            serving = set(live.aliases) if live else set()
            left = [c for c in self._replicas() if c.labels[ALIAS] not in serving]
            # A graceful end: with a crash just after the switch, these are the old ones, at work.
            docker_replicas.stop(left)
            done = [settled] if settled else []
            done += [f"ended replica {c.name}, left over by an interrupted action" for c in left]
            docker_replicas.let_restart(self._live_replicas(live) if live else [])
            docker_clearing.remove_unused(self.client, self.names)
            box = self.edge.container()
            if box is not None and live is None:
                box.remove(force=True)
                done.append(f"removed {box.name}, left over by an interrupted action")
            elif box is not None and box.status != "running" and self.edge.fits():
                box.start()
                done.append(f"started {box.name} again: it was {box.status}")
            return done

    def check(self) -> None:
        with told():
            box = self.edge.container()
            if box is not None and box.status == "running" and self.edge.fits():
                return
            ours = docker_network.published(box) if box and box.status == "running" else set()
            for port in sorted(self.edge.ports() - ours):
                docker_network.check_port(self.client, port, self.machine.holder_of)

    def prepare(self, release: Release, ui: Ui) -> None:
        from mldeploy.images.ingredients import collect
        from mldeploy.images.recipe import steps

        with told():
            made = steps(collect(self.project, self.name, self.target.base, release))
            self.machine.make(made, ui)

    def start(self, release: Release) -> Candidate:
        with told():
            image = self._image_of(release.name)
            docker_network.ensure(self.client, self.names, outbound=self.target.outbound)
            secrets = self._secrets()
            try:
                volume = self._write(secrets, image) if secrets else ""
                spec, count = Spec.of(self.target, volume), self.target.replicas
                return self._start(release.name, image, spec, self._settings, count)
            except RefusedError as error:  # with the end of a log, which may say anything
                error.detail = secrets.redact(error.detail) if secrets else error.detail
                raise

    def _write(self, secrets: Secrets, image: str) -> str:
        try:
            values = secrets.reveal()
            return docker_replicas.write_secrets(self.client, self.names, image, values)
        except BaseException:
            docker_clearing.remove_unused(self.client, self.names)
            raise

    def start_more(self, count: int) -> Candidate:
        with told():
            live = self.edge.live()
            serving = self._live_replicas(live) if live else []
            if live is None or not serving:
                raise _nothing_lives(self.name)
            spec, settings = Spec.read(serving[0]), serving[0].labels[SETTINGS]
            image = self._image_of(live.release)
            return self._start(live.release, image, spec, settings, count, joins=live)

    def _start(
        self,
        release: str,
        image: str,
        spec: Spec,
        settings: str,
        count: int,
        joins: Live | None = None,
    ) -> Candidate:
        started: list[Container] = []
        candidate = Candidate(release, "http://(replica):3000", (started, joins))
        try:
            for _ in range(count):
                started.append(
                    docker_replicas.create(self.client, self.names, release, image, spec, settings)
                )
                started[-1].start()
            for one in started:
                docker_replicas.wait_until_ready(one, self.target.ready_timeout)
        except BaseException:
            self.discard(candidate)
            raise
        return candidate

    def ask(self, candidate: Candidate, request: Request) -> list[Any]:
        started, _ = candidate.handle
        with told():
            return [docker_replicas.ask(one, request, GOLDEN_SECONDS) for one in started]

    def switch(self, candidate: Candidate) -> Switched:
        started, joins = candidate.handle
        with told():
            try:
                before = self.edge.live()
                docker_replicas.let_restart(started)
                dials = [docker_replicas.dial(one) for one in started]
                since = None
                if joins is not None:
                    dials, since = [*sorted(set(joins.dials)), *dials], joins.since
                pause = self._let_edge_know(candidate.release, dials, since, before)
            except BaseException:
                self.discard(candidate)
                raise
            # The point of no return: from here on the old replicas end, and the new ones serve.
            kept = {dial.partition(":")[0] for dial in dials}
            self._end_replicas([c for c in self._replicas() if c.labels[ALIAS] not in kept])
            return Switched(self.url, pause)

    def _let_edge_know(
        self, release: str, dials: Sequence[str], since: str | None, before: Live | None
    ) -> timedelta | None:
        """Point the edge at new replicas and see them answer through it; else back to the old."""
        if not self.edge.fits():
            return self._new_edge(release, dials, since, before)
        self.edge.reload_if_changed()
        chosen = self.edge.write_set(release, dials, since)
        self.edge.point_at(chosen)
        if self.edge.wait_for(release):
            self.edge.forget_sets(keep=chosen)
            return None
        if before is not None:
            self.edge.point_at(before.set_id)
        raise _not_through_the_edge(self.name, release, before, self.edge.tail())

    def _new_edge(
        self, release: str, dials: Sequence[str], since: str | None, before: Live | None
    ) -> timedelta | None:
        """The first edge, or one with another port or image: that one does not answer meanwhile."""
        began = time.monotonic()
        try:
            self.edge.create()
            if not self.edge.keys():
                self._make_key()
            self.edge.point_at(self.edge.write_set(release, dials, since))
            self.edge.start()
            if not self.edge.wait_for(release):
                raise _not_through_the_edge(self.name, release, before, self.edge.tail())
        except BaseException:
            self.edge.bring_back()
            if before is not None:
                self.edge.point_at(before.set_id)
            raise
        self.edge.forget_before()
        return timedelta(seconds=time.monotonic() - began) if before else None

    def discard(self, candidate: Candidate) -> None:
        started, _ = candidate.handle
        with suppress(MldeployError), told():  # an engine that is gone has taken them along
            live = self.edge.live()
            # They may serve after all: a switch whose answer was lost on the way here is one.
            serving = set(live.aliases) if live else set()
            never = [c for c in started if c.labels[ALIAS] not in serving]
            docker_replicas.stop(never, kill=True)  # nobody's request is in flight there
            # Made, and not yet known to be: Ctrl+C came while the engine was being asked for it.
            made = [c for c in self._replicas() if c.labels[ALIAS] not in serving]
            docker_replicas.stop(made, kill=True)
            docker_clearing.remove_unused(self.client, self.names)

    def stop_some(self, count: int) -> list[Removed]:
        with told():
            live = self.edge.live()
            if live is None:
                raise _nothing_lives(self.name)
            keep = sorted(set(live.dials))[: len(set(live.dials)) - count]
            chosen = self.edge.write_set(live.release, keep, live.since)
            self.edge.point_at(chosen)
            kept = {dial.partition(":")[0] for dial in keep}
            gone = [c for c in self._replicas() if c.labels[ALIAS] not in kept]
            self._end_replicas(gone)
            self.edge.forget_sets(keep=chosen)
            return [Removed(f"replica {c.name}") for c in gone]

    def stop(self) -> list[Removed]:
        from mldeploy.engines.docker_images import remove_images
        from mldeploy.images.training import forget_code_images

        with told():
            for event in self.edge.history():  # the volume goes; what it knew stays readable here
                if event not in event_file.read(self.folder):
                    event_file.append(self.folder, event)
            before = docker_clearing.everything_of(self.client, self.names)
            self.edge.remove()
            docker_clearing.remove_all(self.client, self.names)
            before += remove_images(self.client, self.names)
            before += forget_code_images(self.client, self.names.project)
            self.machine.clear()
            left = set(docker_clearing.everything_of(self.client, self.names))
            return [Removed(what, left=what in left) for what in before] + [
                Removed(what, left=True) for what in sorted(left - set(before))
            ]

    def prune(self) -> list[str]:
        from mldeploy.engines.docker_images import prune_images

        with told():
            live = self.edge.live()
            kept = {*history.kept(self.history()), *([live.release] if live else [])}
            return prune_images(self.client, self.names, kept)

    # The record

    def record(self, event: Event) -> None:
        event_file.append(self.folder, event)
        with suppress(MldeployError), told():
            if self.edge.container() is not None:
                # Also what a broken line kept from it: other laptops read it there alone.
                known = self.edge.history()
                here = event_file.read(self.folder)[-MOST_EVENTS:]
                self.edge.record([one for one in here if one not in known])

    def history(self) -> list[Event]:
        with told():
            there = self.edge.history()
        return history.merged(event_file.read(self.folder), there)

    def log(
        self, *, lines: int | None, since: datetime | None, follow: bool, edge: bool = False
    ) -> Iterator[str]:
        from mldeploy.engines.docker_log import log_of

        with told():
            live = self.edge.live()
            yield from log_of(
                self.client,
                self.names,
                live.aliases if live and not edge else [],
                role="edge" if edge else "replica",
                lines=lines,
                since=since,
                follow=follow,
            )

    def rotate_keys(self, *, at_once: bool) -> tuple[Key, ...]:
        from datetime import UTC

        from mldeploy import keys

        with told():
            if self.edge.container() is None:
                raise _nothing_lives(self.name)
            fresh = keys.new_key(datetime.now(UTC))
            held = keys.rotate(self.edge.keys(), fresh, at_once=at_once)
            self.edge.write_keys(held)
            self.edge.reload()
            return held

    def execute(self, command: list[str], write: Callable[[bytes], None]) -> int:
        from mldeploy.engines import docker_exec

        with told():
            live = self.edge.live()
            running = (
                [c for c in self._live_replicas(live) if c.status == "running"] if live else []
            )
            if not running:
                raise _nothing_lives(self.name)
            return docker_exec.stream(
                running[0], command, lambda _, data: write(data), timeout=None
            )

    # Small steps of the above

    def _replicas(self) -> list[Container]:
        return docker_clearing.replicas_of(self.client, self.names)

    def _live_replicas(self, live: Live) -> list[Container]:
        return [c for c in self._replicas() if c.labels[ALIAS] in live.aliases]

    def _end_replicas(self, containers: list[Container]) -> None:
        docker_replicas.stop(containers)
        docker_clearing.remove_unused(self.client, self.names)

    def _make_key(self) -> None:
        from datetime import UTC

        from mldeploy import keys

        self.edge.write_keys((keys.new_key(datetime.now(UTC)),))

    def _secrets(self) -> Secrets | None:
        from mldeploy.secret_values import resolve

        return resolve(self.target.secrets, self.project.root) if self.target.secrets else None

    @property
    def _settings(self) -> str:
        """A name for how replicas are to run: another one means that they must be replaced."""
        return digest_of({"spec": Spec.of(self.target).as_text().encode()})[:16]

    def _images(self) -> list[Any]:
        from mldeploy.engines.docker_images import images_of

        return images_of(self.client, self.names)

    def _image_of(self, release: str) -> str:
        from mldeploy.engines.docker_images import tag_of

        return tag_of(self.client, self.names, release)


def _record(image: Any) -> Release | None:
    with suppress(KeyError, ValueError, TypeError):
        return Release(**json.loads(image.labels[RECORD]))
    return None


def _nothing_lives(name: str) -> FailedError:
    return FailedError(
        "nothing-serves",
        what=f"Nothing serves on {name}.",
        why="No replica of this target runs.",
        do=f"mldeploy up {name}",
    )


def _not_through_the_edge(name: str, release: str, before: Live | None, said: str) -> FailedError:
    old = f"{before.release} serves as before." if before else "Nothing serves, as before."
    return FailedError(
        "switch-failed",
        what=f"{release} is ready, but does not answer through the edge. {old}",
        why="The edge could not reach it in time.",
        do=f"mldeploy doctor {name}, then: mldeploy up {name}",
        detail=said,
    )
