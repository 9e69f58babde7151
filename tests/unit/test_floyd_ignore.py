"""A .floydignore: what FloydHub's own command sent by it, and the same by git's rules."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mldeploy.floyd import ignore
from mldeploy.ignored import ignores

DEFAULT = """
# Directories and files to ignore when uploading code to floyd

.git
.eggs
eggs
lib
lib64
parts
sdist
var
*.pyc
*.swp
.DS_Store
"""
PARTS = st.sampled_from(["a", "b", "ab", "a.b", ".a", "#a", "!a", "^", "[a", "a]", "A"])
SETS = ["[ab]", "[!a]", "[^a]", "[a-b]", "[]a]", "[^]", "[", "]"]
SIGNS = st.sampled_from(["a", "b", ".", "*", "**", "?", "#", "!", *SETS])
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
PATTERN = st.lists(
    st.lists(SIGNS, min_size=1, max_size=3).map("".join), min_size=1, max_size=3
).map("/".join)
LINES = st.lists(
    st.builds(
        "{}{}{}{}".format, st.sampled_from(["", "!", "\\"]), st.sampled_from(["", "/", "./"]),
        PATTERN, st.sampled_from(["", "/"]),
    ),
    max_size=5,
)  # fmt: skip


def sent(text: str, *names: str) -> set[str]:
    return ignore.sent(names, ignore.read(text))


def as_sent_by_git(text: str, *names: str) -> set[str]:
    is_out = ignores(ignore.as_gitignore(ignore.read(text)))
    return {name for name in names if not is_out(name)}


def test_the_list_that_init_wrote_leaves_out_the_same_by_gits_rules() -> None:
    names = ["train.py", ".git/config", "lib/x.py", "src/lib/y.py", "a.pyc", "a/b.pyc", "var"]

    assert sent(DEFAULT, *names) == {"train.py"}
    assert as_sent_by_git(DEFAULT, *names) == {"train.py"}


@pytest.mark.parametrize(
    ("text", "names", "taken"),
    [
        ("*.py\n!keep.py", ["a.py", "x/keep.py"], ["x/keep.py"]),
        ("!keep.py\n*.py", ["a.py", "x/keep.py"], ["x/keep.py"]),  # the order says nothing
        ("*\n!*.md", ["a.md", "x/a.md"], ["a.md"]),  # not below a folder that is out
        ("data\n!data", ["data/a"], ["data/a"]),
        ("*\n!data", ["data/a", "data/b/c"], []),
        ("x/data", ["x/data/a", "y/x/data", "data"], ["data"]),  # counted from the right
        ("/data", ["data/a", "x/data/a"], []),  # the slash that git would heed
        ("data/", ["data"], []),  # of a file too
        ("a/**", ["a/x", "a/x/y", "b"], ["b"]),
        ("**/c", ["c", "a/c"], ["c"]),
        ("\\#x\n\\!y", ["#x", "!y", "z"], ["z"]),
        ("#x", ["#x"], ["#x"]),
        ("[^a]", ["^", "a", "b"], ["b"]),
    ],
)
def test_what_a_line_meant_it_means_in_the_translation(
    text: str, names: list[str], taken: list[str]
) -> None:
    assert sent(text, *names) == set(taken)
    assert as_sent_by_git(text, *names) == set(taken)


@pytest.mark.parametrize("line", ["/", "!", "//data", "../data", "!/", "."])
def test_a_line_that_could_match_nothing_is_named(line: str) -> None:
    assert ignore.read(f"{line}\n*.pyc\n") == ignore.Rules(("*.pyc",), (), (line,))


@settings(max_examples=150, deadline=None)
@given(names=st.lists(NAMES, max_size=8), lines=LINES)
def test_any_lines_leave_out_the_same_files_by_gits_rules(
    names: list[str], lines: list[str]
) -> None:
    text = "\n".join(lines)

    assert as_sent_by_git(text, *names) == sent(text, *names)


@settings(max_examples=100, deadline=None)
@given(name=NAMES, pattern=PATTERN.filter(lambda each: "[!" not in each and each.strip("./") != ""))
def test_a_pattern_matches_a_path_as_pathlib_says(name: str, pattern: str) -> None:
    """But for `[!a]`, which Python 3.12 alone takes for a slash, too."""
    rules = ignore.Rules(out=(pattern,))

    assert rules.leaves_out(name) == PurePosixPath(name).match(pattern)


def test_a_tree_is_walked_as_floydhub_walked_it(tmp_path: Path) -> None:
    for name in ("train.py", "lib/a.py", "src/model.py", "src/a.pyc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "linked").symlink_to(tmp_path / "src")

    assert ignore.sent_of(tmp_path, ignore.read(DEFAULT)) == {"train.py", "src/model.py"}
