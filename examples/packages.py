"""A real and messy table that any Debian machine has: what its package lists say of each package.

    python examples/packages.py packages.csv

The lists describe packages, not people: of the maintainer only whether it is a team is kept. They
are read with `apt-cache dumpavail`, which needs no network once `apt-get update` has run.
"""

from __future__ import annotations

import csv
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

COLUMNS = (
    "package",
    "source",
    "section",
    "priority",
    "architecture",
    "multi_arch",
    "team",
    "homepage",
    "depends",
    "pre_depends",
    "recommends",
    "suggests",
    "provides",
    "conflicts",
    "tags",
    "role",
    "name_parts",
    "summary_words",
    "download_bytes",
    "installed_kib",
    "installed_log10",
)

Stanza = dict[str, str]  # the fields of one package


def main() -> None:
    path = Path(sys.argv[1])
    sys.stdout.write(f"{write(path)} packages in {path}\n")


def write(path: Path) -> int:
    """Write the table to `path`, a row for each package by its name. Gives the number of rows."""
    listed = subprocess.run(
        ["apt-cache", "dumpavail"], check=True, capture_output=True, timeout=300
    )
    newest = {stanza["Package"]: stanza for stanza in stanzas(listed.stdout.decode())}
    rows = [row(newest[name]) for name in sorted(newest)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def stanzas(text: str) -> Iterator[Stanza]:
    """The packages in Debian's control format: `Field: value`, continued by indented lines."""
    for block in text.split("\n\n"):
        stanza: Stanza = {}
        name = ""
        for line in block.splitlines():
            if line[:1].isspace():
                stanza[name] += " " + line.strip()
            else:
                name, _, value = line.partition(":")
                stanza[name] = value.strip()
        if "Package" in stanza:
            yield stanza


def row(stanza: Stanza) -> dict[str, str | int | None]:
    """What the lists say, as it is: empty where they say nothing."""
    kib = int(stanza["Installed-Size"]) if stanza.get("Installed-Size", "0") != "0" else None
    tags = stanza.get("Tag")
    return {
        "package": stanza["Package"],
        "source": stanza.get("Source", stanza["Package"]).partition(" ")[0],
        "section": stanza.get("Section"),
        "priority": stanza.get("Priority"),
        "architecture": stanza.get("Architecture"),
        "multi_arch": stanza.get("Multi-Arch"),
        "team": _yes("team" in stanza.get("Maintainer", "").lower()),
        "homepage": _yes("Homepage" in stanza),
        "depends": _count(stanza.get("Depends")),
        "pre_depends": _count(stanza.get("Pre-Depends")),
        "recommends": _count(stanza.get("Recommends")),
        "suggests": _count(stanza.get("Suggests")),
        "provides": _count(stanza.get("Provides")),
        "conflicts": _count(stanza.get("Conflicts")),
        "tags": _count(tags) if tags else None,  # most packages were never tagged
        "role": _role(tags or ""),
        "name_parts": stanza["Package"].count("-") + 1,
        "summary_words": len(stanza.get("Description", "").split()),
        "download_bytes": stanza.get("Size"),
        "installed_kib": kib,
        # 3 is a mebibyte, about; one more is ten times as much.
        "installed_log10": f"{math.log10(kib):.4f}" if kib else None,
    }


def _count(listed: str | None) -> int:
    return len(listed.split(",")) if listed else 0


def _role(tags: str) -> str | None:
    roles = [tag.strip() for tag in tags.split(",") if tag.strip().startswith("role::")]
    return roles[0].removeprefix("role::") if roles else None


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


if __name__ == "__main__":
    main()
