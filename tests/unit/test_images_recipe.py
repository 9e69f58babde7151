"""The recipe: what the images are called and made of, and what changes which of them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mldeploy.images.ingredients import INSTALLER
from mldeploy.images.recipe import (
    File,
    ImageStep,
    Ingredients,
    base_for,
    quoted,
    single_file,
    steps,
    tag_of,
)
from mldeploy.release import Release
from tests.conftest import CHECKOUT

RELEASE = Release(
    name="v3-abc1234-0f0f0f",
    service="docs.service:Docs",
    model="docs",
    model_version="3",
    run_id="f00d",
    commit="abc1234" + "0" * 33,
    dirty=False,
    digest="0f" * 32,
    environment="e" * 12,
    created_at="2026-11-23T02:36:57+00:00",
    created_by='an "odd" $USER',
    metrics={"roc_auc": 0.75},
)
INGREDIENTS = Ingredients(
    release=RELEASE,
    project="docs",
    target="docker",
    base="python:3.11-slim-bookworm",
    requirements="bentoml==1.4.39 --hash=sha256:00\n",
    installer="uv==1.2.3 --hash=sha256:11\n",
    model=(File("model.onnx", Path("/somewhere/model.onnx"), "ab" * 32),),
    code=(
        File("bento/bento.yaml", Path("/somewhere/bento.yaml")),
        File("server/serve_replica.py", b"serve", "cd" * 32),
    ),
)


def tags(of: Ingredients) -> list[str]:
    return [step.tag for step in steps(of)]


def changed(of: Ingredients) -> list[str]:
    """Which images are others than those of the ingredients above."""
    pairs = zip(steps(INGREDIENTS), steps(of), strict=True)
    return [new.role for old, new in pairs if (old.tag, old.key) != (new.tag, new.key)]


def test_the_same_ingredients_are_the_same_images() -> None:
    assert steps(INGREDIENTS) == steps(replace(INGREDIENTS))


def test_each_image_stands_on_the_one_before() -> None:
    dependencies, model, image = steps(INGREDIENTS)

    assert dependencies.parent == "python:3.11-slim-bookworm"
    assert model.parent == dependencies.tag
    assert image.parent == model.tag
    assert image.tag == "mldeploy-docs-docker:v3-abc1234-0f0f0f"


def test_new_code_is_a_new_image_on_the_same_model() -> None:
    other = replace(RELEASE, name="v3-def5678-a0a0a0", digest="a0" * 32)

    assert changed(replace(INGREDIENTS, release=other)) == ["image"]


def test_a_new_model_leaves_the_dependencies() -> None:
    model = (File("model.onnx", Path("/somewhere/model.onnx"), "ff" * 32),)

    assert changed(replace(INGREDIENTS, model=model)) == ["model", "image"]


@pytest.mark.parametrize(
    "change",
    [
        {"requirements": "bentoml==1.4.40 --hash=sha256:22\n"},
        {"base": "python:3.12-slim-bookworm"},
        {"installer": "uv==1.2.4 --hash=sha256:33\n"},
    ],
)
def test_a_new_lock_base_or_installer_changes_all(change: dict[str, str]) -> None:
    assert changed(replace(INGREDIENTS, **change)) == [  # type: ignore[arg-type]  # all are texts
        "dependencies",
        "model",
        "image",
    ]


def test_our_own_scripts_are_part_of_the_image() -> None:
    code = (INGREDIENTS.code[0], File("server/serve_replica.py", b"serve!", "ef" * 32))

    assert changed(replace(INGREDIENTS, code=code)) == ["image"]


def test_when_and_by_whom_a_release_was_made_does_not_make_another_image() -> None:
    """Two laptops that build one release find each other's image."""
    elsewhere = replace(RELEASE, created_at="2027-01-01T00:00:00+00:00", created_by="you")

    assert changed(replace(INGREDIENTS, release=elsewhere)) == []


def test_two_projects_with_one_lock_share_their_dependencies() -> None:
    assert tags(replace(INGREDIENTS, project="other"))[0] == tags(INGREDIENTS)[0]


