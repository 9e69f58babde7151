"""Certificates seen from outside: what a server shows, and whether that is to be believed."""

from __future__ import annotations

import hashlib
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mldeploy.errors import ConfigError

HANDSHAKE_SECONDS = 5.0
FIRST_SECONDS = 10.0  # until a server that has just started has been given its certificate


@dataclass(frozen=True)
class Facts:
    """What a certificate that could be verified says; ``subject`` is every name that it is for."""

    subject: str
    issuer: str
    not_after: datetime


def certificate_facts(
    host: str,
    port: int,
    authority: str | None = None,
    *,
    also: str | None = None,
    wait: float = 0.0,
) -> Facts:
    """Shake hands with a server and read its certificate. Sends nothing and needs no key.

    ``authority`` and ``also`` as for :func:`trust`; ``wait`` is for how many seconds to come back
    to a server that speaks TLS, but has no certificate yet. Raises
    :class:`ssl.SSLCertVerificationError` when the certificate is not to be believed, OSError when
    there is none to see.
    """
    context = trust(authority, also)
    deadline = time.monotonic() + wait
    while True:
        try:
            return _shake_hands(host, port, context)
        except ssl.SSLCertVerificationError:
            raise
        except ssl.SSLError:  # an alert in place of a certificate
            if time.monotonic() > deadline:
                raise
            time.sleep(0.25)


def shows(host: str, port: int, authority: str) -> bool:
    """Is what the server shows from ``authority``?"""
    try:
        certificate_facts(host, port, authority, wait=FIRST_SECONDS)
    except OSError:
        return False
    return True


def trust(authority: str | None = None, also: str | None = None) -> ssl.SSLContext:
    """Whom to believe: the root certificate ``authority`` alone, else this system's authorities.

    ``also`` is a root that is believed beside the system's. Both are texts in PEM format; one
    that is none is a ValueError. The name or address asked for is compared with the certificate's
    in every case.
    """
    if authority is None:
        context = ssl.create_default_context()
        if also is not None:
            context.load_verify_locations(cadata=also)
        return context
    # An empty text must not mean the system's authorities, as it does to create_default_context.
    if "-----BEGIN CERTIFICATE-----" not in authority:
        raise ValueError("no certificate in PEM format")
    return ssl.create_default_context(cadata=authority)


def fingerprint(pem: str) -> str:
    """SHA-256 of a certificate, as browsers and `openssl x509 -fingerprint -sha256` show it."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.strip())).digest().hex(":").upper()


def read_root(path: Path) -> str:
    """The text of a root certificate in PEM format, checked to be one; else a ConfigError."""
    try:
        text = path.read_text(encoding="ascii")
        trust(text)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        why = "It is no certificate in PEM format" if path.is_file() else "There is no such file"
        raise ConfigError(
            "no-acme-root",
            what=f"The certificate of the authority, {path}, can't be read.",
            why=f"{why}: {error}.",
            do="put it there, or mend `acme_root` in mldeploy.toml",
        ) from error
    return text


def _shake_hands(host: str, port: int, context: ssl.SSLContext) -> Facts:
    with (
        socket.create_connection((host, port), timeout=HANDSHAKE_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as link,
    ):
        return _facts(link.getpeercert() or {})


def _facts(shown: Any) -> Facts:
    return Facts(
        subject=", ".join(name for _, name in shown.get("subjectAltName", ())),
        issuer=", ".join(value for part in shown.get("issuer", ()) for _, value in part),
        not_after=datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC),
    )
