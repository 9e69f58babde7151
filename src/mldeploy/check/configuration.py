"""Configuration: what mldeploy and later versions of the template need to know."""

from __future__ import annotations

import re

from mldeploy.check.folder import Folder
from mldeploy.check.items import Item, Seen, failed, not_applicable, note, passed
from mldeploy.config import FILE_NAME
from mldeploy.origin import ANSWERS


def items() -> list[Item]:
    return [
        Item("mldeploy-toml", "configuration", "It says what is deployed, and where.", _settings),
        Item("template", "configuration", f"{ANSWERS} is what brings later versions of the "
             "template.", _template),
    ]  # fmt: skip


def _settings(folder: Folder) -> Seen:
    if not folder.is_deployed and not folder.is_from_template:
        return not_applicable(f"there is no {FILE_NAME}")
    if not folder.has(FILE_NAME):
        return failed(f"{FILE_NAME} was deleted", f"git restore {FILE_NAME}")
    return passed(f"valid; targets: {', '.join(folder.config.targets)}")


def _template(folder: Folder) -> Seen:
    if not folder.has(ANSWERS):
        if folder.is_from_template:
            return failed(f"{ANSWERS} was deleted", f"git restore {ANSWERS}")
        return note("not made from a template: there are no updates for it")
    version = re.search(r"^_commit: *(\S+)", folder.text(ANSWERS), re.MULTILINE)
    if version is None:
        return failed(
            f"{ANSWERS} names no version", f"git log -p -- {ANSWERS}     (it is not to be edited)"
        )
    return passed(f"made from {version[1]}")
