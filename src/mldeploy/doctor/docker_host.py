"""What the engine's machine is like: version, platform, memory, clock, proxy. Pure.

Every function takes what the engine says of itself (``docker info``, ``docker version``) and
returns a finding.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from mldeploy.config import ContainerTarget
from mldeploy.doctor.checks import Finding, ok
from mldeploy.doctor.docker_reach import Facts
from mldeploy.engines.docker_client import without_password

OLDEST = (1, 41)  # API of Docker 20.10: the oldest that the tests run on
CLOCK_SECONDS = 5.0
AMD64, ARM64 = ("x86_64", "amd64"), ("aarch64", "arm64")
DAEMON_JSON = "/etc/docker/daemon.json"
CA_VARIABLES = (
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT",
)  # fmt: skip


def version(facts: Facts) -> Finding:
    api = str(facts.version.get("ApiVersion", ""))
    shown = f"API {api}, storage {facts.info.get('Driver')}"
    if _numbers(api) < OLDEST:
        return Finding(
            "version",
            "warning",
            f"This engine is older than those that mldeploy is tested with ({shown}).",
            "update Docker to 20.10 or later: https://docs.docker.com/engine/install/",
        )
    return ok("version", shown)


def platform(facts: Facts, here: str) -> Finding:
    """``here`` is this machine's architecture; images are built on the engine, for the engine."""
    system, there = facts.info.get("OSType"), str(facts.info.get("Architecture"))
    if system != "linux":
        return Finding(
            "platform",
            "error",
            f"The engine runs {system} containers; releases are Linux containers.",
            "in Docker Desktop's menu: Switch to Linux containers",
        )
    if same_architecture(here, there):
        return ok("platform", f"linux on {there}, as this machine")
    return ok("platform", f"linux on {there}; this machine is {here}: images are built for {there}")


def same_architecture(one: str, other: str) -> bool:
    families = (AMD64, ARM64)
    return one == other or any(one in family and other in family for family in families)


def capacity(facts: Facts, target: ContainerTarget) -> Finding:
    """Replicas and their limits beside what the machine has; twice as many run during a switch."""
    cores, total = int(facts.info.get("NCPU", 0)), int(facts.info.get("MemTotal", 0))
    wanted = target.replicas * target.memory_bytes
    limits = f"{target.replicas} x {target.memory} of {total / 1e9:.1f} GB, {cores} cores"
    if target.cpus > cores:
        return Finding(
            "capacity",
            "error",
            f"The engine refuses {target.cpus:g} cores for a replica: it has {cores}.",
            f"cpus = {cores} in mldeploy.toml, or less",
        )
    if not facts.info.get("MemoryLimit", True):
        return Finding(
            "capacity",
            "warning",
            "This engine can't limit memory: a replica that leaks takes the whole machine along.",
            "docker info     (its last lines say what the kernel lacks)",
        )
    if wanted > total:
        return Finding(
            "capacity",
            "warning",
            f"Replicas may use more memory than there is: {limits}.",
            "a smaller `memory` or fewer `replicas` in mldeploy.toml",
        )
    if 2 * wanted > total:
        return Finding(
            "capacity",
            "warning",
            f"During a switch the old and the new run side by side, up to twice {limits}.",
            "fine if they use less than their limit: mldeploy status     (says how much)",
        )
    return ok("capacity", limits)


def clock(facts: Facts) -> Finding:
    there = moment(str(facts.info.get("SystemTime", "")))
    if there is None:
        return ok("clock", "the engine does not say its time")
    # It looked at its clock somewhere between our question and its answer.
    if there < facts.asked:
        apart = (facts.asked - there).total_seconds()
    else:
        apart = max(0.0, (there - facts.answered).total_seconds())
    if apart > CLOCK_SECONDS:
        return Finding(
            "clock",
            "warning",
            f"The engine's clock is {apart:.0f} s {'behind' if there < facts.asked else 'ahead'}: "
            "certificates, `logs --since` and the history will be wrong.",
            "sudo timedatectl set-ntp true     (Docker Desktop: restart it, after a sleep)",
        )
    return ok("clock", "the engine's is the same as ours")


def proxy(
    facts: Facts, environment: Mapping[str, str], in_base: Mapping[str, str] | None
) -> Finding:
    """Does the engine get out as we do? ``in_base`` is the base image's own environment."""
    ours = _proxy_of(environment)
    engines = facts.info.get("HttpsProxy") or facts.info.get("HttpProxy")
    if ours and not engines:
        return Finding(
            "proxy",
            "warning",
            f"Here a proxy is set ({without_password(ours)}), for the engine none: "
            "it may not be able to pull images.",
            f'"proxies" in {DAEMON_JSON} (Docker Desktop: Settings, Resources, Proxies), '
            "then: sudo systemctl restart docker",
        )
    if ours and re.search(r"//([^@/]*@)?(localhost|127\.|\[::1\])", ours):
        return Finding(
            "proxy",
            "warning",
            f"The proxy {without_password(ours)} is this machine's own address: "
            "from within a container that is the container.",
            "set HTTPS_PROXY to an address of this machine that containers reach",
        )
    bundle = next((name for name in CA_VARIABLES if environment.get(name)), None)
    if bundle and in_base is not None and not any(in_base.get(name) for name in CA_VARIABLES):
        return Finding(
            "proxy",
            "warning",
            f"{bundle} is set here, so this network may have a certificate authority of its own; "
            "the base image does not know it, and a build may not reach a package index.",
            'base = "…" in mldeploy.toml: an image of yours that has the bundle, and that variable',
        )
    if not ours:
        return ok("proxy", "none is set here")
    return ok("proxy", f"{without_password(ours)} here, {without_password(str(engines))} there")


def moment(text: str) -> datetime | None:
    """The time as an engine writes it; None for what is none, or says no zone."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo else None


def _proxy_of(environment: Mapping[str, str]) -> str | None:
    names = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
    return next((environment[name] for name in names if environment.get(name)), None)


def _numbers(api: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", api)) or OLDEST
