"""Which image a machine gets. Their ids change, so they are looked up every time."""

from __future__ import annotations

import difflib

from mldeploy.errors import ConfigError
from mldeploy.providers.paperspace.client import Client
from mldeploy.providers.paperspace.records import Template
from mldeploy.providers.paperspace.settings import PaperspaceTarget

SYSTEM = "Ubuntu 22.04"


def for_type(client: Client, target: PaperspaceTarget, machine_type: str, disk_gb: int) -> str:
    """The id of the target's own, else of the newest Ubuntu 22.04 that the machine type takes.

    Raises ConfigError for a type that nobody lists, one without such an image, or a disk that is
    too small for it.
    """
    if target.template_id:
        return target.template_id  # a custom one is in no list
    found = chosen(client.pages("/os-templates", Template), machine_type)
    if found.default_size_gb and found.default_size_gb > disk_gb:
        raise ConfigError(
            "disk-too-small",
            what=f"A disk of {disk_gb} GB is too small for the image of a {machine_type}.",
            why=f"{found.name} takes {found.default_size_gb} GB at the least.",
            do=f'disk = "{found.default_size_gb}GB" in mldeploy.toml, then: mldeploy plan',
        )
    return found.id


def chosen(listed: list[Template], machine_type: str) -> Template:
    """Pure. A server's image before a desktop's."""
    known = sorted({name for one in listed for name in one.machine_types})
    if machine_type not in known:
        near = difflib.get_close_matches(machine_type, known, n=3, cutoff=0.3)
        raise ConfigError(
            "paperspace-no-such-type",
            what=f"Paperspace lists no machine type {machine_type!r}.",
            why=f"The nearest names are {', '.join(near)}." if near else _all(known),
            do="mldeploy prices --provider paperspace   lists those with a price",
        )
    fitting = [one for one in listed if machine_type in one.machine_types]
    ubuntu = [one for one in fitting if SYSTEM in f"{one.name} {one.operating_system_label}"]
    servers = [one for one in ubuntu if not _is_desktop(one)]
    if not servers:
        others = ", ".join(f"{one.id} ({one.name})" for one in fitting)
        raise ConfigError(
            "paperspace-no-template",
            what=f"Paperspace lists no {SYSTEM} for a {machine_type}.",
            why=f"It has {others}.",
            do=f'template_id = "{fitting[0].id}" in mldeploy.toml',
        )
    return servers[0]


def _is_desktop(template: Template) -> bool:
    told = f"{template.name} {template.operating_system_label} {template.agent_type}"
    return "desktop" in told.lower()


def _all(known: list[str]) -> str:
    return f"It has {', '.join(known)}." if known else "It lists none at all."
