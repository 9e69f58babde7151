"""Where the rows come from: the commits of git repositories. The question: will it be a fix?

To learn from other data, replace this module (`collect`), rows.py and rules.py.
"""

import re
from collections import Counter
from typing import Any

import pandas as pd

from ..errors import ProjectError
from ..paths import Layout
from . import git, history, log, repositories
from .settings import Collect


def collect(params: Collect, layout: Layout) -> pd.DataFrame:
    """A row for each commit, oldest first, one repository after the other.

    `attrs` of the frame counts the commits that are no rows, by reason.
    """
    limit, fix = params.time_limit_seconds, fix_pattern(params.fix_words)
    places = repositories.locate(params, layout.root, refresh=True)
    made: list[dict[str, Any]] = []
    refused: Counter[str] = Counter()
    for name, folder in places.items():
        for row in history.rows(log.commits(folder, limit), fix):
            if isinstance(row, str):
                refused[row] += 1
            else:
                made.append({"repository": name, **row})
        if merges := git.merges(folder, limit):
            refused["merges"] += merges
    if len(made) < params.minimum_commits:
        shallow = [str(folder) for folder in places.values() if git.is_shallow(folder, limit)]
        raise _too_few(len(made), refused, list(places), shallow, params)
    frame = pd.DataFrame(made)
    frame.attrs = {"repositories": len(places), **dict(sorted(refused.items()))}
    return frame


def origin(params: Collect, layout: Layout) -> dict[str, Any]:
    """What decides, beside the parameters, whether rows of last time are still the same."""
    limit = params.time_limit_seconds
    places = repositories.locate(params, layout.root)
    return {
        "heads": {name: git.head(folder, limit) for name, folder in places.items()},
        "shallow": [name for name, folder in places.items() if git.is_shallow(folder, limit)],
    }


def fix_pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """The rule that gives the answer: the first line of the message holds one of the words.

    It is wrong now and then: "Handle empty files" may be a fix, "fix typo in docs" hardly is one.
    A model that is right all the time would have learned something else.
    """
    return re.compile(rf"\b({'|'.join(words)})\b")


def _too_few(
    usable: int, refused: Counter[str], names: list[str], shallow: list[str], params: Collect
) -> ProjectError:
    reasons = ", ".join(f"{count} {why.replace('_', ' ')}" for why, count in refused.items())
    total = usable + refused.total()
    others = f"; the others are not: {reasons}" if refused.total() else ""
    return ProjectError(
        what=f"Too few commits: {usable} are usable, and at least {params.minimum_commits} needed.",
        why=f"The history of {', '.join(names)} has {total} commits, and {usable} are usable"
        f"{others}. With so few, a score is luck.",
        do=(
            f"Only its newest part was cloned. The rest: git -C '{shallow[0]}' fetch --unshallow"
            if shallow
            else "Name more repositories in collect.repositories (params.toml): they add up. Or"
            " name none, and learn from the made-up history."
        ),
    )
