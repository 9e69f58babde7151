"""Replicas: containers of a release on the private network, which nobody but the edge reaches."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mldeploy.config import EngineTarget
from mldeploy.engines import docker_exec, docker_files
from mldeploy.engines.base import Replica
from mldeploy.engines.docker_names import ALIAS, RELEASE, SERVICE_PORT, SPEC, Names
from mldeploy.errors import RefusedError

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container
    from docker.types import LogConfig

    from mldeploy.golden import Request

PYTHON = "/opt/venv/bin/python"
ASK = "/app/server/ask.py"
SECRETS = "/run/secrets/mldeploy"
# The engine's own back-off: at once, then after 0.1 s, doubling up to a minute. Not the policy
# `unless-stopped`: a dockerd that starts after a crash stops the containers that it finds, takes it
# for the user's order, and leaves them stopped (moby 20.10: killWithSignal sets
# HasBeenManuallyStopped).
RESTART: Any = {"Name": "always"}
USER = 10001  # of the image
KILLED = (137, 143)  # exit codes after SIGKILL and SIGTERM
LINGER = 10  # seconds on top of the drain, before the engine kills a replica that doesn't end


@dataclass(frozen=True)
class Spec:
    """How a replica runs: what of mldeploy.toml shapes it, and the volume with its secrets."""

    memory: int
    cpus: float
    drain: int
    outbound: bool
    env: dict[str, str]
    secrets: str = ""

    @classmethod
    def of(cls, target: EngineTarget, secrets: str = "") -> Spec:
        return cls(
            memory=target.memory_bytes,
            cpus=target.cpus,
            drain=target.drain_timeout,
            outbound=target.outbound,
            env=dict(target.env),
            secrets=secrets,
        )

    def as_text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def read(cls, container: Container) -> Spec:
        return cls(**json.loads(container.labels[SPEC]))


def create(
    client: docker.DockerClient, names: Names, release: str, image: str, spec: Spec, settings: str
) -> Container:
    """Make, and do not start, one replica. It restarts by itself only once it has been let in."""
    alias = f"r-{secrets.token_hex(4)}"
    labels = names.labels("replica", release=release, alias=alias, settings=settings)
    endpoint = client.api.create_endpoint_config(aliases=[alias])
    return client.containers.create(
        image,
        name=names.replica(release, alias),
        labels=labels | {SPEC: spec.as_text()},
        environment={**spec.env, "DRAIN_SECONDS": str(spec.drain)},
        network=names.network,
        networking_config={names.network: endpoint},
        mem_limit=spec.memory,
        memswap_limit=spec.memory,  # no swap: what leaks is ended, and doesn't slow all the rest
        nano_cpus=int(spec.cpus * 1_000_000_000),
        pids_limit=512,
        read_only=True,
        tmpfs={"/tmp": "size=256m,mode=1777"},  # noqa: S108 - the replica's own, in memory
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        volumes={spec.secrets: {"bind": SECRETS, "mode": "ro"}} if spec.secrets else {},
        log_config=log_config(),
        detach=True,
    )


def log_config() -> LogConfig:
    """A forgotten service must not fill the machine's disk."""
    from docker.types import LogConfig

    return LogConfig(type=LogConfig.types.JSON, config={"max-size": "10m", "max-file": "3"})


def wait_until_ready(container: Container, seconds: float) -> None:
    """Return when ``/readyz`` answers 200; raises RefusedError with the last log lines if not."""
    deadline = time.monotonic() + seconds
    while True:
        ready = _says_ready(container, max(deadline - time.monotonic(), 1))
        container.reload()
        state = container.attrs["State"]
        if not state["Running"]:
            raise refused(container, died(state), "server-died")
        if ready:
            return
        if time.monotonic() >= deadline:
            why = f"/readyz did not answer within {seconds:.0f} s."
            raise refused(container, why, "not-ready")
        time.sleep(0.2)  # it is just about to end, or who asked in it was ended: asked again


def _says_ready(container: Container, seconds: float) -> bool:
    import docker

    words = [PYTHON, ASK, "ready", str(int(seconds))]
    try:
        return docker_exec.run(container, words, timeout=seconds + 10).code == 0
    except (docker.errors.APIError, TimeoutError):
        return False


def died(state: dict[str, Any]) -> str:
    """In words, why a container is not running."""
    if state.get("OOMKilled"):
        return "It was killed for using more memory than `memory` in mldeploy.toml allows."
    code = state.get("ExitCode")
    if code in KILLED:
        return "It was ended from outside: the engine or the machine was restarted just then."
    return f"It ended while starting, with exit code {code}." if code else "It ended by itself."


