"""What a Paperspace machine is told at its first boot: a script that root runs once. Pure.

The lifetime comes first: whatever fails after it, the machine ends itself. Then the way in: there
is no call that lets a key in, and the machine shows no key of its own that anybody could know.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Literal

from mldeploy.providers import lifetime, user_data
from mldeploy.providers.base import Order
from mldeploy.providers.paperspace import names

USER = "paperspace"
END_FILE = "/usr/local/sbin/mldeploy-end"
TOLD_FILE = "/etc/mldeploy/paperspace.json"
GPU_FILE = "/usr/local/sbin/mldeploy-gpu"
MARK = "MLDEPLOY_END_OF_FILE"
TRIES, PAUSE_SECONDS = 20, 15

# A shutdown would only stop the machine, and a stopped one costs its disk. Its own id is told
# nowhere on it: it is known by the name that the order gave it.
END = f"""\
#!/usr/bin/env python3
# Deletes this machine at Paperspace, when its lifetime is over (mldeploy).
import json, subprocess, sys, time, urllib.request
told = json.load(open("{TOLD_FILE}"))
def ask(method, path):
    headers = {{"Authorization": "Bearer " + told["key"], "User-Agent": "mldeploy"}}
    request = urllib.request.Request(told["url"] + path, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        found = json.load(answer)
    if not isinstance(found, dict) or {{"code", "message"}} <= set(found):
        raise ValueError(found)
    return found
def mine():
    found, after = [], ""
    while True:
        page = ask("GET", "/machines?limit=120" + after)
        found += [m for m in page["items"] if m["name"].startswith(told["name"] + "-")]
        if not page["hasMore"] or not page.get("nextPage"):
            break
        after = "&after=" + page["nextPage"]
    there = [m for m in found if not m.get("dtDeleted")]
    own = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
    by_address = [m for m in there if own and {{m.get("privateIp"), m.get("publicIp")}} & set(own)]
    return by_address or there
for _ in range({TRIES}):
    try:
        found = mine()
        for machine in found:
            ask("DELETE", "/machines/" + machine["id"])
            print("Paperspace was asked to delete", machine["id"], flush=True)
        if not found:
            break
    except Exception as error:
        print("not deleted yet:", type(error).__name__, flush=True)
    time.sleep({PAUSE_SECONDS})
sys.exit(1)  # it is still here: what called this switches it off
"""

# The maker's driver and what hands a GPU to a container, where there is a GPU and neither is there.
GPU = """\
#!/bin/sh
mkdir -p /var/lib/mldeploy
grep -qs 0x10de /sys/bus/pci/devices/*/vendor || { echo none > /var/lib/mldeploy/gpu; exit 0; }
export DEBIAN_FRONTEND=noninteractive
get="apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends"
apt-get -o DPkg::Lock::Timeout=300 update -qq
command -v nvidia-smi >/dev/null || $get nvidia-driver-535-server nvidia-utils-535-server
if ! command -v nvidia-ctk >/dev/null; then
  $get curl gnupg ca-certificates
  list=https://nvidia.github.io/libnvidia-container
  ring=/usr/share/keyrings/nvidia-container-toolkit.gpg
  curl -fsSL --max-time 60 $list/gpgkey | gpg --dearmor --yes -o $ring
  curl -fsSL --max-time 60 $list/stable/deb/nvidia-container-toolkit.list \\
    | sed "s#deb https://#deb [signed-by=$ring] https://#" \\
    > /etc/apt/sources.list.d/nvidia-container-toolkit.list
  apt-get -o DPkg::Lock::Timeout=300 update -qq
  $get nvidia-container-toolkit
fi
nvidia-ctk runtime configure --runtime=docker
modprobe nvidia 2>/dev/null || { rmmod nouveau; modprobe nvidia; } 2>/dev/null
if nvidia-smi >/dev/null 2>&1; then echo ok; else echo failed; fi > /var/lib/mldeploy/gpu
"""

# Nobody's address is kept out by Paperspace, so nobody may try passwords.
SSHD = "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"


@dataclass(frozen=True)
class Expiry:
    """What the machine does then; to delete itself it needs the ``key``, and where to ask."""

    does: Literal["delete", "stop"]
    key: str = ""
    url: str = ""

    def __repr__(self) -> str:
        return f"Expiry({self.does})"


def script(order: Order, expiry: Expiry) -> str:
    """Bash. It holds secrets: the host's private key, and the API key where it deletes itself."""
    unit = f"/etc/systemd/system/{lifetime.UNIT}"
    deletes = expiry.does == "delete"
    ending = f"{END_FILE} || {lifetime.POWER_OFF}" if deletes else lifetime.POWER_OFF
    parts = [
        "#!/bin/bash",
        "# What mldeploy tells a machine at its first boot. Some of it is secret.",
        "umask 022",
        "mkdir -p /etc/mldeploy /var/lib/mldeploy",
    ]
    if deletes:
        told = {"url": expiry.url, "key": expiry.key, "name": str(names.stem_of(order))}
        parts += [_file(TOLD_FILE, json.dumps(told) + "\n", "600"), _file(END_FILE, END, "700")]
    parts += [
        _file(lifetime.EXPIRES, lifetime.in_file(order.expires_at) + "\n", "644"),
        _file(lifetime.PROGRAM_FILE, lifetime.program(ending), "755"),
        _file(f"{unit}.service", lifetime.SERVICE, "644"),
        _file(f"{unit}.timer", lifetime.TIMER, "644"),
        "systemctl daemon-reload",
        f"systemctl enable --now {lifetime.UNIT}.timer",
        _way_in(order),
        _file(GPU_FILE, GPU, "755"),
        _file(user_data.INSTALL_FILE, user_data.INSTALL, "755"),
        GPU_FILE,
        shlex.join([user_data.INSTALL_FILE, USER, *order.images]),
    ]
    return "\n".join(parts) + "\n"


def _way_in(order: Order) -> str:
    """First this laptop's key, then the host's: whoever sees the one may rely on the other."""
    host = "/etc/ssh/ssh_host_ed25519_key"
    login = shlex.quote(order.public_key)
    return "\n".join(
        (
            f"id -u {USER} >/dev/null 2>&1 || useradd -m -s /bin/bash {USER}",
            f"home=$(getent passwd {USER} | cut -d: -f6)",
            f'install -d -m 700 -o {USER} -g {USER} "$home/.ssh"',
            f"printf '%s\\n' {login} >> \"$home/.ssh/authorized_keys\"",
            f'chown {USER}:{USER} "$home/.ssh/authorized_keys"',
            'chmod 600 "$home/.ssh/authorized_keys"',
            _file("/etc/sudoers.d/mldeploy", f"{USER} ALL=(ALL) NOPASSWD:ALL\n", "440"),
            "mkdir -p /etc/ssh/sshd_config.d",
            _file("/etc/ssh/sshd_config.d/00-mldeploy.conf", SSHD, "644"),
            "rm -f /etc/ssh/ssh_host_*",
            _file(host, order.private_host_key.rstrip("\n") + "\n", "600"),
            _file(f"{host}.pub", order.host_key.rstrip("\n") + "\n", "644"),
            "systemctl restart ssh 2>/dev/null || systemctl restart sshd",
        )
    )


def _file(path: str, content: str, mode: str) -> str:
    """Made with its mode, so that at no moment others read it."""
    return (
        f"install -m {mode} /dev/null {path}\n"
        f"cat > {path} <<'{MARK}'\n{content.removesuffix(chr(10))}\n{MARK}"
    )
