"""What params.toml may say about collecting and cleaning commits."""

from typing import Annotated

from pydantic import Field

from ..section import Section

Word = Annotated[str, Field(pattern=r"^[a-z]+$")]  # compared in lower case, as whole words


class Collect(Section):
    # Folders, seen from the project's root, or addresses that `git clone` understands.
    # None: a made-up history, so that everything works before you name one.
    repositories: tuple[str, ...]
    fix_words: Annotated[tuple[Word, ...], Field(min_length=1)]
    minimum_commits: Annotated[int, Field(ge=1)]
    time_limit_seconds: Annotated[int, Field(ge=1)]  # for one run of git


class Clean(Section):
    first_commits: Annotated[int, Field(ge=0)]
    max_files: Annotated[int, Field(ge=1, le=10_000)]
    max_lines: Annotated[int, Field(ge=1, le=1_000_000)]
