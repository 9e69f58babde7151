"""The ``process`` engine: a release as a process of this machine, on the loopback only.

Each start has a folder of its own, ``.mldeploy/targets/<target>/runs/<when>-<release>``. What runs
is read from these folders and from the processes themselves; there is no other note of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mldeploy import history, locks
from mldeploy.config import ProcessTarget
from mldeploy.engines import event_file
from mldeploy.engines.base import (
    Candidate,
    Engine,
    Removed,
    Replica,
    Serving,
    Switched,
    cannot,
)
from mldeploy.engines.ports import (
    ANSWER_SECONDS,
    HOST,
    free_port,
    get_text,
    holder_of,
    readiness,
)
from mldeploy.engines.process_run import (
    SERVER,
    Run,
    end,
    home_of_copy,
    mark_ended,
    process_of,
    tail,
)
from mldeploy.errors import ConfigError, FailedError, RefusedError
from mldeploy.history import Event
from mldeploy.project import Project

if TYPE_CHECKING:
    import subprocess

    from mldeploy.golden import Golden, Request
    from mldeploy.keys import Key
    from mldeploy.release import Release
    from mldeploy.ui import Ui

KEPT_RUNS = 5
TAKE_SECONDS = 20.0
GOLDEN_SECONDS = 30.0
LOCKED = "This target is being changed by somebody else."

# A server is meant to outlive us; a Popen object that goes before its process makes Python warn.
_OUTLIVING_US: list[Any] = []


class ProcessEngine(Engine):
    """Runs the releases of one ``process`` target."""

    start_in_words = (
        "bentoml serve (the release's bento) --host 127.0.0.1 --port (a free one)",
        "the new server warms up where no user's request can reach it",
    )
    switch_in_words = (
        "kill -TERM (the old server), whose port the new one takes at once",
        "only a release that proved itself gets the port; requests in flight finish",
    )
    stop_in_words = ("kill -TERM (the server)", "it finishes the requests in flight, then ends")

    def __init__(self, project: Project, name: str, target: ProcessTarget) -> None:
        self.project = project
        self.target = target
        self.folder = project.state / "targets" / name
        self.runs = self.folder / "runs"

    # What runs now

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.target.port}"

    def serving(self) -> Serving:
        run = self._current()
        if run is None:
            return Serving("down", detail="nothing was started, or it was taken down")
        facts = run.wrote("serving.json") or {}
        url = f"http://{HOST}:{facts['port']}"
        since = _iso(facts["at"])
        head = readiness(facts["port"])
        if head is not None and f"x-mldeploy-run: {run.identity}\r\n" in head:
            return Serving("serving", run.release, url, since, replicas=1, detail="/readyz answers")
        if process_of(run) is None:
            if original := home_of_copy(run):
                detail = (
                    f"this folder is a copy; the server belongs to {original} and runs on there"
                )
                return Serving("down", detail=detail)
            detail = "its process is gone: killed, crashed, or the machine was restarted"
            return Serving("dead", run.release, url, since, detail=detail)
        detail = f"its process lives, but /readyz does not answer within {ANSWER_SECONDS:.0f} s"
        return Serving("unhealthy", run.release, url, since, replicas=1, detail=detail)

    def _current(self) -> Run | None:
        """The run that serves, or should: the newest that took the port and was not ended."""
        for run in self._all_runs():
            if run.wrote("serving.json") and not run.wrote("stopped.json"):
                return run
        return None

    def _all_runs(self) -> list[Run]:
        """Newest first; the names begin with the time of the start."""
        if not self.runs.is_dir():
            return []
        return [Run(folder) for folder in sorted(self.runs.iterdir(), reverse=True)]

    def as_wanted(self, now: Serving, release: Release) -> bool:
        here = (now.url or "").endswith(f":{self.target.port}")
        return now.state == "serving" and now.release == release.name and here

    def replicas(self) -> list[Replica]:
        run = self._current()
        process = process_of(run) if run else None
        if run is None or process is None:
            return []
        facts = run.wrote("serving.json") or {}
        metrics = get_text(facts["port"], "/metrics")
        state = "ready" if readiness(facts["port"]) is not None else "unready"
        memory = process.memory_info().rss
        return [Replica(run.release, run.release, state, _iso(facts["at"]), 0, memory, metrics)]

    def releases(self) -> list[Release]:
        from mldeploy.build import known_releases

        return known_releases(self.project)

    def golden(self, release: str) -> Golden:
        from mldeploy import golden
        from mldeploy.build import releases_folder

        return golden.read(releases_folder(self.project) / release / "golden.json")

    def keys(self) -> tuple[Key, ...]:
        return ()  # closed by its address: only this machine reaches it

    def needs_here(self) -> set[str]:
        serving = self.serving().release
        return {*history.kept(self.history()), *([serving] if serving else [])}

    # The steps of a switch

    def prepare(self, release: Release, ui: Ui) -> None:
        """Nothing to do: it runs from where it was built."""

    def start_more(self, count: int) -> Candidate:
        raise _one_server()

    def stop_some(self, count: int) -> list[Removed]:
        raise _one_server()

    def check(self) -> None:
        current = self._current()
        if current and process_of(current) and self._port_of(current) == self.target.port:
            return
        if (holder := holder_of(self.target.port)) is not None:
            raise FailedError(
                "port-taken",
                what=f"Port {self.target.port} is taken.",
                why=f"{holder} listens on it.",
                do=f"stop it, or choose another: port = {free_port()} in mldeploy.toml",
            )

    def start(self, release: Release) -> Candidate:
        run = self._new_run(release)
        process = self._spawn(run, release)
        candidate = Candidate(release.name, "", (run, process))
        deadline = time.monotonic() + self.target.ready_timeout
        try:
            while True:
                started = run.wrote("started.json")
                if process.poll() is not None:
                    raise _refused(release, run, "It ended while starting.", "server-died")
                if started and readiness(started["port"]) is not None:
                    return Candidate(
                        release.name, f"http://{HOST}:{started['port']}", (run, process)
                    )
                if time.monotonic() > deadline:
                    waited = f"/readyz did not answer within {self.target.ready_timeout} s."
                    raise _refused(release, run, waited, "not-ready")
                time.sleep(0.02)
        except BaseException:
            self.discard(candidate)
            raise

    def ask(self, candidate: Candidate, request: Request) -> list[Any]:
        from http.client import HTTPException

        from mldeploy.http_json import post

        run, _ = candidate.handle
        try:
            answer = post(candidate.place + request.path, request.body, timeout=GOLDEN_SECONDS)
        except (OSError, HTTPException) as error:
            why = f"It did not answer {request.path}: {error}."
            raise _refused_by_name(candidate.release, run, why, "golden-unanswered") from error
        if answer.status != 200:
            why = f"It answered {request.path} with status {answer.status}: {answer.text[:300]}"
            raise _refused_by_name(candidate.release, run, why, "golden-unanswered")
        return [answer.json()]

    def switch(self, candidate: Candidate) -> Switched:
        run, process = candidate.handle
        old = self._current()
        old_process = process_of(old) if old else None
        began = time.time()
        self._order_to_take_the_port(candidate)
        same_port = old is not None and self._port_of(old) == self.target.port
        # The point of no return: the old server gives up the port, the new one is waiting for it.
        if old and old_process and same_port:
            end(old, old_process, "replaced")
        serving = self._wait_for_port(run, process)
        if old and old_process and not same_port:
            end(old, old_process, "replaced")
        elif old and not old_process:
            mark_ended(old, "found dead")
        pause = timedelta(seconds=max(0.0, serving["at"] - began)) if old_process else None
        return Switched(url=self.url, pause=pause if same_port else None)

    def _order_to_take_the_port(self, candidate: Candidate) -> None:
        """While the old server still serves: a candidate that died since the gate is found here."""
        run, process = candidate.handle
        with suppress(OSError):  # a broken pipe; what it means is said below
            process.stdin.write(f"take {self.target.port}\n")
            process.stdin.close()
        if process.poll() is not None:
            self.discard(candidate)
            why = "It ended after it had passed the gate."
            raise _refused_by_name(candidate.release, run, why, "server-died")

    def discard(self, candidate: Candidate) -> None:
        import subprocess

        run, process = candidate.handle
        with suppress(OSError, ValueError):
            process.stdin.close()
        process.terminate()
        try:
            process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            process.kill()  # it has no user's request to finish
            process.wait(timeout=10)
        with suppress(OSError):
            mark_ended(run, "discarded")

    def stop(self) -> list[Removed]:
        receipt: list[Removed] = []
        for run in self._all_runs():
            process = process_of(run)
            port = self._port_of(run)
            if process is not None:
                gone = end(run, process, "down")
                receipt.append(Removed(f"process {process.pid} ({run.release})", left=not gone))
                if port:
                    receipt.append(Removed(f"port {port}", left=process_of(run) is not None))
            elif port and not run.wrote("stopped.json"):
                mark_ended(run, "found dead")
                receipt.append(Removed(f"the record of {run.release}, which was dead already"))
        return receipt

    # The lock, what is left over, and the record

    def lock(self, action: str) -> AbstractContextManager[None]:
        self.project.make_state()
        return locks.held(self.folder / "lock", action, what=LOCKED)

    def refuse_if_locked(self) -> None:
        locks.refuse_if_held(self.folder / "lock", what=LOCKED)

    def unlock(self) -> str | None:
        self.refuse_if_locked()  # it ends with its holder: whoever holds it is at work
        return None

    def tidy(self) -> list[str]:
        import shutil

        done = []
        current = self._current()
        for run in self._all_runs():
            process = process_of(run)
            if process is not None and (current is None or run.folder != current.folder):
                end(run, process, "left over by an interrupted action")
                done.append(f"ended process {process.pid}, left over by an interrupted action")
        for run in [r for r in self._all_runs() if not current or r.folder != current.folder][
            KEPT_RUNS:
        ]:
            shutil.rmtree(run.folder, ignore_errors=True)
        return done

    def prune(self) -> list[str]:
        return []  # its releases lie in the project's folder, where other targets use them too

    def record(self, event: Event) -> None:
        event_file.append(self.folder, event)

    def history(self) -> list[Event]:
        return event_file.read(self.folder)

    def log(
        self, *, lines: int | None, since: datetime | None, follow: bool, edge: bool = False
    ) -> Iterator[str]:
        from mldeploy.engines.process_log import follow_runs, last_of

        if edge:
            raise cannot("logs --edge", "no edge stands in front of a process of this machine")
        runs = self._all_runs()
        shown = self._current() or next((r for r in runs if r.wrote("serving.json")), None)
        shown = shown or next(iter(runs), None)
        if shown is None:
            raise FailedError(
                "no-log",
                what="There is no log.",
                why="Nothing was ever started on this target.",
                do="mldeploy up",
            )
        there, position = last_of(shown.log, lines=lines, since=since)
        yield from there
        if follow:
            yield from follow_runs(shown, position, self._current)

    # Small steps of the above

    def _port_of(self, run: Run) -> int | None:
        facts = run.wrote("serving.json")
        return int(facts["port"]) if facts else None

    def _new_run(self, release: Release) -> Run:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        folder = self.runs / f"{stamp}-{release.name}"
        folder.mkdir(parents=True)
        return Run(folder)

    def _spawn(self, run: Run, release: Release) -> subprocess.Popen[str]:
        import subprocess

        from mldeploy.build import releases_folder
        from mldeploy.environment import folder as environment_folder
        from mldeploy.environment import python_of
        from mldeploy.programs import environment

        interpreter = python_of(environment_folder(self.project, release.environment))
        if not interpreter.exists():
            raise FailedError(
                "environment-missing",
                what=f"The serving environment of {release.name} is gone.",
                why=f"There is no {interpreter}.",
                do="mldeploy up     (it makes the environment again)",
            )
        bento = releases_folder(self.project) / release.name / "bento"
        with run.log.open("ab") as log:
            process = subprocess.Popen(
                [interpreter, SERVER, bento, release.name],
                cwd=run.folder,
                env=environment(self._environment() | {"PYTHONUNBUFFERED": "1"}),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                # A session of its own: Ctrl+C in this terminal, or its end, is not for the server.
                start_new_session=True,
            )
        _OUTLIVING_US.append(process)
        return process

    def _environment(self) -> dict[str, str]:
        """What mldeploy.toml gives the service; seen by nobody but this user and root."""
        from mldeploy.secret_values import resolve

        secrets = resolve(self.target.secrets, self.project.root) if self.target.secrets else None
        return {**self.target.env, **(secrets.reveal() if secrets else {})}

    def _wait_for_port(self, run: Run, process: subprocess.Popen[str]) -> dict[str, Any]:
        deadline = time.monotonic() + TAKE_SECONDS
        while (facts := run.wrote("serving.json")) is None:
            if process.poll() is not None or time.monotonic() > deadline:
                holder = holder_of(self.target.port)
                self.discard(Candidate(run.release, "", (run, process)))
                raise FailedError(
                    "switch-failed",
                    what=f"The new server could not take port {self.target.port}.",
                    why=f"{holder or 'Something'} held it; the old server had ended already.",
                    do="mldeploy up",
                    detail=tail(run),
                )
            time.sleep(0.002)
        return facts


def _one_server() -> ConfigError:
    return ConfigError(
        "one-server",
        what="A process target has one server.",
        why="There is no edge in front of it that could share requests out.",
        do='give a target kind = "docker", which has replicas',
    )


def _refused(release: Release, run: Run, why: str, code: str) -> RefusedError:
    return _refused_by_name(release.name, run, why, code)


def _refused_by_name(name: str, run: Run, why: str, code: str) -> RefusedError:
    return RefusedError(
        code,
        what=f"Release {name} was not let through the gate.",
        why=why,
        do="mend the service (the log shows where), then: mldeploy up",
        detail=tail(run),
    )


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
