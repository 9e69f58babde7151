"""The certificate that a target shows, in words: until when, by whom, or why it isn't believed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mldeploy.config import Target
from mldeploy.errors import FailedError
from mldeploy.project import Project

if TYPE_CHECKING:
    from ssl import SSLError


def named(project: Project, target: Target) -> str | None:
    """The root certificate, as PEM text, of the authority that mldeploy.toml names, if it does."""
    if getattr(target, "certificate", "none") not in ("domain", "address"):
        return None
    path: str | None = getattr(target, "acme_root", None)
    if path is None:
        return None
    from mldeploy.certificates import read_root

    return read_root(project.root / path)


def facts(
    url: str | None, own: str | None, also: str | None, *, wait: float = 0.0
) -> dict[str, str | None]:
    """What is shown at ``url`` now, as keys of `up` and `status`; the time is ISO 8601.

    ``own`` is the root certificate that alone is believed, where there is one; ``also`` is
    believed beside the system's; ``wait`` is in seconds. All None where nothing is encrypted.
    """
    found: dict[str, str | None] = dict.fromkeys(
        ("certificate_until", "certificate_issuer", "certificate_trouble")
    )
    if url is None or not url.startswith("https:"):
        return found
    from mldeploy.certificates import certificate_facts

    where = urlsplit(url)
    try:
        there = (where.hostname or "", where.port or 443)
        shown = certificate_facts(*there, own, also=also, wait=wait)
    except OSError as error:
        said = getattr(error, "verify_message", None) or getattr(error, "reason", None)
        return found | {"certificate_trouble": str(said or error)}
    return found | {
        "certificate_until": shown.not_after.isoformat(timespec="seconds"),
        "certificate_issuer": shown.issuer,
    }


def words(found: dict[str, Any]) -> list[str]:
    """What a person must know of it, from the keys of `up` or `status`."""
    told = []
    if found["certificate_trouble"]:
        told.append(f"NOT VERIFIED: {found['certificate_trouble']}")
    if found["ca_fingerprint"]:
        told.append(
            f"own certificate authority, SHA-256 {found['ca_fingerprint']}  (predict verifies it)"
        )
    if found["ca_fingerprint"] and found["certificate"] == "address":
        host = urlsplit(found["url"] or "").hostname or ""
        told.append(_why_its_own(host, found.get("acme_directory")))
    return told


def _why_its_own(host: str, another: str | None) -> str:
    """``another`` is an authority beside the public ones, which may know addresses within."""
    from mldeploy.edge.certificate import of_the_world

    if another or of_the_world(host):
        return "no other gave one for this address; `mldeploy logs --edge` says why"
    return "public authorities give none to an address that the world can't reach"


def as_file(project: Project, name: str, pem: str | None) -> Path | None:
    """A target's root certificate where other programs, such as curl, find it."""
    if pem is None:
        return None
    project.make_state()
    path = project.state / "targets" / name / "ca.pem"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(pem)
    return path


def not_proven(error: SSLError, url: str, name: str, own: str | None) -> FailedError:
    """TLS ended before the request was sent, and the key with it."""
    import ssl

    from mldeploy.certificates import fingerprint

    if not isinstance(error, ssl.SSLCertVerificationError):
        return FailedError(
            "no-certificate",
            what=f"{url} has no certificate to show. The key was not sent.",
            why=f"It was refused one, or has not been given it yet: {error.reason or error}.",
            do=f"mldeploy logs {name} --edge     (says what the authority said); then again",
        )
    believed = f"the edge's own, SHA-256 {fingerprint(own)}" if own else "one that is trusted here"
    return FailedError(
        "not-verified",
        what=f"{url} could not prove that it is your service. The key was not sent.",
        why=f"Its certificate is not believed: {error.verify_message}. "
        f"The authority must be {believed}.",
        do="look whether something stands between (a proxy, a hotel's network), and at this "
        f"machine's clock; then: mldeploy status {name}",
    )
