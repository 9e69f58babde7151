"""Lay out a folder, the first argument, of links to objects/: thousands in a second.

By stdin the lines that the shell reads where there is no Python: `D - ./FOLDER/`, `F HASH ./PATH/`,
`X HASH ./PATH/`. Ends with 5 where a content is missing.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

LACKS = 5


def lay_out(work: Path, kind: str, sha256: str, name: str) -> None:
    to, content = work / name, Path("objects", sha256)
    if kind == "D":
        to.mkdir(parents=True, exist_ok=True)
        return
    if not content.is_file():
        sys.exit(LACKS)
    if kind == "F":
        try:
            os.link(str(content), str(to))
            return
        except OSError:  # a file system without links, or one that has no more for this file
            pass
    shutil.copyfile(str(content), str(to))
    to.chmod(0o555 if kind == "X" else 0o444)


def main() -> None:
    work = Path(sys.argv[1])
    for line in sys.stdin.buffer.read().decode("utf-8").split("\n"):
        if line:
            kind, sha256, path = line.split(" ", 2)
            lay_out(work, kind, sha256, path[2:-1])


if __name__ == "__main__":
    main()
