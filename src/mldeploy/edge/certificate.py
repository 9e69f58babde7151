"""Which certificate the edge shows, and who is asked for it. Pure: from values to Caddy's JSON."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

Json = dict[str, Any]

# The profile of Let's Encrypt for certificates of addresses: 160 hours, of addresses only those.
SHORTLIVED = "shortlived"
LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"  # Caddy's own default


@dataclass(frozen=True)
class Tls:
    """For whom a certificate is, and from whom.

    `host` is the one name or address that users ask for. The kind `domain` has it certified by a
    public authority; `own` by the edge's own; `address` by a public one where that can be, else by
    the edge's own; once it is `certified` by a public one, the edge stays with that. `port` is the
    one that users know. `acme_directory` names another authority than Let's Encrypt, and
    `acme_root` the file in the edge's container with the certificate that it is known by.
    """

    host: str
    kind: Literal["domain", "address", "own"] = "domain"
    port: int = 443
    acme_directory: str | None = None
    acme_root: str | None = None
    certified: bool = False

    @property
    def certificate_file(self) -> str:
        """Where Caddy keeps the certificate of the ACME authority, from its own data folder."""
        directory = urlsplit(self.acme_directory or LETS_ENCRYPT)
        issuer = f"{directory.netloc}{directory.path}".strip("/").replace("/", "-")
        issuer, host = (name.lower().replace(":", "-") for name in (issuer, self.host))
        return f"certificates/{issuer}/{host}/{host}.crt"

    @property
    def origin(self) -> str:
        """What all addresses of the service begin with."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}" + ("" if self.port == 443 else f":{self.port}")


def apps(tls: Tls, http_port: int, https_port: int) -> Json:
    """Caddy's apps `tls` and `pki`; the ports are those that the edge listens on."""
    issuers = _issuers(tls, http_port, https_port)
    policy = {"subjects": [tls.host], "issuers": issuers}
    found: Json = {
        "tls": {
            "certificates": {"automate": [tls.host]},
            "automation": {"policies": [policy]},
        }
    }
    if tls.kind != "domain":
        # Caddy's own authority, which lives on when it isn't asked any more. It must not try to
        # get into the container's store of authorities, where it is of no use to anybody.
        local = {"name": "mldeploy edge", "install_trust": False}
        found["pki"] = {"certificate_authorities": {"local": local}}
    return found


def connection_policies(tls: Tls) -> list[Json]:
    """Who asks for an address names nobody (RFC 6066), and behind Docker's NAT the edge's own
    address is another: so the certificate to show is written down."""
    return [{}] if tls.kind == "domain" else [{"default_sni": tls.host, "fallback_sni": tls.host}]


_INTERNAL: Json = {"module": "internal"}


def _issuers(tls: Tls, http_port: int, https_port: int) -> list[Json]:
    """In the order in which they are asked, the first first again at each renewal."""
    if tls.kind == "own":
        return [_INTERNAL]
    acme: Json = {
        "module": "acme",
        "challenges": {
            "http": {"alternate_port": http_port},
            "tls-alpn": {"alternate_port": https_port},
        },
    }
    if tls.acme_directory:
        acme["ca"] = tls.acme_directory
    if tls.acme_root:
        acme["trusted_roots_pem_files"] = [tls.acme_root]
    if tls.kind == "domain":
        return [acme]
    if not tls.acme_directory and not of_the_world(tls.host):
        return [_INTERNAL]
    asked = [acme | {"profile": SHORTLIVED}]
    if tls.acme_directory:  # which may know no profiles: then an order with one is not even sent
        asked.append(acme)
    # Else one renewal that fails would put the edge's own, which its users don't know, in the place
    # of a certificate that is good for days. Caddy asks again, and again, until it ends.
    return asked if tls.certified else [*asked, _INTERNAL]


def of_the_world(host: str) -> bool:
    """Could a public authority reach it? Bare names, as of ~/.ssh/config, it could not."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return False
