"""What the template makes of answers, without installing anything."""

from __future__ import annotations

import ast
import itertools
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

# Every file that is rendered, by what it depends on. @ stands for the folder src/PACKAGE.
FILES: dict[str, str] = {
    "always": """
        .copier-answers.yml .env.example .gitattributes .gitignore .pre-commit-config.yaml
        @/__init__.py @/__main__.py @/cli.py @/commands/__init__.py @/commands/data.py
        @/commands/drift.py @/commands/model.py @/commands/serving.py @/config.py
        @/data/__init__.py @/data/clean.py @/data/collect.py @/data/report.py
        @/data/schema.py @/data/split.py @/errors.py @/evaluation/__init__.py
        @/evaluation/card.py @/evaluation/document.py @/evaluation/honesty.py
        @/evaluation/importance.py @/evaluation/intervals.py @/evaluation/judge.py
        @/evaluation/leaks.py @/evaluation/picture.py @/evaluation/resample.py
        @/evaluation/slices.py @/evaluation/trial.py @/files.py @/model/__init__.py
        @/model/features.py @/model/forecast.py @/model/onnx.py @/model/persist.py
        @/model/predict.py @/monitoring/__init__.py @/monitoring/drift.py
        @/monitoring/log.py @/monitoring/picture.py @/monitoring/reference.py @/page.html
        @/page.py @/page_answer.js @/page_ask.js @/page_card.js @/page_form.js @/paths.py
        @/progress.py @/refusals.py @/registry/__init__.py @/registry/abandoned.py
        @/registry/agreement.py @/registry/export.py @/registry/promote.py
        @/registry/register.py @/registry/tracking.py @/registry/versions.py
        @/registry/why.py @/section.py @/service.py @/train.py LICENSE Makefile README.md
        mldeploy.toml params.toml pyproject.toml tests/__init__.py tests/code/__init__.py
        tests/code/test_cli.py tests/code/test_config.py tests/conftest.py
        tests/data/__init__.py tests/data/test_clean.py tests/data/test_collect.py
        tests/data/test_schema.py tests/data/test_split.py tests/evaluation/__init__.py
        tests/evaluation/test_honesty.py tests/evaluation/test_intervals.py
        tests/evaluation/test_judge.py tests/evaluation/test_optimism.py
        tests/evaluation/test_plots.py
        tests/evaluation/test_resample.py tests/evaluation/test_slices.py
        tests/evaluation/test_trial.py tests/model/__init__.py tests/model/test_answers.py
        tests/model/test_features.py tests/model/test_persist.py tests/model/test_train.py
        tests/monitoring/__init__.py tests/monitoring/test_drift.py
        tests/monitoring/test_drift_command.py tests/monitoring/test_log.py
        tests/registry/__init__.py tests/registry/test_abandoned.py tests/registry/test_card.py
        tests/registry/test_origin.py tests/registry/test_promote.py tests/registry/test_why.py
        tests/service/__init__.py tests/service/conftest.py tests/service/test_log.py
        tests/service/test_page.py tests/service/test_refusals.py tests/service/test_service.py
    """,
    "functions": """
        @/data/rows.py @/data/rules.py @/data/settings.py @/data/source.py @/data/syntax.py
        tests/data/test_rules.py tests/data/test_source.py tests/model/test_behaviour.py
    """,
    "commits": """
        @/data/example.py @/data/git.py @/data/history.py @/data/kinds.py @/data/log.py
        @/data/repositories.py @/data/rows.py @/data/rules.py @/data/settings.py
        @/data/simulation.py @/data/source.py tests/data/repository.py
        tests/data/test_history.py tests/data/test_kinds.py tests/data/test_log.py
        tests/data/test_rules.py tests/data/test_source.py tests/model/test_behaviour.py
    """,
    "sensors": """
        @/commands/loop.py @/data/days.py @/data/faults.py @/data/room.py @/data/rows.py
        @/data/rules.py @/data/settings.py @/data/source.py @/monitoring/rehearsal.py
        @/monitoring/server.py tests/data/test_rules.py tests/data/test_source.py
        tests/model/test_behaviour.py
    """,
    "csv": """
        @/commands/inspect.py @/data/decoding.py @/data/example.py @/data/fetching.py
        @/data/formats.py @/data/reading.py @/data/rules.py @/data/settings.py
        @/data/source.py @/data/values.py @/evaluation/future.py @/inspection/__init__.py
        @/inspection/answers.py @/inspection/fields.py @/inspection/inspecting.py
        @/inspection/literals.py @/inspection/looking.py @/inspection/naming.py
        @/inspection/params_file.py @/inspection/proposing.py @/inspection/settling.py
        @/inspection/telling.py @/inspection/writing.py data/source/.gitignore
        tests/data/test_decoding.py tests/data/test_reading.py tests/data/test_rules.py
        tests/data/test_source.py tests/data/test_values.py tests/inspection/__init__.py
        tests/inspection/test_command.py tests/inspection/test_inspecting.py
        tests/inspection/test_looking.py tests/inspection/test_writing.py tests/made_up.py
        tests/model/test_behaviour.py
    """,
    "csv-binary": """
        @/data/rows.py
    """,
    "csv-classes": """
        @/data/rows.py
    """,
    "csv-regression": """
        @/data/rows.py
    """,
    "binary": """
        @/evaluation/calibration.py @/evaluation/details.py @/evaluation/metrics.py
        @/evaluation/plots.py @/model/answers.py tests/evaluation/forecasts.py
        tests/evaluation/test_calibration.py tests/evaluation/test_details.py
        tests/evaluation/test_metrics.py
    """,
    "classes": """
        @/evaluation/calibration.py @/evaluation/details.py @/evaluation/metrics.py
        @/evaluation/plots.py @/model/answers.py tests/evaluation/forecasts.py
        tests/evaluation/test_calibration.py tests/evaluation/test_details.py
        tests/evaluation/test_metrics.py
    """,
    "regression": """
        @/evaluation/details.py @/evaluation/metrics.py @/evaluation/plots.py
        @/model/answers.py tests/evaluation/forecasts.py tests/evaluation/test_details.py
        tests/evaluation/test_metrics.py
    """,
    "sklearn": """
        @/model/convert.py @/model/fit.py @/model/skops_file.py @/registry/flavour.py
        tests/model/test_onnx.py tests/model/test_skops_file.py
    """,
    "torch": """
        @/model/convert.py @/model/fit.py @/model/weights.py @/registry/flavour.py
        requirements-unlocked.txt tests/model/test_network.py
    """,
    "s3": """
        @/registry/bucket.py tests/registry/test_bucket.py
    """,
    "ci-github": """
        .github/workflows/ci.yml
    """,
    "ci-gitlab": """
        .gitlab-ci.yml
    """,
}


