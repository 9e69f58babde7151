"""The lifetime of a rented machine: what mldeploy.toml says of it, and what holds it over there."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from mldeploy.errors import ConfigError

FOREVER = "forever"
NEVER = "never"  # in the machine's file and in tags
EXPIRES = "/etc/mldeploy/expires"  # seconds since 1970, or `never`
EVERY_SECONDS = 15
SOON = timedelta(minutes=15)

# Looked at again and again rather than ordered once: a reboot, or an order for a later end, needs
# no second thought. `shutdown -h +N` would be lost with a reboot, and lets nobody log in for the
# last five minutes, which is when one wants to extend. A file that says nothing ends the machine:
# of two mistakes that is the cheaper one.
POWER_OFF = "systemctl poweroff || shutdown -h now || poweroff -f"


def program(ending: str = POWER_OFF) -> str:
    """What the timer runs; ``ending`` is the command that ends the machine."""
    return f"""\
#!/bin/sh
# Ends this machine when the lifetime that mldeploy gave it is over. `mldeploy extend` moves it.
ends=$(cat {EXPIRES} 2>/dev/null)
case $ends in
  {NEVER}) exit 0 ;;
  '' | *[!0-9]*) ends=0 ;;
esac
[ "$(date +%s)" -lt "$ends" ] && exit 0
echo "the lifetime of this machine is over: it ends itself"
{ending}
"""


PROGRAM = program()
PROGRAM_FILE = "/usr/local/sbin/mldeploy-lifetime"
UNIT = "mldeploy-lifetime"
SERVICE = f"""\
[Unit]
Description=End this machine when its lifetime is over (mldeploy)
[Service]
Type=oneshot
ExecStart={PROGRAM_FILE}
"""
TIMER = f"""\
[Unit]
Description=Look whether the lifetime of this machine is over (mldeploy)
[Timer]
OnActiveSec={EVERY_SECONDS}
OnUnitActiveSec={EVERY_SECONDS}
AccuracySec=1
[Install]
WantedBy=timers.target
"""

# Runs on the machine with $1, the new end, and says whether anything holds it to that.
EXTEND = f"""\
root=; [ "$(id -u)" = 0 ] || root="sudo -n"
printf '%s\\n' "$1" | $root tee {EXPIRES}.new >/dev/null || exit 1
$root mv {EXPIRES}.new {EXPIRES} || exit 1
cat {EXPIRES}
if command -v systemctl >/dev/null; then systemctl is-active {UNIT}.timer; else echo active; fi
"""


def parse(text: str) -> timedelta | None:
    """``30m``, ``4h``, ``2d``; None for ``forever``. Raises ConfigError for anything else."""
    if text == FOREVER:
        return None
    found = re.fullmatch(r"([1-9]\d*)([mhd])", text)
    if not found:
        raise ConfigError(
            "bad-duration",
            what=f"{text!r} is not a duration.",
            why='Expected minutes, hours or days, such as "30m", "4h" or "2d".',
            do="mldeploy extend aws 2h",
        )
    unit = {"m": "minutes", "h": "hours", "d": "days"}[found.group(2)]
    return timedelta(**{unit: int(found.group(1))})


def end_of(began: datetime, lifetime: timedelta | None) -> datetime | None:
    """To the second, as files and tags have it."""
    return None if lifetime is None else (began + lifetime).replace(microsecond=0)


def in_file(end: datetime | None) -> str:
    return NEVER if end is None else str(int(end.timestamp()))


def as_tag(end: datetime | None) -> str:
    return NEVER if end is None else end.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_tag(text: str) -> datetime | None:
    """Raises ValueError for what nobody of us wrote."""
    return None if text == NEVER else datetime.fromisoformat(text.replace("Z", "+00:00"))


def left(end: datetime | None, now: datetime) -> timedelta | None:
    """How long it still lives: never less than nothing; None is for ever."""
    return None if end is None else max(end - now, timedelta())


def words(time: timedelta) -> str:
    """``3 h 20 min``, ``12 min``, ``40 s``."""
    seconds = int(time.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = ((days, "d"), (hours, "h"), (rest, "min"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def warning(name: str, end: datetime | None, now: datetime) -> str:
    """What is said at a command when the end is near; empty when it is not."""
    rest = left(end, now)
    if rest is None or rest > SOON:
        return ""
    if not rest:
        return f"the lifetime of {name} is over: it is ending itself"
    return f"{name} ends itself in {words(rest)}; to keep it: mldeploy extend {name} 2h"
