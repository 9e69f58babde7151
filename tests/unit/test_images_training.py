"""The recipe of a job's images: what they are called and made of, and what changes which."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mldeploy.errors import MldeployError
from mldeploy.images import training
from mldeploy.images.build import arguments
from mldeploy.images.job_recipe import Training, chain
from mldeploy.images.recipe import File
from mldeploy.images.trouble import explain_build
from mldeploy.jobs.code import collect
from mldeploy.jobs.requirements import Package, Requirements
from mldeploy.jobs.spec import Task
from mldeploy.project import find

NEEDS = Requirements(
    locked="numpy==2.3 --hash=sha256:00\n",
    unlocked="torch==2.13.0\n",
    python="3.11",
    torch="cpu",
    package=Package("docs", "0.1", scripts={"docs": "docs.cli:app"}),
    make=True,
)
JOB = Training(
    project="docs",
    base="python:3.11-slim-bookworm",
    own_base=False,
    needs=NEEDS,
    installer="uv==1.2.3 --hash=sha256:11\n",
    digest="ab" * 32,
    code=(File("code/train.py", b"", "cd", executable=True),),
)


def changed(of: Training) -> list[str]:
    """Which images are others than those of the job above."""
    known = {step.tag for step in chain(JOB)}
    return [step.role for step in chain(of) if step.tag not in known]


def texts(of: Training) -> dict[str, str]:
    return {step.role: step.dockerfile for step in chain(of)}


def test_each_image_stands_on_the_one_before() -> None:
    tools, packages, code = chain(JOB)

    assert tools.parent == "python:3.11-slim-bookworm"
    assert (packages.parent, code.parent) == (tools.tag, packages.tag)
    assert code.tag.startswith("mldeploy-job-docs:")


def test_the_same_job_is_the_same_images() -> None:
    assert chain(replace(JOB)) == chain(JOB)


def test_new_code_is_one_new_image() -> None:
    assert changed(replace(JOB, digest="ff" * 32)) == ["code"]


def test_another_project_with_the_same_lock_shares_all_but_the_code() -> None:
    assert changed(replace(JOB, project="other")) == ["code"]


@pytest.mark.parametrize(
    ("needs", "roles"),
    [
        (replace(NEEDS, locked="numpy==2.4 --hash=sha256:00\n"), ["packages", "code"]),
        (replace(NEEDS, unlocked=""), ["packages", "code"]),
        (replace(NEEDS, torch="cu128"), ["packages", "code"]),
        (replace(NEEDS, make=False), ["tools", "packages", "code"]),
        (replace(NEEDS, package=replace(NEEDS.package or Package("", ""), version="2")), ["code"]),
    ],
)
def test_what_is_needed_changes_the_images_from_there_on(
    needs: Requirements, roles: list[str]
) -> None:
    assert changed(replace(JOB, needs=needs)) == roles


def test_another_base_or_uv_changes_all() -> None:
    assert changed(replace(JOB, base="python:3.12-slim-bookworm")) == ["tools", "packages", "code"]
    assert changed(replace(JOB, installer="uv==1.2.4\n")) == ["tools", "packages", "code"]


def test_large_files_are_an_image_that_a_change_of_code_leaves() -> None:
    with_large = replace(JOB, large=(File("code/faces.npy", Path("/x"), "ee"),))
    other = replace(with_large, digest="ff" * 32)

    assert [step.role for step in chain(with_large)] == ["tools", "packages", "files", "code"]
    assert [step.tag for step in chain(with_large)][:3] == [s.tag for s in chain(other)][:3]
    assert changed(replace(other, large=(File("code/faces.npy", Path("/x"), "ff"),))) == [
        "files",
        "code",
    ]


def test_locked_packages_come_with_their_hashes_and_the_others_after_them() -> None:
    lines = texts(JOB)["packages"].splitlines()

    (locked,) = (n for n, line in enumerate(lines) if "/build/locked.txt" in line)
    (unlocked,) = (n for n, line in enumerate(lines) if "/build/unlocked.txt" in line)
    assert (
        "--require-hashes --no-deps" in lines[locked]
        or "--no-deps --require-hashes" in lines[locked]
    )
    assert "--torch-backend cpu" in lines[unlocked]
    assert locked < unlocked


def test_a_base_with_packages_of_its_own_keeps_them() -> None:
    text = texts(replace(JOB, own_base=True))["packages"]

    assert "uv venv --quiet --no-cache --system-site-packages" in text
    assert "uv pip install" not in text


def test_make_is_installed_for_a_makefile_alone() -> None:
    assert "apt-get" in texts(JOB)["tools"]
    assert "apt-get" not in texts(replace(JOB, needs=replace(NEEDS, make=False)))["tools"]


def test_nothing_needed_is_nothing_copied() -> None:
    bare = Requirements(locked="", unlocked="", python="3.11")

    found = texts(replace(JOB, needs=bare))

    assert "COPY" not in found["packages"]
    assert "project/" not in found["code"]


def test_a_private_index_is_known_to_stages_of_which_nothing_is_kept() -> None:
    environment = {"UV_DEFAULT_INDEX": "https://user:secret@example.invalid/simple"}
    private = replace(JOB, private_index=True)

    for one, other in zip(chain(private), chain(JOB), strict=True):
        assert one.tag == other.tag
        assert "secret" not in one.dockerfile
        assert ("ARG UV_DEFAULT_INDEX" in one.before) == bool(arguments(one, environment))
        assert "ARG" not in one.body
    assert [bool(step.before) for step in chain(private)] == [True, True, False]


def test_labels_say_whose_code_it_is() -> None:
    body = chain(JOB)[-1].body

    assert 'LABEL mldeploy.role=job-code mldeploy.project="docs" mldeploy.code=abab' in body


def test_no_image_of_a_job_is_taken_for_one_of_a_release() -> None:
    large = replace(JOB, large=(File("code/faces.npy", Path("/x"), "ee"),))

    assert all("mldeploy.role=job-" in step.body for step in chain(large))


# From a folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "mldeploy.toml").write_text(
        '[project]\nname = "a"\n[targets.docker]\nkind = "docker"\n[jobs.train]\ncommand = "true"\n'
    )
    (root / "train.py").write_text("print('hello')\n")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    return root


def test_a_script_without_a_lock_gets_an_image_too(project: Path) -> None:
    steps = training.steps(find(project), collect(project), Task(command="x", python="3.11"), {})

    assert steps[0].parent == "python:3.11-slim-bookworm"
    assert {file.name: file.executable for file in steps[-1].files} == {
        "code/mldeploy.toml": False,
        "code/run.sh": True,
        "code/train.py": False,
    }


def test_large_files_are_read_when_they_are_sent(project: Path) -> None:
    (project / "faces.npy").write_bytes(b"0" * (training.LARGE + 1))

    steps = training.steps(find(project), collect(project), None, {})

    (large,) = steps[2].files
    assert (large.name, large.source) == ("code/faces.npy", project / "faces.npy")


def test_a_file_that_was_changed_meanwhile_is_told(project: Path) -> None:
    code = collect(project)
    (project / "train.py").write_text("print('other')\n")

    with pytest.raises(MldeployError, match=r"train\.py") as caught:
        training.steps(find(project), code, None, {})

    assert caught.value.code == "code-changed"


def test_the_base_that_a_task_names_is_built_on(project: Path) -> None:
    task = Task(command="x", base="pytorch/pytorch:2.9.0-cuda12.8-cudnn9-runtime")

    tools, packages, *_ = training.steps(find(project), collect(project), task, {})

    assert tools.parent == task.base
    assert "--system-site-packages" in packages.body


# What a build that fails says

APT = """\
Err:1 http://packages.example.org/debian bookworm InRelease
  Temporary failure resolving 'packages.example.org'
W: Failed to fetch http://packages.example.org/debian/dists/bookworm/InRelease
E: Unable to locate package make
"""


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (APT, "no-debian-packages"),
        ("E: Package 'make' has no installation candidate", "no-debian-packages"),
        ("/bin/sh: 1: apt-get: not found", "no-make-in-base"),
        ("error: client error (Connect)", "no-package-index"),
        ("something else", "build-failed"),
    ],
)
def test_a_build_that_fails_says_why_and_to_run_it_again(said: str, code: str) -> None:
    error = explain_build("tools", said, "the last lines")

    assert error.code == code
    assert error.what == "The job's image of its tools could not be built."
    assert "mldeploy up" not in error.do
    assert "{again}" not in error.do
