"""`mldeploy check`: a good project passes; broken in one place, exactly that item fails."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mldeploy.check.all_items import items
from mldeploy.check.folder import Folder, folder_of
from mldeploy.check.items import GROUPS, Result, examine, score
from mldeploy.check.secret import secrets_in
from mldeploy.errors import ConfigError
from mldeploy.programs import uv
from tests.conftest import SETTINGS

RUN = "0123456789abcdef0123456789abcdef"
ABOUT = {
    "name": "a", "version": "3", "run_id": RUN, "git_commit": "c0ffee" * 6, "git_dirty": False,
    "metrics": {"r2": 0.7}, "baseline": {"r2": 0.0},
}  # fmt: skip
PYPROJECT = """\
[project]
name = "a"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = []
[dependency-groups]
model = ["tiny"]
serve = [{ include-group = "model" }]
[tool.uv.sources]
tiny = { path = "vendor/tiny" }
"""
LIBRARY = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "{name}"
version = "1.0"
requires-python = ">=3.11"
dependencies = {needs}
"""
TEST = "def test_it() -> None:\n    assert post({}).status_code == 400\n"
GOOD = {
    ".copier-answers.yml": "_commit: v1.0.0\n_src_path: /somewhere\n",
    ".github/workflows/ci.yml": "on: push\n",
    ".gitignore": "/models/\n/tests/golden.json\n",
    ".env.example": "API_KEY=\n",
    "MODEL_CARD.md": f"# Model card\n\nVersion 3, run `{RUN}`.\n",
    "mldeploy.toml": SETTINGS,
    "params.toml": "[evaluation]\nminimum = 0.5\n[honesty]\nchecks = true\n",
    "pyproject.toml": PYPROJECT,
    "src/a/service.py": "class A: ...\n",
    "notebooks/look.ipynb": json.dumps({"cells": [{"outputs": [], "execution_count": None}]}),
    "tests/data/test_rows.py": TEST,
    "tests/model/test_behaviour.py": TEST,
    "tests/service/test_service.py": TEST,
    "vendor/tiny/pyproject.toml": LIBRARY.format(name="tiny", needs="[]"),
    "models/champion/model.json": json.dumps(ABOUT),
    "models/champion/model.onnx": "weights",
    "tests/golden.json": json.dumps(
        {"run_id": RUN, "requests": [{"path": "/predict", "body": {}, "expect": {}}]}
    ),
}


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, timeout=30)


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def lock(folder: Path) -> None:
    command = [str(uv()), "lock", "--quiet", "--offline"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checked") / "project"
    write(folder, GOOD)
    lock(folder)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Start")
    return folder


@pytest.fixture
def project(good: Path, tmp_path: Path) -> Path:
    return shutil.copytree(good, tmp_path / "project")


def look(folder: Path, only: str | None = None) -> list[Result]:
    return examine(items(only), Folder(folder))


def names(results: list[Result], state: str) -> list[str]:
    return [each.name for each in results if each.state == state]


def test_a_good_project_has_every_point(good: Path) -> None:
    results = look(good)

    assert names(results, "passed") == [item.name for item in items()]
    assert score(results) == (len(items()), len(items()))


def test_every_item_says_why_and_is_in_a_group(good: Path) -> None:
    assert len({item.name for item in items()}) == len(items())
    assert tuple(dict.fromkeys(item.group for item in items())) == GROUPS
    assert all(item.why.endswith(".") for item in items())
    assert [item.group for item in items("tests")] == ["tests"] * 6


def about(**changed: object) -> str:
    return json.dumps(ABOUT | changed)


Break = Callable[[Path], None]


def writes(name: str, text: str) -> Break:
    return lambda folder: write(folder, {name: text})


def tracks(name: str, text: str = "something\n") -> Break:
    def change(folder: Path) -> None:
        write(folder, {name: text})
        git(folder, "add", "--force", name)

    return change


def removes(name: str) -> Break:
    def change(folder: Path) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


def no_commit(folder: Path) -> None:
    removes(".git")(folder)
    git(folder, "init", "-q")
    git(folder, "add", "-A")


def pandas_in_serve(folder: Path) -> None:
    """Not named by the group: it comes by way of a library."""
    write(folder, {
        "vendor/pandas/pyproject.toml": LIBRARY.format(name="pandas", needs="[]"),
        "vendor/tiny/pyproject.toml": LIBRARY.format(name="tiny", needs='["pandas"]')
        + '[tool.uv.sources]\npandas = { path = "../pandas" }\n',
    })  # fmt: skip
    lock(folder)


def no_serve_group(folder: Path) -> None:
    write(folder, {"pyproject.toml": PYPROJECT.replace("serve =", "serving =")})
    lock(folder)


def lock_behind(folder: Path) -> None:
    write(folder, {"pyproject.toml": PYPROJECT.replace("0.1.0", "0.2.0")})


RANDOM_LOOKING = "q7Zr2LxW9vTbN4kYp1Hs"  # made up here, opens nothing


@pytest.mark.parametrize(
    ("spoil", "item", "fix"),
    [
        (removes(".git"), "repository", "git init"),
        (no_commit, "first-commit", "git commit"),
        (tracks("data/raw/rows.csv"), "no-data", "git rm --cached data/raw/rows.csv"),
        (tracks("models/champion/model.json", about()), "no-data", "git rm --cached"),
        (tracks("mlflow.db"), "no-data", "git rm --cached mlflow.db"),
        (tracks("big.txt", "x" * 1_000_001), "no-big-files", "git rm --cached big.txt"),
        (
            writes("notebooks/look.ipynb", '{"cells": [{"outputs": [{"data": 1}]}]}'),
            "clean-notebooks",
            "--clear-output --inplace notebooks/look.ipynb",
        ),
        (tracks(".env", "A=1\n"), "no-env-file", "git rm --cached .env"),
        (tracks("src/a/keys.py", f'API_KEY = "{RANDOM_LOOKING}"\n'), "no-secrets", ".env"),
        (removes("uv.lock"), "lock", "uv lock"),
        (lock_behind, "lock-current", "uv lock"),
        (writes("uv.lock", "[["), "lock-current", "uv lock"),
        (pandas_in_serve, "lean-service", "move tiny"),
        (no_serve_group, "lean-service", "serve ="),
        (removes("tests/data"), "data-tests", "tests/data/"),
        (writes("tests/model/test_behaviour.py", "# later\n"), "model-tests", "tests/model/"),
        (removes("tests/service"), "service-tests", "tests/service/"),
        (
            writes("tests/service/test_service.py", "def test_it() -> None: ...\n"),
            "bad-input-tests",
            "tests/service/test_service.py",
        ),
        (removes("tests/golden.json"), "golden", "make train"),
        (
            writes("tests/golden.json", GOOD["tests/golden.json"].replace(RUN, "f" * 32)),
            "golden",
            "make promote",
        ),
        (removes(".github"), "ci", "--set ci=github"),
        (
            writes("params.toml", GOOD["params.toml"].replace("true", "false")),
            "leak-checks",
            "checks = true",
        ),
        (writes("params.toml", "[evaluation]\nminimum = 0.5\n"), "leak-checks", "mldeploy update"),
        (writes("params.toml", "[honesty]\nchecks = true\n"), "minimum", "params.toml"),
        (writes("models/champion/model.json", about(baseline={})), "baseline", "make train"),
        (removes("MODEL_CARD.md"), "model-card", "make promote"),
        (writes("MODEL_CARD.md", f"Version 2, run `{RUN}`\n"), "model-card", "make promote"),
        (writes("MODEL_CARD.md", "Version 3, run `ffff`\n"), "model-card", "make promote"),
        (writes("models/champion/model.json", about(git_dirty=True)), "committed-code", "commit"),
        (writes("models/champion/model.joblib", ""), "no-pickle", "skops or ONNX"),
        (removes("models/champion"), "champion", "make train"),
        (removes("mldeploy.toml"), "mldeploy-toml", "git restore mldeploy.toml"),
        (writes("mldeploy.toml", SETTINGS + "typo = 1\n"), "mldeploy-toml", "mldeploy doctor"),
        (removes(".copier-answers.yml"), "template", "git restore .copier-answers.yml"),
        (writes(".copier-answers.yml", "a: 1\n"), "template", "git log -p"),
    ],
)
def test_broken_in_one_place_exactly_that_item_fails(
    project: Path, spoil: Break, item: str, fix: str
) -> None:
    spoil(project)

    results = look(project)

    assert names(results, "failed") == [item]
    [found] = [each for each in results if each.name == item]
    assert fix in found.fix
    assert found.message


def test_uncommitted_work_is_a_note_and_costs_nothing(project: Path) -> None:
    write(project, {"notes.txt": "mine\n"})

    results = look(project)

    assert names(results, "note") == ["all-committed"]
    assert score(results) == (len(items()) - 1, len(items()) - 1)


@pytest.mark.parametrize("broken", ["params.toml", "models/champion/model.json"])
def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_looked_at(
    project: Path, broken: str
) -> None:
    write(project, {broken: "{["})

    results = look(project)

    failures = [each for each in results if each.state == "failed"]
    assert failures
    assert all(broken in each.message for each in failures)
    assert len(results) == len(items())


def test_a_project_that_is_not_ours_is_judged_by_what_applies_to_it(tmp_path: Path) -> None:
    write(tmp_path, {
        "analysis.py": "print(1)\n", "tests/test_analysis.py": TEST, ".gitlab-ci.yml": "a: {}\n",
        "data/README.md": "where they come from\n",
    })  # fmt: skip
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "Start")

    results = look(tmp_path)

    assert names(results, "failed") == []
    assert {"repository", "no-data", "no-secrets", "ci"} <= set(names(results, "passed"))
    absent = {"lock", "champion", "service-tests", "leak-checks", "mldeploy-toml"}
    assert absent <= set(names(results, "not applicable"))
    assert names(results, "note") == ["template"]