def test_labels_say_what_it_is_in_one_line_each() -> None:
    image = steps(replace(INGREDIENTS, owner={"mldeploy.host": "h"}))[2]

    for label in (
        'org.opencontainers.image.title="docs"',
        'org.opencontainers.image.version="v3-abc1234-0f0f0f"',
        f'org.opencontainers.image.revision="{RELEASE.commit}"',
        'org.opencontainers.image.created="2026-11-23T02:36:57+00:00"',
        'mldeploy.project="docs"',
        'mldeploy.target="docker"',
        'mldeploy.role="image"',
        'mldeploy.release="v3-abc1234-0f0f0f"',
        'mldeploy.model_version="3"',
        'mldeploy.run_id="f00d"',
        f'mldeploy.commit="{RELEASE.commit}"',
        f'mldeploy.recipe="{image.key}"',
        'mldeploy.host="h"',
    ):
        assert label in image.dockerfile
    assert r"\"created_by\": \"an \\\"odd\\\" \$USER\"" in image.dockerfile


def instructions(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line and line[0] not in " #"]
    return [line.split()[0] for line in lines]


def test_what_installs_leaves_in_the_same_layer_and_nothing_runs_as_root() -> None:
    dependencies = steps(INGREDIENTS)[0]

    assert dependencies.before == ""
    assert "&& rm -rf /build" in dependencies.body
    assert instructions(dependencies.body)[-2:] == ["RUN", "USER"]
    assert "USER 10001:10001" in dependencies.body


def test_a_private_index_is_known_to_no_stage_that_is_kept() -> None:
    """What an argument holds stands in the history of the stage that declares it."""
    plain, apart = steps(INGREDIENTS)[0], steps(replace(INGREDIENTS, private_index=True))[0]

    assert (apart.tag, apart.files) == (plain.tag, plain.files)  # it is the same image
    assert "ARG UV_INDEX" in apart.before
    assert {"ARG", "RUN"} & set(instructions(apart.body)) == set()
    assert "ARG" not in instructions(plain.body)


def test_what_copies_or_installs_comes_last() -> None:
    """A build that is ended early leaves no large layer that the next does not take up."""
    for step in steps(INGREDIENTS):
        done = instructions(step.body)
        assert set(done[done.index("COPY") :]) <= {"COPY", "RUN", "USER"}


@pytest.mark.parametrize(
    ("python", "wanted", "base"),
    [
        ("3.11.7", None, "python:3.11-slim-bookworm"),
        ("3.14.0rc1", None, "python:3.14-slim-bookworm"),
        ("3.11.7", "registry.example.org/ours:1", "registry.example.org/ours:1"),
    ],
)
def test_the_base_is_the_projects_python(python: str, wanted: str | None, base: str) -> None:
    assert base_for(python, wanted) == base


def test_one_dockerfile_chains_the_same_images() -> None:
    of = replace(INGREDIENTS, private_index=True)
    text = single_file(steps(of))

    assert re.findall(r"^FROM .*", text, re.MULTILINE) == [
        "FROM python:3.11-slim-bookworm AS builder",
        "FROM python:3.11-slim-bookworm AS dependencies",
        "FROM dependencies AS model",
        "FROM model",
    ]
    for step in steps(of):
        assert step.body in text


# The rule of a name of an image: https://pkg.go.dev/github.com/distribution/reference
REFERENCE = re.compile(
    r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII
)
NAMES = st.from_regex(r"\A[a-z0-9][a-z0-9._-]{0,62}\Z", alphabet=st.characters(codec="ascii"))


@given(NAMES, NAMES)
def test_every_name_that_mldeploy_toml_allows_is_one_for_docker(project: str, target: str) -> None:
    assert REFERENCE.fullmatch(tag_of(project, target, RELEASE.name))


def test_names_that_docker_does_not_allow_stay_apart() -> None:
    names = ["a..b", "a.-b", "a-b", "a___b", "a.b"]

    assert len({tag_of(name, "docker", "v1") for name in names}) == len(names)
    assert tag_of("my.project", "a-target", "v1") == "mldeploy-my.project-a-target:v1"


@given(st.text())
def test_a_label_is_one_word_whatever_it_holds(value: str) -> None:
    word = quoted(value)

    assert re.fullmatch(r'"([^"\\$]|\\["\\$])*"', word)
    assert "\n" not in word


def test_the_installer_is_the_one_that_our_own_requirements_pin() -> None:
    """After `make pins`: cp requirements/uv.txt src/mldeploy/images/uv.txt."""
    assert INSTALLER.read_text() == (CHECKOUT / "requirements" / "uv.txt").read_text()


def test_every_step_says_why() -> None:
    for step in steps(INGREDIENTS):
        assert isinstance(step, ImageStep)
        assert len(step.why) > 30
