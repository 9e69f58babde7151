"""What a row is: one commit, as it can be known before anybody says whether it was a fix.

The commit's message is not here: the answer is read from it, so it would give the answer away. Who
wrote the commit is not here either, only how often that person had committed before.
This module is shared by training and the service, so it imports nothing heavy.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

TARGET = "is_fix"
GROUP: str | None = "repository"
TIME: str | None = "time"  # when it was committed, in UTC
LABEL: str | None = "commit"  # the start of its hash; the model never sees it
# Column: type. Collected, but never shown to the model: which commit of its repository it is would
# only tell how far back it lies.
ASIDE: dict[str, str] = {"number": "int64"}

KINDS = ("code", "tests", "docs", "config", "other")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

Files = Annotated[int, Field(ge=0, le=10_000)]
Lines = Annotated[int, Field(ge=0, le=1_000_000)]
Days = Annotated[float, Field(ge=0, le=40_000)]
Past = Annotated[float, Field(ge=0, le=1_000_000)]  # a mean of the files that were there before


class Row(BaseModel):
    """One commit, as the service accepts it. Unknown fields are refused."""

    # No `examples` here: BentoML 1.4 can't put them into its OpenAPI document and fails to build.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    # What it changes.
    mostly: Annotated[
        Literal["code", "tests", "docs", "config", "other"],
        Field(description="the kind that most of its files are of"),
    ]
    files: Annotated[int, Field(ge=1, le=10_000)]
    code_files: Files
    test_files: Files
    docs_files: Files
    config_files: Files
    new_files: Annotated[Files, Field(description="never changed before under any name")]
    renamed_files: Files
    binary_files: Files
    directories: Annotated[int, Field(ge=1, le=10_000)]
    added: Annotated[Lines, Field(description="lines")]
    deleted: Annotated[Lines, Field(description="lines")]
    # When.
    hour: Annotated[int, Field(ge=0, le=23, description="UTC")]
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    days_since_commit: Annotated[Days, Field(description="since the last commit to the repository")]
    # What is known of the past, and only of the past.
    days_since_change: Annotated[
        Days | None, Field(description="since any of its files was changed; none if all are new")
    ]
    changes_before: Annotated[Past | None, Field(description="commits that changed a file, mean")]
    fixes_before: Annotated[Past | None, Field(description="fixes that changed a file, mean")]
    recent_fixes: Annotated[int, Field(ge=0, le=20, description="among the last 20 commits")]
    author_commits: Annotated[
        int, Field(ge=0, le=1_000_000, description="by the same person before")
    ]


CATEGORIES: dict[str, tuple[str, ...]] = {"mostly": KINDS, "weekday": DAYS}
NUMBERS: tuple[str, ...] = tuple(name for name in Row.model_fields if name not in CATEGORIES)
SLICES: tuple[str, ...] = ("mostly", "repository")

# An unusual row that is still allowed. A model that answers it oddly should be noticed.
EXTREME = Row(
    mostly="other",
    files=10_000,
    code_files=0,
    test_files=0,
    docs_files=0,
    config_files=0,
    new_files=10_000,
    renamed_files=10_000,
    binary_files=10_000,
    directories=10_000,
    added=1_000_000,
    deleted=1_000_000,
    hour=23,
    weekday="sunday",
    days_since_commit=40_000.0,
    days_since_change=None,
    changes_before=None,
    fixes_before=None,
    recent_fixes=20,
    author_commits=1_000_000,
)
