"""How the importer says no: with the place, what FloydHub took, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from mldeploy.errors import ConfigError


def refused(place: str, what: str, why: str, do: str) -> ConfigError:
    """``place`` is such as ``floyd.yml, line 3``."""
    return ConfigError("floyd-refused", what=f"{place}: {what}", why=why, do=do)


def nearest(word: str, known: Sequence[str]) -> str:
    """The known word that is most like it; empty if none is."""
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.45)
    return found[0] if found else ""