def questions() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    return read


ASKED = ("kind", "framework", "ci", "licence", "python_version", "artifacts")

# Every answer once, and every pair of answers to two questions at least once.
COMBINATIONS = [
    dict(zip(ASKED, case.split(), strict=True))
    for case in (
        "functions sklearn github Apache-2.0 3.11 local",
        "functions torch gitlab MIT 3.12 local",
        "functions sklearn none proprietary 3.13 s3",
        "functions torch github MIT 3.14 local",
        "commits torch none Apache-2.0 3.14 s3",
        "commits sklearn gitlab proprietary 3.11 s3",
        "commits torch github MIT 3.13 local",
        "commits sklearn none Apache-2.0 3.12 s3",
        "sensors sklearn github proprietary 3.12 local",
        "sensors torch none MIT 3.11 local",
        "sensors sklearn gitlab Apache-2.0 3.14 local",
        "sensors torch github proprietary 3.13 s3",
        "csv-binary torch gitlab Apache-2.0 3.13 s3",
        "csv-binary sklearn none MIT 3.14 s3",
        "csv-binary torch github proprietary 3.11 local",
        "csv-binary sklearn github MIT 3.12 local",
        "csv-classes sklearn gitlab MIT 3.13 local",
        "csv-classes torch none proprietary 3.12 local",
        "csv-classes sklearn github Apache-2.0 3.11 s3",
        "csv-classes torch gitlab proprietary 3.14 local",
        "csv-regression torch github Apache-2.0 3.12 s3",
        "csv-regression sklearn none proprietary 3.14 s3",
        "csv-regression torch gitlab MIT 3.11 s3",
        "csv-regression sklearn github Apache-2.0 3.13 local",
    )
]


def answers_of(combination: dict[str, str]) -> dict[str, str]:
    source, _, task = combination["kind"].partition("-")
    rest = {name: value for name, value in combination.items() if name != "kind"}
    return rest | {"data_source": source} | ({"task": task} if task else {})


def task_of(combination: dict[str, str]) -> str:
    task = {"functions": "binary", "commits": "binary", "sensors": "regression"}
    return task.get(combination["kind"]) or combination["kind"].partition("-")[2]


