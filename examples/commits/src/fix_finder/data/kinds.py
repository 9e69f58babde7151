"""What kind of file it is, judged by its path alone: code, tests, docs, config or other."""

import re
from pathlib import PurePosixPath

TEST_FOLDERS = {"test", "tests", "testing", "spec", "specs", "__tests__"}
DOCS_FOLDERS = {"doc", "docs", "documentation", "man"}

TESTS = re.compile(r"^test_|^conftest\.py$|[_.-](test|tests|spec)\.[a-z]+$|Tests?\.[a-z]+$")
CONFIG = re.compile(
    r"^(makefile|dockerfile|jenkinsfile|requirements.*\.txt|\..*)$|\.(cfg|cmake|conf|gradle|in|ini"
    r"|json|lock|mod|nix|properties|sum|toml|xml|ya?ml)$",
    re.IGNORECASE,
)
DOCS = re.compile(
    r"^(readme|changelog|changes|news|authors|contributing|licen[cs]e)\b"
    r"|\.(adoc|mdx?|pot?|rst|tex|txt)$",
    re.IGNORECASE,
)
CODE = re.compile(
    r"\.(asm|bash|cc?|clj|cpp|css?|cu|cxx|dart|el|erl|exs?|f90|go|h|hpp|hs|html|ipynb|java|jinja|jl"
    r"|jsx?|kt|lua|m|ml|mm|php|pl|proto|ps1|pyi?|pyx|r|rb|rs|s|scala|scss|sh|sql|svelte|swift|tcl"
    r"|tf|tmpl|tsx?|v|vue|zig)$",
    re.IGNORECASE,
)


def kind_of(path: str) -> str:
    """The kind of the file at `path`, whose folders are separated by / as in git.

    Tests come first: a test is code too, but it tells something else that a commit brings one.
    """
    *folders, name = PurePosixPath(path.lower()).parts
    if TEST_FOLDERS.intersection(folders) or TESTS.search(PurePosixPath(path).name):
        return "tests"
    if CONFIG.search(name):
        return "config"
    if DOCS_FOLDERS.intersection(folders) or DOCS.search(name):
        return "docs"
    return "code" if CODE.search(name) else "other"
