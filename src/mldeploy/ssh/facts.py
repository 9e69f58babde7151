"""What there is on a host: asked in one go, by a script that any POSIX shell runs."""

from __future__ import annotations

from dataclasses import dataclass

# Docker's socket is where the host's own `docker` would look, also for an engine without root.
SCRIPT = """\
export LC_ALL=C
. /etc/os-release 2>/dev/null
socket=
for one in "${DOCKER_HOST#unix://}" "${XDG_RUNTIME_DIR:-/none}/docker.sock" \
           "/run/user/$(id -u)/docker.sock" /var/run/docker.sock; do
  if [ -z "$socket" ] && [ -S "$one" ]; then socket=$one; fi
done
may=no; if [ -n "$socket" ] && [ -w "$socket" ]; then may=yes; fi
sudo=no
if [ "$(id -u)" = 0 ]; then sudo=root
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo=yes; fi
printf '%s\\n' "os ${ID:-?}" "like ${ID_LIKE:-}" "name ${PRETTY_NAME:-$(uname -s)}" \
  "version ${VERSION_ID:-}" "arch $(uname -m)" "user $(id -un)" "sudo $sudo" \
  "socket $socket" "may $may" \
  "docker $(command -v docker || true)" \
  "engine $(PATH=$PATH:/usr/sbin:/sbin command -v dockerd || true)" \
  "systemd $([ -d /run/systemd/system ] && echo yes)" \
  "memory $(awk '/MemTotal/ {print $2 * 1024}' /proc/meminfo 2>/dev/null)" \
  "clock $(date +%s)"
"""


@dataclass(frozen=True)
class HostFacts:
    """``family`` is debian, fedora, amazon or empty; ``sudo`` says that root's rights are at hand
    without a password; ``socket`` is empty where no engine listens, ``installed`` says that one
    could; ``memory`` is in bytes."""

    name: str
    family: str
    version: str
    architecture: str
    user: str
    sudo: bool
    is_root: bool
    socket: str
    may_use_docker: bool
    docker_program: str
    installed: bool
    systemd: bool
    memory: int
    clock: int


def read(printed: str) -> HostFacts:
    """Of what the script prints; a start-up file of the host may have printed something too."""
    found = dict(line.partition(" ")[::2] for line in printed.splitlines())
    return HostFacts(
        name=found.get("name", "?"),
        family=family_of(found.get("os", ""), found.get("like", "")),
        version=found.get("version", ""),
        architecture=found.get("arch", ""),
        user=found.get("user", ""),
        sudo=found.get("sudo") in ("root", "yes"),
        is_root=found.get("sudo") == "root",
        socket=found.get("socket", ""),
        may_use_docker=found.get("may") == "yes",
        docker_program=found.get("docker", ""),
        installed=bool(found.get("engine")),
        systemd=found.get("systemd") == "yes",
        memory=int(float(found.get("memory") or 0)),
        clock=int(found.get("clock") or 0),
    )


def family_of(name: str, like: str) -> str:
    words = {name, *like.split()}
    if "amzn" in words:  # like fedora, by its own word, and with packages of its own
        return "amazon"
    if words & {"debian", "ubuntu"}:
        return "debian"
    if words & {"fedora", "rhel", "centos"}:
        return "fedora"
    return ""
