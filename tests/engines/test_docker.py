"""The docker engine keeps the contract on a real engine, and what is special about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from mldeploy import build, golden, orphans, project
from mldeploy.config import DockerTarget
from mldeploy.engines import docker_clearing, docker_lock, docker_network, event_file
from mldeploy.engines.docker import DockerEngine
from mldeploy.errors import FailedError, RefusedError
from mldeploy.golden import Request
from mldeploy.history import Event
from mldeploy.project import Project
from mldeploy.release import Release
from mldeploy.ui import Ui
from tests.conftest import Workplace, copy_of, free_port, until
from tests.engines.contract import Bench, EngineContract

if TYPE_CHECKING:
    import docker

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.timeout(300),
]

PLANTED = "s3cret-that-nobody-may-see"


@dataclass(frozen=True)
class Yard:
    """A project with two releases whose images are on the engine."""

    project: Project
    first: Release
    second: Release
    golden: golden.Golden


@pytest.fixture(scope="module")
def yard(
    trained: Path, tmp_path_factory: pytest.TempPathFactory, docker_client: docker.DockerClient
) -> Iterator[Yard]:
    place = Workplace(copy_of(trained, tmp_path_factory.mktemp("yard") / "docs"), free_port())
    settings = place.root / "mldeploy.toml"
    text = settings.read_text().replace('name = "function-docs"', 'name = "engine-yard"')
    settings.write_text(text + '\n[targets.box]\nkind = "docker"\n')
    here = project.find(place.root)
    here.make_state()
    engine = DockerEngine(here, "box", DockerTarget())
    first = build.build(here, Ui())
    engine.prepare(first, Ui())
    place.edit_service("second")
    second = build.build(here, Ui())
    engine.prepare(second, Ui())
    # Tests take the target down, which would take the dependencies along: somebody else needs them.
    keeper = DockerEngine(here, "keeper", DockerTarget())
    keeper.prepare(second, Ui())
    yield Yard(here, first, second, golden.read(place.root / "tests/golden.json"))
    engine.stop()
    keeper.stop()
    assert orphans_of(docker_client, "engine-yard") == []


@pytest.fixture
def target() -> DockerTarget:
    return DockerTarget(port=free_port(), drain_timeout=5, memory="512MB", cpus=2)


@pytest.fixture
def bench(yard: Yard, target: DockerTarget) -> Iterator[Bench]:
    engine = DockerEngine(yard.project, "box", target)
    same = DockerEngine(yard.project, "box", target)
    for release in (yard.first, yard.second):
        engine.prepare(release, Ui())  # a test before may have removed everything
    yield Bench(engine, same, yard.first, yard.second, yard.golden)
    leave_images(engine)


@pytest.fixture(scope="module")
def served(yard: Yard) -> Iterator[DockerEngine]:
    """One replica that serves, for the tests that only look."""
    engine = DockerEngine(yard.project, "shown", DockerTarget(port=free_port()))
    engine.prepare(yard.first, Ui())
    engine.switch(engine.start(yard.first))
    yield engine
    engine.stop()


def leave_images(engine: DockerEngine) -> None:
    """Take a target down for the next test, which needs the images that `stop` would remove."""
    docker_clearing.remove_all(engine.client, engine.names)
    (engine.folder / "history.jsonl").unlink(missing_ok=True)


def orphans_of(client: docker.DockerClient, name: str) -> list[str]:
    return [t.text for g in orphans.find(client) if g.project == name for t in g.things]


def call(
    engine: DockerEngine, path: str, *, key: str | None = None, body: Any = None, method: str = ""
) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", engine.target.port, timeout=30)
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method or ("GET" if body is None else "POST"), path, content, headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


class TestDockerEngine(EngineContract):
    """The shared suite on real containers."""

    def test_nothing_runs_at_first(self, bench: Bench) -> None:
        engine = bench.engine
        assert engine.serving().state == "down"
        assert engine.history() == []
        assert engine.replicas() == []


def serve(bench: Bench, release: Release | None = None) -> DockerEngine:
    assert isinstance(bench.engine, DockerEngine)
    bench.engine.switch(bench.engine.start(release or bench.first))
    return bench.engine


def test_without_the_key_only_readiness_is_told(served: DockerEngine, yard: Yard) -> None:
    engine = served
    request = yard.golden.requests[0]
    key = engine.keys()[-1]

    assert call(engine, "/readyz")[0] == 200
    for path in ("/", "/docs.json", "/metrics", "/livez", "/nowhere"):
        assert call(engine, path)[0] == 401, path
    for wrong in (None, "", "wrong", key.key[:-4] + "AAAA"):
        status, text = call(engine, request.path, key=wrong, body=request.body)
        assert status == 401
        assert json.loads(text)["error"]["code"]
    assert call(engine, request.path, key=key.key, body=request.body)[0] == 200


def test_a_rotated_key_is_valid_beside_the_one_before_and_no_longer(served: DockerEngine) -> None:
    engine = served
    first = engine.keys()[-1]

    _, second = engine.rotate_keys(at_once=False)
    assert {call(engine, "/docs.json", key=k.key)[0] for k in (first, second)} == {200}

    _, third = engine.rotate_keys(at_once=False)
    assert call(engine, "/docs.json", key=first.key)[0] == 401
    assert call(engine, "/docs.json", key=second.key)[0] == 200

    (fourth,) = engine.rotate_keys(at_once=True)
    assert call(engine, "/docs.json", key=third.key)[0] == 401
    assert call(engine, "/docs.json", key=fourth.key)[0] == 200


def test_a_body_over_the_limit_is_refused_as_json(yard: Yard, target: DockerTarget) -> None:
    engine = DockerEngine(yard.project, "box", msgspec.structs.replace(target, max_body="20KB"))
    try:
        engine.switch(engine.start(yard.first))
        (key,) = engine.keys()

        status, text = call(engine, "/predict", key=key.key, body={"rows": ["x" * 30_000]})

        assert status == 413
        assert json.loads(text)["error"]["code"]
    finally:
        leave_images(engine)


def test_nobody_but_the_edge_reaches_a_replica(
    served: DockerEngine, docker_client: docker.DockerClient
) -> None:
    engine = served
    replica = engine._replicas()[0]
    address = replica.attrs["NetworkSettings"]["Networks"][engine.names.network]["IPAddress"]

    said = docker_client.containers.run(
        str(replica.attrs["Image"]),
        [
            "/opt/venv/bin/python",
            "-c",
            "import socket,sys\n"
            f"s = socket.socket(); s.settimeout(3); print(s.connect_ex(('{address}', 3000)))",
        ],
        remove=True,
    )

    assert int(said) != 0
    assert not replica.attrs["HostConfig"]["PortBindings"]


def test_paths_that_nobody_serves_are_counted_under_one_name(served: DockerEngine) -> None:
    key = served.keys()[-1].key

    for number in range(20):
        assert call(served, f"/nowhere/{number}", key=key)[0] == 404

    metrics = call(served, "/metrics", key=key)[1]
    assert 'endpoint="/(unknown)"' in metrics
    assert "/nowhere" not in metrics


def test_an_edge_that_was_stopped_is_started_again(bench: Bench) -> None:
    engine = serve(bench)
    box = engine.edge.container()
    assert box is not None
    box.stop(timeout=5)
    assert engine.serving().state == "dead"

    with engine.lock("up"):
        engine.tidy()

    assert until(lambda: engine.serving().state == "serving")


def test_a_replica_has_no_more_rights_than_it_needs(served: DockerEngine) -> None:
    engine = served
    out: list[bytes] = []
    script = "id -u; touch /app/x; echo $?; cat /proc/1/status | grep -i ^capeff"

    engine.execute(["sh", "-c", script], out.append)

    said = b"".join(out).decode()
    assert said.startswith("10001\n")
    assert "\n1\n" in said  # touch failed: the root file system is read-only
    assert "0000000000000000" in said


def test_secrets_are_in_the_service_and_nowhere_else(
    yard: Yard,
    target: DockerTarget,
    monkeypatch: pytest.MonkeyPatch,
    docker_client: docker.DockerClient,
) -> None:
    monkeypatch.setenv("PLANTED_HERE", PLANTED)
    secrets = {"PLANTED_THERE": "env:PLANTED_HERE"}
    target = msgspec.structs.replace(target, secrets=secrets, env={"PLAIN": "yes"})
    engine = DockerEngine(yard.project, "box", target)
    try:
        engine.switch(engine.start(yard.first))
        (key,) = engine.keys()
        replica = engine._replicas()[0]
        one = ["sh", "-c", "tr '\\0' '\\n' < /proc/1/environ; cat /run/secrets/mldeploy/*.json"]
        out: list[bytes] = []
        engine.execute(one, out.append)
        assert PLANTED.encode() in b"".join(out)  # it did arrive
        assert b"PLAIN=yes" in b"".join(out)

        shown = [json.dumps(c.attrs) + c.logs().decode() for c in _ours(docker_client, engine)]
        shown += [json.dumps(i.attrs) + json.dumps(i.history()) for i in engine._images()]
        shown += [json.dumps(v.attrs) for v in docker_client.volumes.list()]
        shown += [json.dumps(c.top()) for c in _ours(docker_client, engine)]
        for text in shown:
            assert PLANTED not in text
            assert key.key not in text
        assert replica.attrs["Config"]["Env"]  # it was really looked at

        monkeypatch.setenv("PLANTED_HERE", "another")
        assert not engine.as_wanted(engine.serving(), yard.first)
        monkeypatch.setenv("PLANTED_HERE", PLANTED)
        assert engine.as_wanted(engine.serving(), yard.first)
    finally:
        leave_images(engine)


def _ours(client: docker.DockerClient, engine: DockerEngine) -> list[Any]:
    return list(client.containers.list(all=True, filters=engine.names.ours()))


def test_more_and_fewer_replicas_of_what_serves(bench: Bench) -> None:
    engine = serve(bench)
    since = engine.serving().started_at

    engine.switch(engine.start_more(2))
    assert engine.serving().replicas == 3
    assert [one.state for one in engine.replicas()] == ["ready"] * 3

    gone = engine.stop_some(2)
    assert len(gone) == 2
    now = engine.serving()
    assert (now.state, now.replicas, now.started_at) == ("serving", 1, since)
    assert len(engine._replicas()) == 1


def test_another_checkout_sees_and_ends_the_same(
    bench: Bench, yard: Yard, tmp_path: Path, docker_client: docker.DockerClient
) -> None:
    engine = serve(bench)
    other = tmp_path / "other"
    other.mkdir()
    (other / "mldeploy.toml").write_text((yard.project.root / "mldeploy.toml").read_text())
    far = DockerEngine(project.find(other), "box", engine.target)

    assert far.serving() == engine.serving()
    assert far.golden(bench.first.name) == bench.golden
    assert {r.name for r in far.releases()} == {bench.first.name, bench.second.name}
    far.switch(far.start(bench.second))
    assert engine.serving().release == bench.second.name


def test_a_lock_of_another_laptop_is_named_and_broken_only_by_hand(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert isinstance(bench.engine, DockerEngine)
    client, names = bench.engine.client, bench.engine.names
    elsewhere = replace(names, owner={**names.owner, "mldeploy.host": "another"})
    labels = elsewhere.labels(
        "lock", who="ann@far", pid="1", action="up", at="2026-01-01", nonce="x"
    )
    client.volumes.create(names.lock, labels=labels)

    with pytest.raises(RefusedError) as caught, bench.engine.lock("down"):
        pass
    assert "ann@far" in caught.value.why
    assert "mldeploy unlock box" in caught.value.do
    with pytest.raises(RefusedError):
        bench.engine.refuse_if_locked()

    assert "ann@far" in str(bench.engine.unlock())
    assert bench.engine.unlock() is None
    with bench.engine.lock("down"):
        pass


def test_a_lock_that_a_crash_of_this_laptop_left_is_taken_over(bench: Bench) -> None:
    assert isinstance(bench.engine, DockerEngine)
    held = docker_lock.held(
        bench.engine.client, bench.engine.names, bench.engine.folder / "elsewhere", "up"
    )
    held.__enter__()  # its own lock of this machine is gone, as after kill -9

    with bench.engine.lock("down"):
        pass

    assert bench.engine.unlock() is None


def test_a_candidate_that_answers_wrong_is_refused_by_the_runbooks_gate(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mldeploy import deploy

    candidate = bench.engine.start(bench.first)
    real = bench.engine.golden(bench.first.name).requests[0]
    wrong = golden.Golden(b"", (Request(real.path, real.body, {"predictions": []}),))

    monkeypatch.setattr(bench.engine, "golden", lambda _: wrong)
    with pytest.raises(RefusedError) as caught:
        deploy._pass_gate(bench.engine, candidate, Ui())

    assert caught.value.code == "golden-differs"
    bench.engine.discard(candidate)


def test_a_taken_port_is_said_before_anything_is_started(bench: Bench) -> None:
    import socket

    assert isinstance(bench.engine, DockerEngine)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", bench.engine.target.port))
        holder.listen()
        with pytest.raises(FailedError) as caught:
            bench.engine.check()
    assert caught.value.code == "port-taken"
    assert "pid" in caught.value.why


def test_another_port_makes_another_edge_with_the_same_keys(bench: Bench, yard: Yard) -> None:
    engine = serve(bench)
    keys = engine.keys()
    moved = DockerEngine(
        yard.project, "box", msgspec.structs.replace(engine.target, port=free_port())
    )
    try:
        moved.check()
        assert not moved.as_wanted(moved.serving(), bench.first)

        switched = moved.switch(moved.start(bench.first))

        assert switched.pause is not None
        assert moved.keys() == keys
        assert call(moved, "/docs.json", key=keys[0].key)[0] == 200
    finally:
        leave_images(moved)


def test_an_edge_that_can_not_listen_is_given_up_for_the_one_before(
    bench: Bench, yard: Yard
) -> None:
    import socket

    engine = serve(bench)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        moved = DockerEngine(
            yard.project, "box", msgspec.structs.replace(engine.target, port=taken)
        )

        with pytest.raises(FailedError) as caught:
            moved.switch(moved.start(bench.second))

    assert caught.value.code == "port-taken"
    assert until(lambda: engine.serving().state == "serving")
    assert engine.serving().release == bench.first.name
    assert {c.labels["mldeploy.release"] for c in engine._replicas()} == {bench.first.name}


def test_a_crash_between_two_edges_is_settled(bench: Bench, yard: Yard) -> None:
    engine = serve(bench)
    moved = DockerEngine(
        yard.project, "box", msgspec.structs.replace(engine.target, port=free_port())
    )
    moved.edge.create()  # and here it is killed: the old one is aside, the new one never started

    with engine.lock("up"):
        assert any("as it was before" in line for line in engine.tidy())

    assert until(lambda: engine.serving().state == "serving")
    assert engine.serving().release == bench.first.name


def test_a_refused_first_release_leaves_no_network(bench: Bench) -> None:
    assert isinstance(bench.engine, DockerEngine)
    candidate = bench.engine.start(bench.first)
    assert bench.engine.client.networks.list(filters=bench.engine.names.ours())

    bench.engine.discard(candidate)

    assert bench.engine.client.networks.list(filters=bench.engine.names.ours()) == []


def test_following_the_log_goes_on_with_the_next_release(bench: Bench) -> None:
    import queue
    import threading

    engine = serve(bench)
    lines: queue.Queue[str] = queue.Queue()

    def follow() -> None:
        for line in bench.same.log(lines=0, since=None, follow=True):
            lines.put(line)

    threading.Thread(target=follow, daemon=True).start()
    engine.switch(engine.start(bench.second))
    fresh = {c.labels["mldeploy.alias"] for c in engine._replicas()}

    seen: set[str] = set()

    def all_were_heard() -> bool:
        while not lines.empty():
            seen.add(lines.get().partition(" ")[0])
        return fresh <= seen

    until(all_were_heard, seconds=30)


def test_what_was_deleted_is_found_as_an_orphan_and_ended(
    bench: Bench, yard: Yard, tmp_path: Path, docker_client: docker.DockerClient
) -> None:
    lost = tmp_path / "lost"
    lost.mkdir()
    text = (yard.project.root / "mldeploy.toml").read_text()
    (lost / "mldeploy.toml").write_text(text.replace("engine-yard", "engine-lost"))
    engine = DockerEngine(project.find(lost), "box", DockerTarget(port=free_port()))
    docker_network.ensure(docker_client, engine.names, outbound=False)
    (group,) = [g for g in orphans.find(docker_client) if g.project == "engine-lost"]
    assert group.abandoned == ""

    (lost / "mldeploy.toml").unlink()

    (group,) = [g for g in orphans.find(docker_client) if g.project == "engine-lost"]
    assert "deleted" in group.abandoned
    assert orphans.end(docker_client, group) == []
    assert orphans_of(docker_client, "engine-lost") == []


def test_what_a_broken_line_kept_from_the_target_is_told_with_the_next_event(bench: Bench) -> None:
    engine = serve(bench)
    lost = Event(at="2026-11-23T10:00:00+00:00", who="me", action="up", release="v1-lost")
    event_file.append(engine.folder, lost)  # as far as it came
    told = replace(lost, at="2026-11-23T10:05:00+00:00", release="v2-told")

    engine.record(told)

    assert [one.release for one in engine.edge.history()] == ["v1-lost", "v2-told"]
