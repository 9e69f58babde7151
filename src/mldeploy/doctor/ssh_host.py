"""What a host is like, before its engine is asked."""

from __future__ import annotations

from datetime import UTC, datetime

from mldeploy.doctor.checks import Finding, Fix, ok
from mldeploy.doctor.docker_host import AMD64, ARM64, CLOCK_SECONDS
from mldeploy.doctor.docker_room import ENOUGH, TO_PRUNE, TOO_LITTLE
from mldeploy.ssh import install
from mldeploy.ssh.connection import Connection
from mldeploy.ssh.facts import HostFacts

# Of the engine's images, and of what is sent to build them from.
DISKS = """\
for one in /var/lib/docker /var/lib; do
  if [ -d "$one" ]; then df -Pk "$one" | tail -1; break; fi
done
df -Pk "$HOME" | tail -1
"""


def system(facts: HostFacts) -> Finding:
    """Releases need packages, and packages are made for two architectures."""
    if facts.architecture not in (*AMD64, *ARM64):
        return Finding(
            "system",
            "error",
            f"It is {facts.architecture}; Python's packages are made for x86_64 and aarch64.",
            "a machine of one of those",
        )
    memory = f", {facts.memory / 1e9:.1f} GB of memory" if facts.memory else ""
    return ok("system", f"{facts.name} on {facts.architecture}{memory}")


def rights(facts: HostFacts) -> Finding:
    if facts.is_root:
        return ok("rights", "it is root")
    if facts.sudo:
        return ok("rights", f"{facts.user} may sudo without a password")
    needless = "; nothing that `up` does needs it" if facts.may_use_docker else ""
    return ok("rights", f"{facts.user} may not sudo without a password{needless}")


def clock(connection: Connection) -> Finding:
    """Before an engine is there: a wrong clock breaks the packages' downloads, too."""
    asked = datetime.now(UTC)
    said = connection.run("date +%s", seconds=20).out.split()
    there = int(said[-1]) if said and said[-1].isdigit() else None
    return clock_of(there, asked.timestamp(), datetime.now(UTC).timestamp())


def clock_of(there: int | None, asked: float, answered: float) -> Finding:
    """All in seconds since 1970; ``there`` is whole ones, between our question and its answer."""
    if there is None:
        return ok("host clock", "it does not say its time")
    apart = max(0.0, asked - (there + 1), there - answered)
    if apart > CLOCK_SECONDS:
        return Finding(
            "host clock",
            "warning",
            f"It is {apart:.0f} s {'behind' if there < asked else 'ahead'} of ours: certificates, "
            "`logs --since` and the history will be wrong.",
            "over there: sudo timedatectl set-ntp true",
        )
    return ok("host clock", "the same as ours")


def disk(connection: Connection) -> Finding:
    return room(free_bytes(connection.run(DISKS, seconds=20).out))


def free_bytes(printed: str) -> int | None:
    """The least that is free, of the lines of `df -Pk`."""
    found = [line.split() for line in printed.splitlines()]
    free = [int(words[3]) * 1024 for words in found if len(words) > 5 and words[3].isdigit()]
    return min(free, default=None)


def room(free: int | None) -> Finding:
    if free is None:
        return ok("host disk", "it does not say")
    shown = f"{free / 1e9:.1f} GB free for images"
    if free < TOO_LITTLE:
        return Finding("host disk", "error", f"The machine's disk is full: {shown}.", TO_PRUNE)
    if free < ENOUGH:
        return Finding("host disk", "warning", f"Hardly room for a first build: {shown}.", TO_PRUNE)
    return ok("host disk", shown)


def no_docker(facts: HostFacts, by_hand: str, fix: Fix | None) -> Finding:
    """``by_hand`` are the lines that install it; empty for a system that we don't know."""
    remedy = " && ".join(by_hand.splitlines()) + "     (over there)"
    return Finding(
        "docker",
        "error",
        f"{facts.name} has no Docker Engine that listens: it is "
        + ("installed, and not started." if facts.installed else "not installed."),
        remedy if by_hand else "install it: https://docs.docker.com/engine/install/",
        fix,
    )


def no_permission(facts: HostFacts, target: str, fix: Fix | None) -> Finding:
    word = install.GROUP.format(user=facts.user)
    return Finding(
        "permission",
        "error",
        f"{facts.user} may not speak to Docker: {facts.socket} is for root and the group `docker` "
        "(it is as much as root).",
        f"mldeploy ssh {target} -- sudo {word}",
        fix,
    )


def docker_program(facts: HostFacts, build: str) -> Finding:
    if facts.docker_program:
        return ok("docker program", facts.docker_program)
    if build == "here":
        return ok("docker program", 'none, and none is needed with build = "here"')
    return Finding(
        "docker program",
        "error",
        "There is no `docker` program over there, and images are built with it.",
        'install docker-cli over there, or write build = "here" in mldeploy.toml',
    )
