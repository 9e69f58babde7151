"""Docker for a host that has none: shown first, then done with the distribution's own packages.

Not Docker's convenience script: what runs as root on a user's machine is to be read beforehand.
"""

from __future__ import annotations

from mldeploy.ssh.facts import HostFacts

SECONDS = 900
GROUP = "usermod -aG docker {user}"


def commands(facts: HostFacts) -> list[str]:
    """What root would type; empty for a family that we don't know."""
    packages = {
        "debian": [
            "apt-get update -qq",
            "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "
            "docker.io iptables ca-certificates",
        ],
        "amazon": ["dnf install -y -q docker || yum install -y -q docker"],
        "fedora": [
            "dnf install -y -q moby-engine || dnf install -y -q docker-ce || "
            "{ dnf install -y -q dnf-plugins-core && dnf config-manager --add-repo "
            "https://download.docker.com/linux/centos/docker-ce.repo && "
            "dnf install -y -q docker-ce docker-ce-cli containerd.io; }"
        ],
    }.get(facts.family, [])
    if not packages:
        return []
    start = ["systemctl enable --now docker"] if facts.systemd else []
    group = [] if facts.is_root else [GROUP.format(user=facts.user)]
    return [*packages, *start, *group]


def script(facts: HostFacts) -> str:
    """Runs its $1 as root, and stops at the first command that fails."""
    root = "" if facts.is_root else "sudo -n "
    return f'exec {root}sh -euc "$1" 2>&1'


def text(words: list[str], facts: HostFacts) -> str:
    """What a person is shown, and could type."""
    root = "" if facts.is_root else "sudo "
    return "\n".join(f"{root}{one}" for one in words)
