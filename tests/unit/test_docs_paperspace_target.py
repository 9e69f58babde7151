"""docs/paperspace-target.md names every setting of its own, with the value it has if left out."""

from __future__ import annotations

import re

import msgspec

from mldeploy.config import FarTarget
from mldeploy.providers.paperspace.settings import PaperspaceTarget
from tests.conftest import CHECKOUT

WORDS = {None: "none", (): "none"}


def test_the_table_has_every_key_and_its_default() -> None:
    page = (CHECKOUT / "docs" / "paperspace-target.md").read_text()
    told = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", page, re.MULTILINE))

    shared = {field.name for field in msgspec.structs.fields(FarTarget)}
    own = [field for field in msgspec.structs.fields(PaperspaceTarget) if field.name not in shared]

    assert set(told) == {field.name for field in own}
    for field in own:
        if field.name != "template_id":
            assert told[field.name] == WORDS.get(field.default, f'`"{field.default}"`')