def ask(container: Container, request: Request, seconds: float) -> Any:
    """The replica's own answer, asked from inside it: no port is opened for that."""
    import docker

    body = json.dumps(request.body).encode()
    try:
        ran = docker_exec.run(
            container, [PYTHON, ASK, "post", request.path], stdin=body, timeout=seconds
        )
        answer = json.loads(ran.out.splitlines()[-1])
    except (docker.errors.APIError, TimeoutError, ValueError, IndexError) as error:
        why = f"It did not answer {request.path}: {error}."
        raise refused(container, why, "golden-unanswered") from error
    if answer["status"] != 200:
        text = json.dumps(answer["body"])[:300]
        why = f"It answered {request.path} with status {answer['status']}: {text}"
        raise refused(container, why, "golden-unanswered")
    return answer["body"]


def look_at(container: Container) -> Replica:
    """One replica as it is now, with what it says of itself."""
    import docker

    container.reload()
    state = container.attrs["State"]
    metrics, memory, ready = "", None, False
    if state["Running"] and not state.get("Paused"):
        with suppress(docker.errors.APIError, TimeoutError):
            ran = docker_exec.run(container, [PYTHON, ASK, "metrics"], timeout=5)
            metrics, ready = (ran.out, True) if ran.code == 0 else ("", False)
        with suppress(docker.errors.APIError, KeyError):
            stats: Any = container.stats(stream=False, one_shot=True)
            used = stats["memory_stats"]
            # What the kernel would give back at once is not the replica's need.
            memory = used["usage"] - used.get("stats", {}).get("total_inactive_file", 0)
    return Replica(
        name=container.labels[ALIAS],
        release=container.labels[RELEASE],
        state="ready" if ready else "unready" if state["Running"] else state["Status"],
        started_at=_moment(state["StartedAt"]),
        restarts=container.attrs.get("RestartCount", 0),
        memory=memory,
        metrics=metrics,
    )


def let_restart(containers: Sequence[Container]) -> None:
    """From now on the engine starts them again, with a growing pause, when they die."""
    for container in containers:
        container.update(restart_policy=RESTART)


def stop(containers: Sequence[Container], *, kill: bool = False) -> None:
    """Let each finish its requests in flight and end, all at once; then remove them."""
    from concurrent.futures import ThreadPoolExecutor

    if containers:
        with ThreadPoolExecutor(max_workers=len(containers)) as pool:
            list(pool.map(lambda one: _end(one, kill=kill), containers))


def _end(container: Container, *, kill: bool) -> None:
    import docker

    with suppress(docker.errors.NotFound):
        if not kill:
            container.stop(timeout=Spec.read(container).drain + LINGER)
        container.remove(force=True)


def write_secrets(
    client: docker.DockerClient, names: Names, image: str, values: dict[str, str]
) -> str:
    """A volume with one file that only the service's user can read; returns its name.

    Written through a container that is never started: a value is in no command line, environment,
    label or layer, and a replica that starts again after a crash finds it.
    """
    volume = names.secrets(secrets.token_hex(4))
    client.volumes.create(volume, labels=names.labels("secrets"))
    writer = client.containers.create(
        image,
        labels=names.labels("writer"),
        volumes={volume: {"bind": SECRETS, "mode": "rw"}},
        network_mode="none",
    )
    try:
        content = json.dumps(values).encode()
        file = docker_files.File(content, mode=0o400, owner=USER)
        docker_files.put(writer, SECRETS, {"secrets.json": file})
    finally:
        writer.remove(force=True)
    return volume


def read_secrets(container: Container) -> dict[str, str]:
    """What :func:`write_secrets` gave it, to see whether that has changed since."""
    file = docker_files.get(container, f"{SECRETS}/secrets.json").get("")
    values: dict[str, str] = json.loads(file.content) if file else {}
    return values


def refused(container: Container, why: str, code: str) -> RefusedError:
    return RefusedError(
        code,
        what=f"Release {container.labels[RELEASE]} was not let through the gate.",
        why=why,
        do="mend the service (the log shows where), then: mldeploy up",
        detail=tail(container),
    )


def tail(container: Container) -> str:
    import docker

    with suppress(docker.errors.APIError):
        return str(container.logs(tail=15).decode("utf-8", "replace")).rstrip()
    return ""


def _moment(text: str) -> str | None:
    if not text or text.startswith("0001"):
        return None
    # The engine writes nanoseconds, which fromisoformat refuses before Python 3.11's limit of six.
    whole = text.partition(".")[0].removesuffix("Z")
    return datetime.fromisoformat(whole).replace(tzinfo=UTC).isoformat(timespec="seconds")


def dial(container: Container) -> str:
    """Where the edge finds it: a name on the private network, which survives a restart."""
    return f"{container.labels[ALIAS]}:{SERVICE_PORT}"
