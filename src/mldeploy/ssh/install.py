"""Docker for a host where none runs: shown first, then done with the distribution's own packages.

Not Docker's convenience script: what runs as root on a user's machine is to be read beforehand.
"""

from __future__ import annotations

from mldeploy.ssh.facts import HostFacts

SECONDS = 900
START_SECONDS = 60  # `service` and `systemctl` may end before the engine listens
GROUP = "usermod -aG docker {user}"
# A machine that was just made is busy with updates of its own in its first minutes.
WAIT = "-o DPkg::Lock::Timeout=300"
FEDORA = "https://download.docker.com/linux/centos/docker-ce.repo"


def commands(facts: HostFacts) -> list[str]:
    """What root would type; empty for a family that we don't know."""
    packages = {
        "debian": [
            "apt-get update -qq",
            f"DEBIAN_FRONTEND=noninteractive apt-get install -y -qq {WAIT} "
            "--no-install-recommends docker.io iptables ca-certificates",
        ],
        "amazon": ["dnf install -y -q docker || yum install -y -q docker"],
        "fedora": [
            "dnf install -y -q moby-engine docker-cli || dnf install -y -q moby-engine || "
            f"{{ dnf install -y -q dnf-plugins-core && dnf config-manager --add-repo {FEDORA} && "
            "dnf install -y -q docker-ce docker-ce-cli containerd.io; }"
        ],
    }.get(facts.family, [])
    if not packages:
        return []
    start = "systemctl enable --now docker" if facts.systemd else "service docker start"
    group = [] if facts.is_root or facts.may_use_docker else [GROUP.format(user=facts.user)]
    return [*([] if facts.installed else packages), start, *group]


def script(facts: HostFacts) -> str:
    """Runs its $1 as root, stops at the first command that fails, and waits for the engine."""
    root = "" if facts.is_root else "sudo -n "
    return f"""\
{root}sh -euc "$1" 2>&1 < /dev/null || exit
for _ in $(seq {START_SECONDS}); do [ -S /var/run/docker.sock ] && break; sleep 1; done
"""


def text(words: list[str], facts: HostFacts) -> str:
    """What a person is shown, and could type."""
    root = "" if facts.is_root else "sudo "
    return "\n".join(
        f"sudo sh -c '{one}'" if "||" in one and root else f"{root}{one}" for one in words
    )
