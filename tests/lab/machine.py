"""What a container needs of this machine to reach the package indexes that it reaches.

Where a company's (or a test bed's) proxy has a certificate of its own, pip and uv work only
with the machine's bundle. Test images get it and the settings; what mldeploy ships never does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BUNDLE_IN_IMAGE = "/etc/ssl/certs/ca-certificates.crt"
NAMES_A_BUNDLE = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "CURL_CA_BUNDLE",
)
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
NAMES_INDEXES = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "UV_INDEX",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
)
AS_THEY_ARE = ("PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT", "UV_HTTP_TIMEOUT", "UV_INSECURE_HOST")


@dataclass(frozen=True)
class Machine:
    """``settings`` are environment variables of test images; ``bundle`` is a PEM text or empty."""

    settings: dict[str, str]
    bundle: str = ""


def this_machine() -> Machine:
    pip = pip_settings()
    bundle = bundle_of(os.environ, pip)
    return Machine(
        settings=image_settings(os.environ, pip),
        bundle=bundle.read_text(encoding="utf-8") if bundle else "",
    )


def bundle_of(environment: Mapping[str, str], pip: Mapping[str, str]) -> Path | None:
    """The certificates that this machine's programs are told to use; None: the usual ones do."""
    for value in [*(environment.get(name) for name in NAMES_A_BUNDLE), pip.get("cert")]:
        if value and Path(value).is_file():
            return Path(value)
    return None


def image_settings(environment: Mapping[str, str], pip: Mapping[str, str]) -> dict[str, str]:
    """Variables for an image, from those of this machine and pip's configuration files.

    Folders of this machine are left out: no container sees them. uv gets pip's index too.
    """
    found: dict[str, str] = {}
    if bundle_of(environment, pip):
        found |= dict.fromkeys(NAMES_A_BUNDLE, BUNDLE_IN_IMAGE)
    index, extra = _remote(pip.get("index-url", "")), _remote(pip.get("extra-index-url", ""))
    if index:
        found |= {"PIP_INDEX_URL": index, "UV_DEFAULT_INDEX": index}
    if extra:
        found |= {"PIP_EXTRA_INDEX_URL": extra, "UV_INDEX": extra}
    if host := pip.get("trusted-host"):
        found["PIP_TRUSTED_HOST"] = " ".join(host.split())
    for name in NAMES_INDEXES:
        if value := _remote(environment.get(name, "")):
            found[name] = value
    for name in (*AS_THEY_ARE, *PROXIES):
        value = environment.get(name, "")
        if value and not _is_of_this_machine(name, value):
            found[name] = value
    return found


def _is_of_this_machine(name: str, value: str) -> bool:
    """A proxy on the loopback: in a container that is another loopback."""
    return name in PROXIES and ("://127." in value or "://localhost" in value)


def _remote(urls: str) -> str:
    return " ".join(url for url in urls.split() if "://" in url and not url.startswith("file:"))


def pip_settings() -> dict[str, str]:
    """pip's own configuration files, read by pip, which knows where they lie."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return parsed_pip_settings(done.stdout) if done.returncode == 0 else {}


def parsed_pip_settings(listed: str) -> dict[str, str]:
    """``global.index-url='…'`` to a name and a value; the environment is read elsewhere."""
    found = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.partition(".")
        if section in {"global", "install", "user", "site"}:
            found[name] = value.strip("'\"").replace("\\n", " ")
    return found
