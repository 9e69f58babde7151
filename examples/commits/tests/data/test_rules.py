import pandas as pd

from fix_finder.data.clean import clean

from ..conftest import Project


def test_each_rule_drops_its_rows_and_no_others(project: Project) -> None:
    good, limits = project.data.train.head(40), project.params.clean
    bad = [
        good.head(1).assign(commit="a", number=limits.first_commits),
        good.head(1).assign(commit="b", files=limits.max_files + 1),
        good.head(1).assign(commit="c", added=limits.max_lines, deleted=1),
        good.head(1).assign(repository="a fork"),
    ]
    cleaned = clean(pd.concat([good, *bad], ignore_index=True), limits)
    dropped = {count.rule: count.dropped for count in cleaned.counts}
    assert dropped == {"too early": 1, "too large": 2, "copied": 1}
    pd.testing.assert_frame_equal(cleaned.frame, good)
