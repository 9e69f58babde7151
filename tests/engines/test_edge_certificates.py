"""Certificates that are asked for, shown, believed, and renewed: the edge on a real engine.

The replica is a Caddy that answers everything; who may believe what is the same for any.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

from mldeploy import certificate_shown, edge, inspection, project
from mldeploy.certificates import fingerprint, trust
from mldeploy.config import DockerTarget
from mldeploy.engines import docker_clearing, docker_network
from mldeploy.engines.docker import DockerEngine
from mldeploy.engines.docker_edge import DockerEdge
from mldeploy.engines.docker_names import Names
from mldeploy.engines.docker_replicas import Spec
from mldeploy.errors import FailedError
from mldeploy.project import Project
from tests.conftest import MLDEPLOY, SETTINGS, free_port, until
from tests.engines.acme_authority import Authority, authority

if TYPE_CHECKING:
    import docker

    from tests.lab.fixtures import Projects

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform != "linux", reason="containers have no address here"),
]

DOMAIN = "model.test"
RELEASE = "v1-abcdef0-123456"
SAID = {"label": "yes"}


class AtAddress(DockerTarget, frozen=True, tag_field="kind", tag="docker"):
    """As a machine of the world: reached at the usual ports, under its bare address."""

    @property
    def certificate(self) -> Any:
        return "address"


class Renewing(DockerEdge):
    """Renews after some 3 seconds: the authority dates its 5 minutes back by one, so that a
    fresh certificate has 5 of 6 to live. Sooner would meet Caddy's own limit, 10 orders in 10 s.
    """

    def _configuration(self) -> dict[str, Any]:
        made = super()._configuration()
        automation = made["apps"]["tls"]["automation"]
        automation["policies"][0]["renewal_window_ratio"] = 0.825
        automation["renew_interval"] = "1s"
        return made


class WithoutSecondTry(DockerEdge):
    """As at a public address: an authority is asked with the profile, and not without it."""

    def _configuration(self) -> dict[str, Any]:
        made = super()._configuration()
        policy = made["apps"]["tls"]["automation"]["policies"][0]
        policy["issuers"] = [one for one in policy["issuers"] if one.keys() != {"module"}][:1]
        policy["issuers"].append({"module": "internal"})
        assert [one.get("profile") for one in policy["issuers"]] == ["shortlived", None]
        return made


@dataclass
class Yard:
    """Starts edges of one project."""

    project: Project
    target: DockerTarget | None = None

    def serve(self, target: DockerTarget, kind: type[DockerEdge] = DockerEdge) -> DockerEngine:
        """An edge with a replica behind it."""
        self.target = target
        engine = DockerEngine(self.project, "box", target)
        engine.edge = kind(engine.client, engine.names, target, engine.machine.host())
        spec = Spec.of(target).as_text()
        docker_network.ensure(engine.client, engine.names, outbound=False)
        replica = engine.client.containers.create(
            edge.IMAGE,
            ["caddy", "respond", "--listen", ":3000", "--body", json.dumps(SAID)]
            + ["--header", f"X-Mldeploy-Release: {RELEASE}"],
            name=engine.names.replica(RELEASE, "r-1"),
            labels=engine.names.labels("replica", alias="r-1", release=RELEASE, spec=spec),
            network=engine.names.network,
        )
        network: Any = engine.client.networks.get(engine.names.network)
        network.disconnect(replica)
        network.connect(replica, aliases=["r-1"])
        replica.start()
        engine._new_edge(RELEASE, ["r-1:3000"], None, None)
        return engine

    def predict(self) -> inspection.Prediction:
        """As `mldeploy predict` does it, with all it knows read from the engine."""
        assert self.target
        return inspection.predict(self.project, "box", self.target, path="/predict", body={})

    def status(self) -> dict[str, Any]:
        assert self.target
        return inspection.status(self.project, "box", self.target)


@pytest.fixture
def yard(docker_project: str, tmp_path: Path) -> Iterator[Yard]:
    text = SETTINGS.replace('"a"', f'"{docker_project}"')
    (tmp_path / "mldeploy.toml").write_text(text)
    yard = Yard(project.find(tmp_path))
    yield yard
    engine = DockerEngine(yard.project, "box", DockerTarget())
    docker_clearing.remove_all(engine.client, engine.names)


@pytest.fixture(scope="module")
def lab(docker_client: docker.DockerClient, docker_projects: Projects) -> Iterator[Authority]:
    """Its tests need the ports 80 and 443 of one address: another run waits for them."""
    one_run = FileLock(Path(tempfile.gettempdir()) / "mldeploy-tests-80-443.lock", timeout=100)
    names = Names(docker_projects.new(), "lab", {})
    with one_run, authority(docker_client, names, DOMAIN) as found:
        yield found


@pytest.fixture
def domain_is_known(lab: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a name server would say."""
    real = socket.getaddrinfo

    def look_up(host: Any, *more: Any, **options: Any) -> Any:
        return real(lab.address if host == DOMAIN else host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def settings_of(yard: Yard, lab: Authority) -> dict[str, Any]:
    (yard.project.root / "ca.pem").write_text(lab.root)
    return {"address": lab.address, "acme_directory": lab.directory, "acme_root": "ca.pem"}


# The edge as its own authority


def test_its_own_certificate_is_verified_by_predict_and_by_curl(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    engine = yard.serve(DockerTarget(port=port, tls="own"))

    done = yard.predict()

    assert (done.response, done.release) == (SAID, RELEASE)
    assert done.url == f"https://127.0.0.1:{engine.target.published}/predict"
    ca = yard.project.state / "targets" / "box" / "ca.pem"
    assert f"--cacert {ca}" in done.curl
    assert ca.read_text() == engine.authority()
    with (yard.project.root / "mldeploy.toml").open("a") as settings:
        settings.write(f'[targets.box]\nkind = "docker"\nport = {port}\ntls = "own"\n')
    monkeypatch.setenv("PATH", f"{MLDEPLOY.parent}:{os.environ['PATH']}")
    typed = subprocess.run(
        ["sh", "-c", done.curl], cwd=yard.project.root, capture_output=True, timeout=30
    )
    assert json.loads(typed.stdout) == SAID


def test_status_shows_whose_certificate_it_is_and_until_when(yard: Yard) -> None:
    engine = yard.serve(DockerTarget(port=free_port(), tls="own"))

    found = yard.status()

    root = engine.authority()
    assert root
    assert (found["certificate"], found["ca_fingerprint"]) == ("own", fingerprint(root))
    until_when = datetime.fromisoformat(found["certificate_until"])
    assert timedelta(hours=11) < until_when - datetime.now(UTC) < timedelta(hours=13)
    assert "mldeploy edge" in found["certificate_issuer"]
    assert found["certificate_trouble"] is None


def test_new_keys_leave_the_certificate_as_it_is(yard: Yard) -> None:
    engine = yard.serve(DockerTarget(port=free_port(), tls="own"))
    before = engine.authority()

    engine.rotate_keys(at_once=True)

    assert engine.authority() == before
    assert yard.predict().response == SAID


def test_who_is_not_believed_is_not_told_the_key(
    yard: Yard, lab: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = yard.serve(DockerTarget(port=free_port(), tls="own"))
    before = edge_log(engine)

    monkeypatch.setattr(DockerEdge, "authority", lambda _: lab.root)
    with pytest.raises(FailedError) as caught:
        yard.predict()
    monkeypatch.setattr(DockerEdge, "authority", lambda _: None)
    with pytest.raises(FailedError) as public:
        yard.predict()

    assert (caught.value.code, public.value.code) == ("not-verified", "not-verified")
    assert fingerprint(lab.root) in caught.value.why
    assert edge_log(engine) == before  # no request came, so no key came


def test_a_right_certificate_of_another_machine_is_not_believed(yard: Yard) -> None:
    engine = yard.serve(DockerTarget(port=free_port(), tls="own"))
    root = engine.authority()

    link = http.client.HTTPSConnection(
        "localhost", engine.target.published, timeout=10, context=trust(root)
    )

    with pytest.raises(ssl.SSLCertVerificationError, match="localhost"):
        link.request("GET", "/readyz")


# Another authority


def test_an_authority_gives_a_certificate_for_a_bare_address(yard: Yard, lab: Authority) -> None:
    engine = yard.serve(AtAddress(**settings_of(yard, lab)))

    found = until(lambda: shown(yard), 20)

    assert "the lab's authority" in found["certificate_issuer"]
    assert (found["certificate"], found["ca_fingerprint"]) == ("address", None)
    assert found["url"] == f"https://{lab.address}"
    assert engine.authority() is None
    done = yard.predict()
    assert done.response == SAID
    assert f"--cacert {yard.project.state / 'targets/box/ca.pem'}" in done.curl


def test_an_authority_gives_a_certificate_for_a_domain_and_renews_it(
    yard: Yard, lab: Authority, domain_is_known: None
) -> None:
    engine = yard.serve(DockerTarget(domain=DOMAIN, **settings_of(yard, lab)), Renewing)
    until(lambda: shown(yard), 20)
    assert yard.predict().url == f"https://{DOMAIN}/predict"
    context = trust(also=lab.root)
    kept = Client(engine, context)
    seen: dict[str, int] = {}

    def three_were_seen() -> bool:
        fresh = Client(engine, context)
        assert fresh.ask() == kept.ask() == 200
        seen[fresh.serial] = seen.get(fresh.serial, 0) + 1
        fresh.link.close()
        return len(seen) == 3

    until(three_were_seen, 30)

    kept.link.close()
    engine.rotate_keys(at_once=False)
    assert yard.predict().response == SAID
    assert b"installing root certificate" not in edge_log(engine)


def test_a_certified_address_keeps_its_certificate_when_a_renewal_fails(
    yard: Yard, lab: Authority
) -> None:
    engine = yard.serve(AtAddress(**settings_of(yard, lab)), Renewing)
    assert engine.authority() is None

    with lab.out_of_order():
        until(lambda: b"job failed" in edge_log(engine), 20)
        found = yard.status()

    assert "the lab's authority" in found["certificate_issuer"]
    assert found["ca_fingerprint"] is None
    assert b"installing root certificate" not in edge_log(engine)


def test_a_domain_that_no_authority_certifies_is_not_served_under_another_certificate(
    yard: Yard, lab: Authority, domain_is_known: None
) -> None:
    settings = settings_of(yard, lab) | {"acme_directory": f"https://{lab.address}:1/nobody"}
    engine = yard.serve(DockerTarget(domain=DOMAIN, **settings))

    with pytest.raises(FailedError) as caught:
        yard.predict()

    assert caught.value.code == "no-certificate"
    assert engine.authority() is None
    assert yard.status()["certificate_trouble"]
    assert b"handled request" not in edge_log(engine)


@pytest.mark.parametrize("kind", [DockerEdge, WithoutSecondTry])
def test_where_no_authority_gives_one_the_edge_is_its_own_and_says_so(
    yard: Yard, lab: Authority, kind: type[DockerEdge]
) -> None:
    settings = settings_of(yard, lab)
    if kind is DockerEdge:  # the other one is refused, for the lab's authority has no profiles
        settings["acme_directory"] = f"https://{lab.address}:1/nobody"
    engine = yard.serve(AtAddress(**settings), kind)

    root = engine.authority()

    assert root
    assert yard.predict().response == SAID
    found = yard.status()
    assert (found["certificate"], found["ca_fingerprint"]) == ("address", fingerprint(root))
    assert b"could not get certificate from issuer" in edge_log(engine)
    assert "no other gave one for this address" in "".join(certificate_shown.words(found))


class Client:
    """A connection that stays open."""

    def __init__(self, engine: DockerEngine, context: ssl.SSLContext) -> None:
        self.key = engine.keys()[-1].key
        self.link = http.client.HTTPSConnection(DOMAIN, timeout=10, context=context)
        self.link.connect()
        assert isinstance(self.link.sock, ssl.SSLSocket)
        self.serial = str((self.link.sock.getpeercert() or {})["serialNumber"])

    def ask(self) -> int:
        self.link.request("POST", "/predict", b"{}", {"Authorization": f"Bearer {self.key}"})
        answer = self.link.getresponse()
        answer.read()
        return answer.status


def shown(yard: Yard) -> dict[str, Any] | None:
    found = yard.status()
    return found if found["certificate_until"] else None


def edge_log(engine: DockerEngine) -> bytes:
    box = engine.edge.container()
    assert box
    log: bytes = box.logs()
    return log
