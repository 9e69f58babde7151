"""What a row is. `inspect` wrote it from the table; read it, correct it: it is yours now.

This module is shared by training and the service, so it imports nothing heavy.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

TARGET = "installed_log10"
GROUP: str | None = "source"  # rows of one are alike: they stay on one side of the split
TIME: str | None = None  # no column tells it
LABEL: str | None = "package"  # tells a reader which row it is; the model never sees it

# The header in the table, and the name of the column here. No others are read.
COLUMNS: dict[str, str] = {
    "package": "package",
    "source": "source",
    "section": "section",
    "priority": "priority",
    "architecture": "architecture",
    "multi_arch": "multi_arch",
    "team": "team",
    "homepage": "homepage",
    "depends": "depends",
    "pre_depends": "pre_depends",
    "recommends": "recommends",
    "suggests": "suggests",
    "provides": "provides",
    "conflicts": "conflicts",
    "tags": "tags",
    "role": "role",
    "name_parts": "name_parts",
    "summary_words": "summary_words",
    "installed_log10": "installed_log10",
}
# How dates are written in the table. A date that is not TIME becomes the number of days
# from it until TIME: DATE_days in Row.
DATES: dict[str, tuple[str, ...]] = {}
# Collected, but never shown to the model; dates are compared with TIME.
ASIDE: dict[str, str] = {}
# Left out, and why:
#   installed_kib: on purpose
#   download_bytes: on purpose

# A limit is a round number beyond ten times what the table holds, and 0 where nothing is negative:
# it stops what cannot be meant, and lets new rows be somewhat different.
Text = Annotated[str, Field(max_length=200)]


class Row(BaseModel):
    """One row, as the service accepts it. Unknown fields are refused; None is "not known"."""

    # No `examples` here: BentoML 1.4 can't put them into its OpenAPI document and fails to build.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    depends: Annotated[float, Field(ge=0, le=5_000)]
    pre_depends: Annotated[float, Field(ge=0, le=200, description="pre_depends")]
    recommends: Annotated[float, Field(ge=0, le=10_000)]
    suggests: Annotated[float, Field(ge=0, le=5_000)]
    provides: Annotated[float, Field(ge=0, le=20_000)]
    conflicts: Annotated[float, Field(ge=0, le=2_000)]
    tags: Annotated[float, Field(ge=0, le=1_000)] | None
    name_parts: Annotated[float, Field(ge=0, le=100, description="name_parts")]
    summary_words: Annotated[float, Field(ge=0, le=1_000, description="summary_words")]
    team: bool
    homepage: bool
    section: Text
    priority: Text
    architecture: Text
    multi_arch: Annotated[Text, Field(description="multi_arch")] | None
    role: Text | None


# A value that is not listed, rare or new, is 0 in all columns of its category.
CATEGORIES: dict[str, tuple[str, ...]] = {
    "section": (
        "libs",
        "libdevel",
        "python",
        "doc",
        "perl",
        "devel",
        "utils",
        "haskell",
        "net",
        "rust",
        "golang",
        "javascript",
        "java",
        "science",
        "admin",
        "ruby",
        "gnu-r",
        "games",
        "x11",
        "text",
        "misc",
        "sound",
        "php",
        "graphics",
        "fonts",
        "ocaml",
        "lisp",
        "web",
        "gnome",
        "math",
    ),
    "priority": ("optional", "extra", "standard", "required", "important"),
    "architecture": ("amd64", "all"),
    "multi_arch": ("same", "foreign", "allowed"),
    "role": (
        "shared-lib",
        "devel-lib",
        "program",
        "app-data",
        "documentation",
        "plugin",
        "metapackage",
        "data",
        "debug-symbols",
        "dummy",
        "TODO",
        "source",
        "examples",
        "kernel",
    ),
}
NUMBERS = tuple(name for name in Row.model_fields if name not in CATEGORIES)
# The evaluation looks at each of their values by itself.
SLICES: tuple[str, ...] = ("architecture", "team", "homepage")

# An unusual row that is still allowed. A model that answers it oddly should be noticed.
EXTREME = Row(
    depends=5_000,
    pre_depends=200,
    recommends=10_000,
    suggests=5_000,
    provides=20_000,
    conflicts=2_000,
    tags=1_000,
    name_parts=100,
    summary_words=1_000,
    team=True,
    homepage=True,
    section="math",
    priority="important",
    architecture="all",
    multi_arch="allowed",
    role="kernel",
)
