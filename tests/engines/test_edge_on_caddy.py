"""What the real Caddy does with our configuration: who gets in, with what, and what is told."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mldeploy.certificates import trust
from mldeploy.edge import Edge, configuration
from mldeploy.edge.certificate import Tls
from mldeploy.keys import hashed, new_key
from tests.conftest import until
from tests.engines.edge_bench import CADDY, Bench, basic

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

LIMIT = 2_000_000
OTHER = new_key(datetime.now(UTC))  # valid as well
STRANGE = new_key(datetime.now(UTC))  # valid nowhere


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One edge with two replicas for all the tests that break nothing."""
    edge = Edge(keys=(hashed(OTHER),), max_body=LIMIT, request_timeout=2)
    bench = Bench(tmp_path_factory.mktemp("edge"), edge)
    try:
        bench.serve(bench.replica("one"), bench.replica("two"))
        bench.start()
        until(bench.ready, 20)
        yield bench
    finally:
        bench.end()


# Keys


def test_readyz_is_open_and_asks_a_replica(bench: Bench) -> None:
    answer = bench.ask("/readyz", "GET", key=None)
    assert (answer.status, answer.json["target"]) == (200, "/readyz")


@pytest.mark.parametrize(
    "path", ["/", "/predict", "/metrics", "/readyz/", "/readyz/..%2fpredict", "//x", "/docs.json"]
)
def test_all_else_needs_a_key(bench: Bench, path: str) -> None:
    assert bench.ask(path, "GET", key=None).code == "no-key"
    assert bench.ask(path, "GET").status == 200


def test_readyz_can_not_be_used_to_ask_for_something_else(bench: Bench) -> None:
    answer = bench.ask("/x/../readyz?rows=1", "GET", key=None)
    assert answer.json["target"] == "/readyz"
    assert bench.ask("/readyz", "POST", key=None).code == "no-key"


def test_every_valid_key_opens_and_no_other(bench: Bench) -> None:
    assert bench.ask(key=bench.key.key).status == 200
    assert bench.ask(key=OTHER.key).status == 200
    assert bench.ask(key=STRANGE.key).code == "no-key"
    assert bench.ask(key=bench.key.key[:-4] + "aaaa").code == "no-key"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer !!!",
        "Bearer é",
        "Bearer bWxk",
        "Basic",
        "Digest username=x",
        "Bearer KEY extra",
        "BearerKEY",
        "Bearer " + "a" * 12_000,
        basic("", ""),
        basic("nobody", "x"),
        basic("x" * 5000, "y"),
    ],
)
def test_odd_headers_are_refused_like_a_missing_one(bench: Bench, value: str) -> None:
    sent = value.replace("KEY", bench.key.key).encode().decode("latin-1")
    assert bench.ask(authorization=sent).code == "no-key"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  ", "Basic", "basic"])
def test_the_scheme_is_of_any_case(bench: Bench, scheme: str) -> None:
    assert bench.ask(authorization=f"{scheme} {bench.key.key}").status == 200


def test_two_authorization_headers_are_one_too_many(bench: Bench) -> None:
    good, bad = f"Bearer {bench.key.key}", basic(bench.key.id, "wrong")
    for pair in ((good, bad), (bad, good), (good, good)):
        lines = "".join(f"Authorization: {value}\r\n" for value in pair)
        sent = f"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n"
        answer = bench.raw(sent.encode(), more=True)
        assert answer.startswith(b"HTTP/1.1 401 "), pair


def test_strangers_cost_the_edge_no_slow_hash(bench: Bench) -> None:
    begun = time.monotonic()
    for number in range(100):
        assert bench.ask(authorization=basic(f"user{number}", "x")).status == 401
        assert bench.ask(authorization=basic(bench.key.id, f"wrong{number}")).status == 401
    assert time.monotonic() - begun < 10  # Caddy alone takes half a second for each unknown name


def test_the_replica_never_sees_the_key(bench: Bench) -> None:
    for path, key in (("/predict", ""), ("/readyz", "")):
        seen = bench.ask(path, "GET", key=key).json["headers"]
        assert "authorization" not in {name.lower() for name, _ in seen}
        assert bench.key.key not in str(seen)


