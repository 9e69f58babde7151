"""Which authority is asked for which certificate, as values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mldeploy.edge.certificate import Tls, apps, connection_policies

ACME = {
    "module": "acme",
    "challenges": {"http": {"alternate_port": 80}, "tls-alpn": {"alternate_port": 443}},
}
INTERNAL = {"module": "internal"}
FROM_LAB = ACME | {
    "ca": "https://ca.test/directory",
    "trusted_roots_pem_files": ["/edge/root.pem"],
}
SHORT = {"profile": "shortlived"}


def from_lab(tls: Tls) -> Tls:
    return replace(tls, acme_directory="https://ca.test/directory", acme_root="/edge/root.pem")


@pytest.mark.parametrize(
    ("tls", "issuers"),
    [
        (Tls("model.example.org"), [ACME]),
        (from_lab(Tls("model.example.org")), [FROM_LAB]),
        (Tls("9.9.9.9", "address"), [ACME | SHORT, INTERNAL]),
        (Tls("2620:fe::fe", "address"), [ACME | SHORT, INTERNAL]),
        (Tls("192.168.1.7", "address"), [INTERNAL]),
        (Tls("box", "address"), [INTERNAL]),
        (from_lab(Tls("192.168.1.7", "address")), [FROM_LAB | SHORT, FROM_LAB, INTERNAL]),
        (Tls("9.9.9.9", "address", certified=True), [ACME | SHORT]),
        (Tls("9.9.9.9", "own"), [INTERNAL]),
    ],
)
def test_these_are_asked_in_this_order(tls: Tls, issuers: list[Any]) -> None:
    made = apps(tls, 80, 443)

    assert made["tls"] == {
        "certificates": {"automate": [tls.host]},
        "automation": {"policies": [{"subjects": [tls.host], "issuers": issuers}]},
    }


def test_the_edge_is_an_authority_only_where_it_may_be_asked() -> None:
    assert "pki" not in apps(Tls("model.example.org"), 80, 443)
    assert apps(Tls("10.0.0.7", "own"), 80, 443)["pki"] == {
        "certificate_authorities": {"local": {"name": "mldeploy edge", "install_trust": False}}
    }


def test_who_names_nobody_is_shown_the_certificate_of_the_address() -> None:
    shown = {"default_sni": "10.0.0.7", "fallback_sni": "10.0.0.7"}
    assert connection_policies(Tls("10.0.0.7", "own")) == [shown]
    assert connection_policies(Tls("10.0.0.7", "address")) == [shown]
    assert connection_policies(Tls("model.example.org")) == [{}]


@pytest.mark.parametrize(
    ("tls", "origin"),
    [
        (Tls("model.example.org"), "https://model.example.org"),
        (Tls("10.0.0.7", "own", port=8443), "https://10.0.0.7:8443"),
        (Tls("2620:fe::fe", "address"), "https://[2620:fe::fe]"),
    ],
)
def test_addresses_begin_with_what_users_type(tls: Tls, origin: str) -> None:
    assert tls.origin == origin


@pytest.mark.parametrize(
    ("tls", "path"),
    [
        (Tls("9.9.9.9"), "acme-v02.api.letsencrypt.org-directory/9.9.9.9/9.9.9.9.crt"),
        (
            Tls("model.test", acme_directory="https://10.0.0.1:14000/acme/Local/directory"),
            "10.0.0.1-14000-acme-local-directory/model.test/model.test.crt",
        ),
        (Tls("model.test", acme_directory="https://ca.test"), "ca.test/model.test/model.test.crt"),
    ],
)
def test_a_certificate_lies_where_caddy_puts_it(tls: Tls, path: str) -> None:
    assert tls.certificate_file == f"certificates/{path}"
