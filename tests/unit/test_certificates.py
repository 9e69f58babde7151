"""Reading certificates, and saying what is wrong with one; real servers are in tests/engines."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from mldeploy import certificate_shown
from mldeploy.certificates import certificate_facts, fingerprint, read_root, shows, trust
from mldeploy.errors import ConfigError

# Of an edge of long ago, whose key is gone.
ROOT = """\
-----BEGIN CERTIFICATE-----
MIIBlDCCATmgAwIBAgIQOWcS9JNy+FooPgbi+1BNrDAKBggqhkjOPQQDAjAoMSYw
JAYDVQQDEx1tbGRlcGxveSBlZGdlIC0gMjAyNiBFQ0MgUm9vdDAeFw0yNjExMjMw
NjI0MDZaFw0zNjEwMDEwNjI0MDZaMCgxJjAkBgNVBAMTHW1sZGVwbG95IGVkZ2Ug
LSAyMDI2IEVDQyBSb290MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEC18ZIEDo
UvsTWvzz6ziIb3siUR5sP4jU4YkEpEGGBKHYAyepDkpnyxAFNlUh3iAfZgIe9r74
CKmBrGXttiCGAKNFMEMwDgYDVR0PAQH/BAQDAgEGMBIGA1UdEwEB/wQIMAYBAf8C
AQEwHQYDVR0OBBYEFPOm2khcHMoxy/wZYxUpyqDi+5kRMAoGCCqGSM49BAMCA0kA
MEYCIQDx9b0jiTQXrapNnKbXsux65S0BBJxrM50FlditDB8RiQIhAI0pY5LEMSZf
DTSznJEt9gO4FnjhhXPkMahGhLtq5jeZ
-----END CERTIFICATE-----
"""
# As `openssl x509 -noout -fingerprint -sha256` says.
FINGERPRINT = (
    "08:03:97:5C:C2:4C:60:E8:F1:18:A0:AE:AE:11:02:2A:"
    "B3:24:2C:83:0F:68:B7:52:15:BC:81:93:2C:AB:79:41"
)
NOTHING: dict[str, Any] = {
    "certificate": "own",
    "ca_fingerprint": None,
    "certificate_trouble": None,
}


def test_the_fingerprint_is_the_one_that_openssl_shows() -> None:
    assert fingerprint(ROOT) == FINGERPRINT


def test_a_root_that_is_given_is_the_only_one_that_is_believed() -> None:
    assert trust(ROOT).cert_store_stats()["x509_ca"] == 1
    usual = trust().cert_store_stats()["x509_ca"]
    assert trust(also=ROOT).cert_store_stats()["x509_ca"] == usual + 1


def test_a_root_without_content_does_not_mean_everybody() -> None:
    with pytest.raises(ValueError, match="no certificate"):
        trust("")


def test_the_name_is_compared_whoever_is_believed() -> None:
    for context in (trust(), trust(ROOT), trust(also=ROOT)):
        assert context.check_hostname
        assert context.verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize("content", [None, "", "no certificate", ROOT[:200], "ü"])
def test_a_file_without_a_certificate_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ConfigError) as caught:
        read_root(path)

    assert caught.value.code == "no-acme-root"
    assert str(path) in caught.value.what


def test_a_root_is_read_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(ROOT)

    assert read_root(tmp_path / "ca.pem") == ROOT


def test_a_server_that_has_no_certificate_yet_is_waited_for_and_not_for_ever() -> None:
    """It ends the greeting with an alert, as Caddy does while an authority thinks."""
    alert = bytes([21, 3, 3, 0, 2, 2, 80])  # fatal, internal_error
    greeted = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(2):
                link, _ = server.accept()
                with link:
                    greeted.append(link.recv(10_000))
                    link.sendall(alert)
                    link.recv(10_000)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ssl.SSLError, match="INTERNAL_ERROR"):
            certificate_facts("127.0.0.1", server.getsockname()[1], ROOT, wait=0.1)
        thread.join(10)

    assert len(greeted) == 2


def test_nobody_shows_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert not shows("127.0.0.1", port, ROOT)
    assert "refused" in str(certificate_shown.facts(f"https://127.0.0.1:{port}", ROOT, None))


def test_plain_http_has_no_certificate_to_speak_of() -> None:
    assert set(certificate_shown.facts("http://127.0.0.1:1", None, None).values()) == {None}


def test_an_own_authority_is_named_by_its_fingerprint() -> None:
    (line,) = certificate_shown.words(NOTHING | {"ca_fingerprint": "AA:BB"})
    assert line == "own certificate authority, SHA-256 AA:BB  (predict verifies it)"


def test_that_no_authority_gave_one_is_said() -> None:
    found = NOTHING | {"certificate": "address", "ca_fingerprint": "AA:BB"}
    asked = certificate_shown.words(found | {"url": "https://1.1.1.1"})
    private = certificate_shown.words(found | {"url": "https://192.168.1.7"})

    assert "no other gave one" in asked[1]
    assert "can't reach" in private[1]


def test_what_is_not_believed_is_said_loud() -> None:
    (line,) = certificate_shown.words(NOTHING | {"certificate_trouble": "expired"})
    assert line == "NOT VERIFIED: expired"