def test_a_browser_is_asked_for_id_and_password_and_a_program_is_not(bench: Bench) -> None:
    page = bench.ask("/", "GET", key=None, accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert page.headers["www-authenticate"].startswith("Basic ")
    assert page.code == "no-key"
    # What the page's own script asks must not open the browser's dialog over its field for a key.
    for wrong in (None, STRANGE.key, bench.key.key[:-4] + "aaaa"):
        fetched = bench.ask("/predict", key=wrong, accept="*/*")
        assert fetched.headers["www-authenticate"].startswith("Bearer ")
    typed = basic(bench.key.id, bench.key.password)
    assert bench.ask("/", "GET", authorization=typed, accept="text/html").status == 200
    assert bench.ask("/predict", authorization=typed, accept="*/*").status == 200


# Limits


def test_a_body_that_says_it_is_too_large_reaches_no_replica(bench: Bench) -> None:
    seen = _bodies(bench)
    answer = bench.ask(body=b"x" * (LIMIT + 1))
    assert (answer.status, answer.code) == (413, "too-large")
    assert str(LIMIT) in answer.json["error"]["why"]
    assert _bodies(bench) == seen


def test_a_body_that_turns_out_too_large_reaches_no_replica_whole(bench: Bench) -> None:
    seen = _bodies(bench)
    answer = bench.ask(body=iter([b"x" * 100_000] * 30))
    assert (answer.status, answer.code) == (413, "too-large")
    assert _bodies(bench) == seen


def test_a_body_of_just_the_limit_passes(bench: Bench) -> None:
    assert bench.ask(body=b"x" * LIMIT).json["length"] == LIMIT
    assert bench.ask(body=iter([b"x" * 1000] * 2000)).json["length"] == LIMIT


@pytest.mark.parametrize("times", [3, 20])
def test_who_sends_much_too_much_still_reads_the_answer(bench: Bench, times: int) -> None:
    """The edge stops reading; a client that then looks finds why."""
    link = http.client.HTTPConnection("127.0.0.1", bench.edge.http_port, timeout=20)
    headers = {"Authorization": f"Bearer {bench.key.key}"}
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        link.request("POST", "/predict", b"x" * (times * LIMIT), headers)
    assert link.getresponse().status == 413
    link.close()


def test_nobody_s_broken_upload_harms_the_next_request(bench: Bench) -> None:
    head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bench.key.key}\r\n"
    for _ in range(40):
        bench.raw(f"{head}Content-Length: 1000\r\n\r\nabc".encode())
        bench.raw(f"{head}Content-Length: 1900000\r\n\r\n{'a' * 1_500_000}".encode())
        bench.raw(f"{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode())
    assert {bench.ask().status for _ in range(40)} == {200}


def test_headers_have_a_limit(bench: Bench) -> None:
    sent = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 22_000 + b"\r\n\r\n"
    assert bench.raw(sent).startswith(b"HTTP/1.1 431 ")


def test_an_answer_that_takes_too_long_is_given_up_and_not_asked_for_twice(bench: Bench) -> None:
    seen = _bodies(bench)
    answer = bench.ask("/predict?ms=5000")
    assert (answer.status, answer.code) == (504, "too-slow")
    assert _bodies(bench) == seen + 1


@pytest.mark.slow
def test_thousands_of_garbled_requests_harm_nothing(bench: Bench) -> None:
    pids = {bench.ask().json["pid"] for _ in range(4)}
    ours = f"Host: x\r\nConnection: close\r\nAuthorization: Bearer {bench.key.key}\r\n"
    whole = [
        "GET\r\n\r\n",
        f"GET /%zz HTTP/1.1\r\n{ours}\r\n",
        f"GET /\x7f HTTP/1.1\r\n{ours}\r\n",
        f"GET / HTTP/1.1\r\nHost: y\r\n{ours}\r\n",
        f"GET {{env.HOME}}{{file./etc/passwd}} HTTP/1.1\r\n{ours}\r\n",
        f"BREW /{{}}?{{env.PATH}} HTTP/1.1\r\n{ours}A: {{file./etc/passwd}}\r\n\r\n",
        f"POST / HTTP/1.1\r\n{ours}Content-Length: -1\r\n\r\n",
        f"POST / HTTP/1.1\r\n{ours}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        f"POST / HTTP/1.1\r\n{ours}Content-Length: 99999999999999999999\r\n\r\n",
        f"POST / HTTP/1.1\r\n{ours}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        f"POST / HTTP/1.1\r\n{ours}Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
    ]
    statuses = set()
    for number in range(4_000):
        sent = whole[number % len(whole)].encode("latin-1")
        cut = len(sent) if number < 2_000 else number % len(sent)
        answer = bench.raw(sent[:cut], more=cut == len(sent))
        statuses.add(answer[9:12])
        assert b"root:" not in answer
    assert not {status for status in statuses if status.startswith(b"5")}
    assert b"200" in statuses
    assert {bench.ask().json["pid"] for _ in range(4)} == pids


# What is told


def test_the_access_log_holds_what_is_needed_and_no_secret(bench: Bench) -> None:
    before = len(bench.logged())
    bench.ask("/predict?token=hush-1", cookie="a=hush-2", x_api_key="hush-3", key=OTHER.key)
    bench.ask("/predict", authorization="Bearer hush-4")
    bench.ask("/die-not?token=hush-5", "GET", key=None, referer="http://x/?hush-6")
    bench.ask("/predict?token=hush-7&ms=5000")
    good, refused, _, late = until(lambda: bench.logged()[before:][:4], 10)
    text = bench.log.read_text()
    assert "hush" not in text
    assert OTHER.key not in text
    assert OTHER.password not in text
    assert (good["user_id"], good["status"]) == (OTHER.id, 200)
    assert good["request"]["uri"] == "/predict?..."
    assert (refused["user_id"], refused["status"], refused["error"]) == ("", 401, "no key")
    assert "timeout" in late["error"]


def test_what_the_edge_answers_names_nothing_inside(bench: Bench) -> None:
    for answer in (bench.ask(key=None), bench.ask("/predict?ms=5000"), bench.ask()):
        assert not {"server", "via", "x-mldeploy-waited"} & set(answer.headers)
    assert b"127.0.0.1" not in bench.ask("/predict?ms=5000").body


def test_nothing_is_kept_beside_our_file(bench: Bench) -> None:
    assert not list(bench.folder.rglob("autosave.json"))


# Time


@pytest.mark.slow
def test_a_client_that_never_ends_its_headers_is_sent_away(bench: Bench) -> None:
    with socket.create_connection(("127.0.0.1", bench.edge.http_port), timeout=30) as link:
        link.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        begun = time.monotonic()
        link.recv(1000)
        assert time.monotonic() - begun < 15


# TLS: an authority is asked in test_edge_certificates.py, here the edge is its own


@pytest.mark.parametrize("host", ["model.test", "127.0.0.1"])
def test_a_service_is_served_on_tls_alone(tmp_path: Path, host: str) -> None:
    """Under an address too, which no client names in its greeting."""
    bench = Bench(tmp_path, Edge(tls=Tls(host, "own", port=4443)))
    try:
        bench.serve(bench.replica("one"))
        bench.start()
        until(bench.ready, 20)
        plain = bench.ask("/predict?a=b", "GET")
        assert plain.status == 308
        assert plain.headers["location"] == f"https://{host}:4443/predict?a=b"
        root = until(lambda: next(tmp_path.rglob("root.crt"), None), 20)
        context = trust(root.read_text())
        context.set_alpn_protocols(["http/1.1"])
        good = f"Authorization: Bearer {bench.key.key}\r\n"
        assert until(lambda: _over_tls(bench, context, host, host, good)) == b"200"
        assert _over_tls(bench, context, host, host, "") == b"401"
        assert _over_tls(bench, context, host, "other.test", good) == b"421"
    finally:
        bench.end()


def _over_tls(
    bench: Bench, context: ssl.SSLContext, host: str, name: str, header: str
) -> bytes | None:
    plain = socket.create_connection(("127.0.0.1", bench.edge.https_port), timeout=20)
    with plain:
        try:
            link = context.wrap_socket(plain, server_hostname=host)
        except ssl.SSLError:
            return None  # the certificate is still being made
        with link:
            link.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\n{header}\r\n".encode())
            return link.recv(1000)[9:12]


# Misuse


def test_caddy_takes_every_configuration_that_we_write(tmp_path: Path) -> None:
    keys = tuple(hashed(new_key(datetime.now(UTC))) for _ in range(3))
    tls = [
        Tls("a.test"),
        Tls("203.0.113.7", "address", acme_directory="https://ca.test/d"),
        Tls("9.9.9.9", "address"),
        Tls("10.0.0.7", "own", port=8443),
    ]
    kinds = [Edge(keys=keys, tls=one, request_timeout=600) for one in tls]
    for edge in (Edge(), Edge(keys=keys), *kinds):
        bench = Bench(tmp_path, edge)
        bench.write(configuration(edge))
        done = subprocess.run(
            [CADDY, "validate", "--config", tmp_path / "caddy.json"],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr


def _bodies(bench: Bench) -> int:
    """How many requests the replicas have read whole, but for the health checks and this one."""
    found = {}
    for _ in range(4):
        answer = bench.ask("/predict", "GET").json
        found[answer["replica"]] = answer["posts"]
    return sum(found.values())
