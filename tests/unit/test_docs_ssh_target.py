"""docs/ssh-target.md names every setting, with the value that it has if it is left out."""

from __future__ import annotations

import re
import tomllib

import msgspec

from mldeploy.config import SshTarget
from tests.conftest import CHECKOUT

NO_DEFAULTS = {"env", "secrets", "domain", "acme_directory", "acme_root", "base"}


def test_the_example_has_every_key_and_its_default() -> None:
    page = (CHECKOUT / "docs" / "ssh-target.md").read_text()
    example = page.partition("## Settings")[2].partition("```toml\n")[2].partition("```")[0]
    table = tomllib.loads(re.sub(r"(?m)^# (?=\w+ =)", "", example))["targets"]["box"]

    made = msgspec.convert(table, SshTarget)
    usual = SshTarget(host=made.host)

    keys = {field.name for field in msgspec.structs.fields(SshTarget)}
    assert set(table) == keys | {"kind"}
    same = keys - NO_DEFAULTS - {"port"}
    assert {key: getattr(made, key) for key in same} == {key: getattr(usual, key) for key in same}
    assert usual.published == made.port
