"""What a rented machine is told at its first boot, as cloud-init reads it. Pure.

The lifetime comes first: whatever fails after it, the machine ends itself.
"""

from __future__ import annotations

import json
import shlex
from typing import Any

from mldeploy.providers import lifetime
from mldeploy.providers.base import Order

BOOTED = "/var/lib/mldeploy/booted"  # there when the boot is over: `ok`, or what failed

INSTALL = """\
#!/bin/sh
# Docker from the distribution's own packages, unless it is there.
. /etc/os-release
mkdir -p /var/lib/mldeploy
if ! command -v dockerd >/dev/null && ! [ -x /usr/sbin/dockerd ]; then
  case " $ID ${ID_LIKE:-} " in
    *" amzn "*) dnf install -y -q docker ;;
    *" debian "* | *" ubuntu "*)
      export DEBIAN_FRONTEND=noninteractive
      apt-get -o DPkg::Lock::Timeout=300 update -qq
      apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends \\
        docker.io iptables ca-certificates ;;
  esac
fi
systemctl enable --now docker && usermod -aG docker "$1" || failed=docker
shift
for image in "$@"; do
  docker image inspect "$image" >/dev/null 2>&1 || timeout 120 docker pull -q "$image" || true
done &
echo "${failed:-ok}" > /var/lib/mldeploy/booted.new && mv /var/lib/mldeploy/booted.new \\
  /var/lib/mldeploy/booted
wait
"""
INSTALL_FILE = "/usr/local/sbin/mldeploy-install"


def cloud_config(order: Order, user: str) -> str:
    """``user`` is the image's own, who may sudo. JSON is YAML, and needs no library."""
    unit = f"/etc/systemd/system/{lifetime.UNIT}"
    told: dict[str, Any] = {
        "ssh_deletekeys": True,
        "ssh_genkeytypes": ["ed25519"],
        "ssh_keys": {
            "ed25519_private": order.private_host_key,
            "ed25519_public": order.host_key,
        },
        "write_files": [
            _file(lifetime.EXPIRES, lifetime.in_file(order.expires_at) + "\n", "0644"),
            _file(lifetime.PROGRAM_FILE, lifetime.PROGRAM, "0755"),
            _file(f"{unit}.service", lifetime.SERVICE, "0644"),
            _file(f"{unit}.timer", lifetime.TIMER, "0644"),
            _file(INSTALL_FILE, INSTALL, "0755"),
        ],
        "runcmd": [
            "systemctl daemon-reload",
            f"systemctl enable --now {lifetime.UNIT}.timer",
            shlex.join([INSTALL_FILE, user, *order.images]),
        ],
    }
    return "#cloud-config\n" + json.dumps(told, indent=1) + "\n"


def _file(path: str, content: str, permissions: str) -> dict[str, str]:
    return {"path": path, "content": content, "permissions": permissions, "owner": "root:root"}