def test_the_combinations_hold_every_pair_of_answers() -> None:
    for one, other in itertools.combinations(COMBINATIONS[0], 2):
        pairs = {(case[one], case[other]) for case in COMBINATIONS}
        sizes = [len({case[name] for case in COMBINATIONS}) for name in (one, other)]
        assert len(pairs) == sizes[0] * sizes[1], (one, other)
    asked = {name: set(map(str, _values(questions()[name]))) for name in ("ci", "licence",
             "framework", "python_version", "data_source", "artifacts")}  # fmt: skip
    for name, values in asked.items():
        assert {answers_of(case)[name] for case in COMBINATIONS} == values, name


def _values(question: dict[str, Any]) -> list[Any]:
    choices = question["choices"]
    return list(choices.values()) if isinstance(choices, dict) else choices


@pytest.mark.parametrize(
    "combination",
    [
        # A few are enough to see soon that something broke; all of them take half a minute.
        pytest.param(case, id="-".join(case.values()), marks=[pytest.mark.slow] * (number % 12 > 0))
        for number, case in enumerate(COMBINATIONS)
    ],
)
def test_any_combination_is_rendered_exactly_and_passes_the_linter(
    render: Render, combination: dict[str, str]
) -> None:
    project = render(**answers_of(combination))
    [package] = [path.name for path in (project / "src").iterdir()]
    source, task = answers_of(combination)["data_source"], task_of(combination)
    groups = ["always", source, task, f"{source}-{task}", combination["framework"]]
    groups += [f"{source}-{combination['framework']}", f"ci-{combination['ci']}"]
    groups += [combination["artifacts"]]
    expected = {name for group in groups for name in FILES.get(group, "").split()}
    found = {name.replace(f"src/{package}/", "@/") for name in files_of(project)}
    assert found == expected
    for name in files_of(project):
        check_text(project, name)
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["format", "--check", "."], ["check", "."]):
        done = subprocess.run(
            [*ruff, *command, "--no-cache"], cwd=project, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout
    sizes = {name: len((project / name).read_text().splitlines()) for name in files_of(project)}
    assert not {name: size for name, size in sizes.items() if size >= 150 and name != "LICENSE"}


def check_text(project: Path, name: str) -> None:
    """It can be parsed, nothing of the template is left in it, and it ends as a file should."""
    text = (project / name).read_text(encoding="utf-8")
    if name.endswith(".py"):
        ast.parse(text, name)
    elif name.endswith(".toml"):
        tomllib.loads(text)
    elif name.endswith((".yml", ".yaml")):
        yaml.safe_load(text)
    if ".github/" not in name and not name.endswith((".js", ".html")):
        assert not re.search(r"\{\{[ -]|\{%[ -]|[ -]%\}", text), (
            f"left over from the template: {name}"
        )
    assert text.endswith("\n") or not text, name
    assert not text.endswith("\n\n"), name


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
@pytest.mark.slow
def test_whatever_is_rendered_can_be_parsed(render: Render, answers: dict[str, str]) -> None:
    project = render(**answers)
    for name in files_of(project):
        check_text(project, name)


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
@pytest.mark.slow
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
        "targets": {
            "local": {"kind": "process", "port": 3000},
            "docker": {"kind": "docker", "port": 8080, "replicas": 2},
        },
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
@pytest.mark.slow
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
@pytest.mark.slow
def test_the_licence_is_the_one_that_was_chosen(
    render: Render, licence: str, starts: str, metadata: str
) -> None:
    project = render(licence=licence, author="Ann")
    assert (project / "LICENSE").read_text(encoding="utf-8").lstrip().startswith(starts)
    described = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    assert described["project"]["license"] == metadata


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.slow
def test_the_oldest_python_is_the_same_everywhere(render: Render, version: str) -> None:
    project = render(python_version=version)
    described = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    assert described["project"]["requires-python"] == f">={version}"
    # Ruff writes `except A, B:` for 3.14; the same code is to pass for every answer.
    formatted_for = min(version, "3.13")
    assert described["tool"]["ruff"]["target-version"] == "py" + formatted_for.replace(".", "")
    assert described["tool"]["mypy"]["python_version"] == version
    workflow = yaml.safe_load((project / ".github/workflows/ci.yml").read_text())
    assert workflow["jobs"]["checks"]["strategy"]["matrix"]["python"][0] == version
    assert not (project / ".python-version").exists()


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


@pytest.mark.slow
def test_rendering_twice_gives_the_same_files(render: Render) -> None:
    first, second = render(anew=True, **AWKWARD), render(anew=True, **AWKWARD)
    assert all(
        (first / name).read_bytes() == (second / name).read_bytes() for name in files_of(first)
    )


@pytest.mark.slow
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


@pytest.mark.slow
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