def test_the_project_is_found_from_within_and_nowhere_else(project: Path, tmp_path: Path) -> None:
    assert folder_of(project / "src/a").root == project
    with pytest.raises(ConfigError, match="is not in a project"):
        folder_of(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        f"password: '{RANDOM_LOOKING}'",
        f'  "api_key": "{RANDOM_LOOKING}",',
        f"export SERVICE_TOKEN={RANDOM_LOOKING}",
        f'"source": ["token = \\"{RANDOM_LOOKING}\\""]',
        f"aws_secret_access_key = '{RANDOM_LOOKING}/{RANDOM_LOOKING[:19]}'",
        "AKIA" + "Q7Z2LXW9VTBN4KYP",
        "ghp_" + "q7Zr2LxW9vTbN4kYp1Hs" * 2,
        "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEAq7Zr2LxW9vTbN4kYp1Hsq7Zr2LxW",
        '{"private_key": "-----BEGIN PRIVATE KEY-----\\nMIIEowIBAAKCAQEAq7Zr2LxW9vTbN4kYp1Hsq7Zr2"',
    ],
)
def test_what_looks_like_a_key_is_found(line: str) -> None:
    assert [number for number, _ in secrets_in(f"first\n{line}\n")] == [2]


@pytest.mark.parametrize(
    "line",
    [
        'token = "replace-me-with-your-token-1"',
        "password = os.environ['DATABASE_PASSWORD_2']",
        'API_KEY = "${API_KEY_FROM_THE_VAULT_1}"',
        "next_token = response.next_page_token_value",
        "API_KEY=",
        'token_url = "https://example.org/oauth2/token"',
        "AKIAIOSFODNN7EXAMPLE",
        "begins with -----BEGIN PRIVATE KEY----- and then base64",
        f'sha256 = "{"0123456789abcdef" * 4}"',
        'password = "aaaaaaaaaaaaaaaa1111"',
        'tokens = "one two three 4 five six seven"',
    ],
)
def test_what_only_reads_like_one_is_not(line: str) -> None:
    assert list(secrets_in(line)) == []


@pytest.mark.slow
def test_a_large_tree_is_looked_at_in_bounded_time(project: Path) -> None:
    """Files as large as are searched, full of almost-matches: more than is searched at all."""
    write(
        project, {f"src/a/{n}.txt": "token = secret password api_key=" * 30_000 for n in range(25)}
    )
    git(project, "add", "-A")
    began = time.monotonic()

    results = look(project, "secrets")

    assert time.monotonic() - began < 20
    assert names(results, "note") == ["no-secrets"]
