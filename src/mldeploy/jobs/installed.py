"""What installing a project leaves in an environment, without building it: pure.

The code itself is where it is; only its name and version, which `importlib.metadata` looks for, and
its commands are files of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mldeploy.jobs.requirements import Package


@dataclass(frozen=True)
class Made:
    """A file in a folder that is on Python's path; of the ``executable`` ones, on the shell's."""

    name: str
    content: bytes
    executable: bool = False


def as_files(package: Package | None, python: str) -> tuple[Made, ...]:
    """Files for a folder that is on Python's path, whose `bin` is on the shell's.

    ``python`` is the interpreter that the commands are started with.
    """
    if package is None:
        return ()
    folder = f"{re.sub('[^A-Za-z0-9.]+', '_', package.name)}-{package.version}.dist-info"
    groups = {"console_scripts": package.scripts, **package.entry_points}
    listed = "\n".join(_group(name, each) for name, each in groups.items() if each)
    about = f"Metadata-Version: 2.4\nName: {package.name}\nVersion: {package.version}\n"
    about += f"Summary: {' '.join(package.summary.split())}\n" if package.summary else ""
    return (
        Made(f"{folder}/METADATA", about.encode()),
        Made(f"{folder}/INSTALLER", b"mldeploy\n"),
        Made(f"{folder}/entry_points.txt", listed.encode()),
        *(
            Made(f"bin/{name}", _script(python, target).encode(), executable=True)
            for name, target in package.scripts.items()
        ),
    )


def _group(name: str, entries: Mapping[str, str]) -> str:
    return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())


def _script(python: str, target: str) -> str:
    """As pip writes them; `module:object.attribute`, maybe with extras, which change nothing."""
    module, _, called = re.sub(r"\s*\[.*\]$", "", target).partition(":")
    first = called.partition(".")[0]
    return (
        f"#!{python}\nimport sys\n\nfrom {module} import {first}\n\n"
        f'if __name__ == "__main__":\n    sys.exit({called}())\n'
    )
