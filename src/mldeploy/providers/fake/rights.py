"""How much a machine's container is allowed: all, or all that this computer itself may do.

An engine in a container mounts file systems and makes networks. `--privileged` asks for every
capability, and is refused where the computer's own bounding set lacks one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docker import APIClient

# In the order of linux/capability.h: the place is the bit.
# fmt: off
NAMES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
    "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
    "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
    "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
    "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
    "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
)
# fmt: on
NOT_NEEDED = {"SYS_MODULE", "SYS_RAWIO", "MAC_OVERRIDE", "MAC_ADMIN", "PERFMON", "BPF"}
NOT_NEEDED |= {"CHECKPOINT_RESTORE"}  # Docker 20.10 does not know the last three
UNCONFINED = ["seccomp=unconfined", "apparmor=unconfined"]


def host_config(api: APIClient, **settings: Any) -> dict[str, Any]:
    """As the API takes it."""
    bounding, last = _of_this_computer()
    if bounding == (1 << (last + 1)) - 1:
        return dict(api.create_host_config(privileged=True, **settings))
    made = api.create_host_config(cap_add=granted(bounding), security_opt=UNCONFINED, **settings)
    # What the command line calls systempaths=unconfined; the SDK has no word for it.
    return {**made, "MaskedPaths": [], "ReadonlyPaths": []}


def granted(bounding: int) -> list[str]:
    """The names of those that a machine gets."""
    there = [name for bit, name in enumerate(NAMES) if bounding >> bit & 1]
    return [name for name in there if name not in NOT_NEEDED]


def _of_this_computer() -> tuple[int, int]:
    """Its bounding set and its last capability; all of them where the engine has a Linux apart."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        last = int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="utf-8"))
    except OSError:  # macOS, Windows: Docker Desktop's own virtual machine
        return 1, 0
    (line,) = (line for line in status.splitlines() if line.startswith("CapBnd:"))
    return int(line.split()[1], 16), last
