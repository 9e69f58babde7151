"""What the template makes of answers, without installing anything."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import copier
import pytest
import yaml

from .conftest import AWKWARD, ROOT, Render, files_of

PACKAGE = {
    "__init__", "__main__", "clean", "cli", "collect", "config", "errors", "evaluate", "features",
    "files", "paths", "persist", "plots", "predict", "progress", "promote", "register", "rows",
    "schema", "service", "source", "split", "syntax", "tracking", "train",
}  # fmt: skip
TESTS = {
    "code/test_cli", "code/test_config", "code/test_features", "data/test_clean",
    "data/test_collect", "data/test_schema", "data/test_split", "model/test_behaviour",
    "model/test_persist", "model/test_promote", "model/test_train", "service/test_service",
    "conftest", "__init__", "code/__init__", "data/__init__", "model/__init__", "service/__init__",
}  # fmt: skip
ALWAYS = {
    ".copier-answers.yml", ".env.example", ".gitattributes", ".gitignore",
    ".pre-commit-config.yaml", "LICENSE", "Makefile", "README.md", "mldeploy.toml", "params.toml",
    "pyproject.toml",
}  # fmt: skip


def questions() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    return read


@pytest.mark.parametrize(
    ("ci", "its_files"),
    [("github", {".github/workflows/ci.yml"}), ("gitlab", {".gitlab-ci.yml"}), ("none", set())],
)
def test_exactly_these_files_are_rendered(render: Render, ci: str, its_files: set[str]) -> None:
    project = render(ci=ci)
    package = {f"src/function_docs/{name}.py" for name in PACKAGE}
    tests = {f"tests/{name}.py" for name in TESTS}
    assert files_of(project) == ALWAYS | package | tests | its_files


def test_the_template_asks_for_no_trust() -> None:
    asked = {"_tasks", "_migrations", "_jinja_extensions", "_external_data"} & set(questions())
    assert not asked


@pytest.mark.parametrize(
    "answers",
    [
        {},
        AWKWARD,
        {"package_name": "a" * 30, "licence": "MIT", "ci": "gitlab", "python_version": "3.14"},
        {"author": "", "licence": "proprietary", "ci": "none", "python_version": "3.12"},
        {"author": "Ann", "licence": "MIT", "python_version": "3.13"},
    ],
    ids=["defaults", "awkward", "longest", "proprietary", "mit"],
)
def test_whatever_is_rendered_can_be_parsed(render: Render, answers: dict[str, str]) -> None:
    project = render(**answers)
    for name in files_of(project):
        text = (project / name).read_text(encoding="utf-8")
        if name.endswith(".py"):
            ast.parse(text, name)
        elif name.endswith(".toml"):
            tomllib.loads(text)
        elif name.endswith((".yml", ".yaml")):
            yaml.safe_load(text)
        if ".github/" not in name:
            assert not re.search(r"\{\{|\{%|%\}", text), f"left over from the template: {name}"
        assert text.endswith("\n") or not text, name
        assert not text.endswith("\n\n"), name


def test_names_survive_as_they_were_typed(render: Render) -> None:
    project = render(**AWKWARD)
    described = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert described["description"] == AWKWARD["description"]
    assert described["authors"] == [{"name": AWKWARD["author"]}]
    assert (
        (project / "README.md")
        .read_text(encoding="utf-8")
        .startswith(f"# {AWKWARD['project_name']}\n\n{AWKWARD['description']}\n")
    )
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert {key: answers[key] for key in AWKWARD} == AWKWARD


@pytest.mark.parametrize(
    ("project_name", "package"),
    [
        ("Function Docs", "function_docs"),
        ('Zoé\'s "Docs"', "zoes_docs"),
        ("Straßen-Öl", "strassen_ol"),
        ("3D Prints", "project_3d_prints"),
        ("日本語", "my_project"),
        ("A very long name that goes on and on and on", "a_very_long_name_that_goes_on"),
    ],
)
def test_the_package_is_named_after_the_project(
    render: Render, project_name: str, package: str
) -> None:
    project = render(project_name=project_name)
    assert (project / "src" / package / "service.py").is_file()
    described = tomllib.loads((project / "mldeploy.toml").read_text(encoding="utf-8"))
    slug = package.replace("_", "-")
    name = "".join(part.capitalize() for part in package.split("_"))
    assert described == {
        "project": {
            "name": slug,
            "service": f"{package}.service:{name}",
            "model": f"{slug}@champion",
            "golden": "tests/golden.json",
        },
        "targets": {"local": {"kind": "process", "port": 3000}},
    }


@pytest.mark.parametrize(
    "name",
    ["class", "match", "json", "test", "tests", "src", "data", "model", "models", "mlflow",
     "bentoml", "sklearn", "scikit_learn", "skops", "pandas", "numpy", "pandera", "pydantic",
     "pydantic_settings", "typer", "click", "uv", "ruff", "mypy", "pytest", "matplotlib",
     "hypothesis", "mldeploy", "copier", "uvicorn", "starlette", "sqlalchemy", "alembic",
     "Upper", "1st", "with-dash", "with space", "_hidden", "trailing_", "a__b", "é", "a" * 31,
     "a\n", ""],
)  # fmt: skip
def test_a_package_name_that_would_break_is_refused(
    render: Render, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ValueError, match="package_name"):
        render(tmp_path / "project", package_name=name)
    assert not (tmp_path / "project").exists()


def test_every_module_of_python_is_refused_as_a_package_name() -> None:
    validator = questions()["package_name"]["validator"]
    public = {name.lower() for name in sys.stdlib_module_names if not name.startswith("_")}
    assert not {name for name in public if f"'{name}'" not in validator}


@pytest.mark.parametrize(
    "answers",
    [{"project_name": " "}, {"project_name": "123"}, {"project_name": "x" * 61},
     {"project_name": "Tests"}, {"description": "two\nlines"}, {"author": "a\tb"},
     {"ci": "jenkins"}, {"licence": "WTFPL"}, {"python_version": "3.8"},
     {"data_source": "iris"}, {"framework": "keras"}, {"data_source": "csv", "task": "ranking"},
     {"data_source": "functions", "task": "classes"}, {"data_source": "sensors", "task": "binary"}],
    ids=str,
)  # fmt: skip
def test_an_impossible_answer_is_refused(
    render: Render, tmp_path: Path, answers: dict[str, str]
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (Copier words it; what counts is the refusal)
        render(tmp_path / "project", **answers)
    assert not (tmp_path / "project").exists()


@pytest.mark.parametrize(
    ("licence", "starts", "metadata"),
    [
        ("Apache-2.0", "Apache License", "Apache-2.0"),
        ("MIT", "MIT License\n\nCopyright (c) Ann\n", "MIT"),
        ("proprietary", "Copyright (c) Ann. All rights reserved.\n", "LicenseRef-Proprietary"),
    ],
)
def test_the_licence_is_the_one_that_was_chosen(
    render: Render, licence: str, starts: str, metadata: str
) -> None:
    project = render(licence=licence, author="Ann")
    assert (project / "LICENSE").read_text(encoding="utf-8").lstrip().startswith(starts)
    described = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    assert described["project"]["license"] == metadata


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_the_oldest_python_is_the_same_everywhere(render: Render, version: str) -> None:
    project = render(python_version=version)
    described = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    assert described["project"]["requires-python"] == f">={version}"
    assert described["tool"]["ruff"]["target-version"] == "py" + version.replace(".", "")
    assert described["tool"]["mypy"]["python_version"] == version
    workflow = yaml.safe_load((project / ".github/workflows/ci.yml").read_text())
    assert workflow["jobs"]["checks"]["strategy"]["matrix"]["python"][0] == version
    assert not (project / ".python-version").exists()


def test_every_module_can_be_read_in_one_sitting(render: Render) -> None:
    project = render()
    sizes = {path: len(path.read_text().splitlines()) for path in project.glob("src/**/*.py")}
    assert not {path.name: size for path, size in sizes.items() if size >= 150}


def test_the_answers_allow_an_update_and_name_the_version(render: Render, template: Path) -> None:
    answers = yaml.safe_load((render() / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert answers["_commit"] == "v1.0.0"
    assert answers["_src_path"] == str(template)
    asked = {
        name
        for name, question in questions().items()
        if not name.startswith("_") and question.get("when", True) is True
    }
    assert set(answers) == {"_commit", "_src_path", *asked}


def test_rendering_twice_gives_the_same_files(render: Render) -> None:
    first, second = render(**AWKWARD), render(**AWKWARD)
    assert all(
        (first / name).read_bytes() == (second / name).read_bytes() for name in files_of(first)
    )


def test_what_to_type_next_is_printed(template: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "copier", "copy", "--defaults", str(template), "made"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    for line in ("cd made", "git init", "make setup", "git commit", "make train", "mldeploy up"):
        assert line in done.stderr, line


def test_git_ignores_what_the_project_makes(render: Render) -> None:
    project = render()
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    made = ["data/raw/rows.csv", "data/clean/rows.csv", "mlflow.db", "mlflow.db-wal",
            "mlruns/1/a", "models/champion/model.skops", "reports/plots/roc.png",
            "tests/golden.json", ".mldeploy/x", ".venv/x", ".env"]  # fmt: skip
    command = ["git", "check-ignore", *made]
    done = subprocess.run(command, cwd=project, check=False, capture_output=True, text=True)
    assert done.stdout.split() == made
    kept = subprocess.run(["git", "add", "-An"], cwd=project, capture_output=True, check=True)
    assert len(kept.stdout.splitlines()) == len(files_of(project))


def test_an_update_keeps_what_is_the_users_own(
    template: Path, render: Render, tmp_path: Path
) -> None:
    project = render(tmp_path / "project")
    params = project / "params.toml"
    params.write_text(params.read_text().replace("seed = 1", "seed = 7"))
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Mine"]):
        subprocess.run(["git", *command], cwd=project, check=True)
    copier.run_update(project, defaults=True, unsafe=False, quiet=True, overwrite=True)
    assert "seed = 7" in params.read_text()
