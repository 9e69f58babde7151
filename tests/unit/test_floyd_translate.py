"""What FloydHub was asked for, as a task of mldeploy.toml, told line by line."""

from __future__ import annotations

import shlex

import pytest

from mldeploy.cli.jobs import run
from mldeploy.errors import ConfigError
from mldeploy.floyd.asked import MACHINES, Asked, Input, Machine
from mldeploy.floyd.environments import GONE, environment
from mldeploy.floyd.machines import KINDS, SIZES
from mldeploy.floyd.translate import Choices, Line, as_run, translate
from mldeploy.jobs.spec import Task

ALL = Asked(
    machine="gpu2",
    env="pytorch-1.4",
    command="python train.py --lr 0.1",
    description="one more layer",
    max_runtime=5400,
    mode="job",
    input=(Input("foo/datasets/mnist/1", "mnist"), Input("foo/projects/p/3/output", "model")),
)


def task(asked: Asked, choices: Choices | None = None) -> Task:
    made = translate("train", asked, choices or Choices(), "floyd.yml").task
    assert made is not None
    return made


def line_of(asked: Asked, key: str, choices: Choices | None = None) -> Line:
    lines = translate("train", asked, choices or Choices(), "floyd.yml").lines
    return next(line for line in lines if line.key == key)


def test_everything_that_was_asked_for_has_its_place_in_the_task() -> None:
    choices = Choices(places={"foo/datasets/mnist/1": "mnist/1"}, requirements="floyd.txt")

    assert task(ALL, choices) == Task(
        command="python train.py --lr 0.1",
        gpu=True,
        max_runtime="90m",
        message="one more layer",
        data=("mnist/1:/floyd/input/mnist", "?foo/projects/p/3/output:/floyd/input/model"),
        requirements="floyd.txt",
        base="pytorch/pytorch:2.9.1-cuda12.8-cudnn9-runtime",
        floyd=True,
    )


def test_every_key_that_was_written_is_told_with_what_became_of_it() -> None:
    lines = translate("train", ALL, Choices(), "floyd.yml").lines

    keys = ["command", "machine", "env", "description", "max_runtime", "mode", "input", "input"]
    assert [line.key for line in lines] == keys
    assert all(line.now for line in lines)
    assert "is gone" in lines[-1].note


@pytest.mark.parametrize("machine", MACHINES)
def test_each_machine_has_a_type_of_each_provider_and_a_gpu_if_it_had_one(machine: Machine) -> None:
    asked = Asked(machine=machine, command="x")

    assert task(asked).gpu == machine.startswith("gpu")
    assert task(asked).machine_type is None
    for kind in KINDS:
        rented = task(asked, Choices(on=kind, kind=kind))
        assert (rented.on, rented.machine_type) == (kind, SIZES[machine].types[kind])


@pytest.mark.parametrize(
    ("seconds", "text", "note"),
    [
        (3600, "1h", ""),
        (5400, "90m", ""),
        (86400, "24h", ""),
        (1, "1m", "rounded up"),
        (3601, "61m", "rounded up"),
        (3599, "1h", "rounded up"),
    ],
)
def test_a_run_time_is_never_made_shorter(seconds: int, text: str, note: str) -> None:
    asked = Asked(command="x", max_runtime=seconds)

    longest = task(asked).longest
    assert longest is not None
    assert longest.total_seconds() >= seconds
    assert task(asked).max_runtime == text
    assert note in line_of(asked, "max_runtime").note


def test_data_that_is_no_longer_needed_is_left_out_and_said() -> None:
    choices = Choices(places={"foo/datasets/mnist/1": ""})

    assert task(ALL, choices).data == ("?foo/projects/p/3/output:/floyd/input/model",)
    assert line_of(ALL, "input", choices).now == ""


@pytest.mark.parametrize(
    ("env", "gpu", "image"),
    [
        ("pytorch-1.4", True, "pytorch/pytorch:"),
        ("pytorch-0.2", False, "pytorch/pytorch:"),
        ("pytorch", False, "pytorch/pytorch:"),
        ("pytorch-1.5:py3", False, "pytorch/pytorch:"),
        ("tensorflow-1.8", False, "tensorflow/tensorflow:2.19.0"),
        ("tensorflow-2.2", True, "tensorflow/tensorflow:2.19.0-gpu"),
        ("keras", True, "tensorflow/tensorflow:2.19.0-gpu"),
        ("default", False, "tensorflow/tensorflow:2.19.0"),
    ],
)
def test_a_family_becomes_its_image_of_today(env: str, gpu: bool, image: str) -> None:
    assert environment(env, gpu=gpu, place="floyd.yml", task="t").image.startswith(image)


@pytest.mark.parametrize(
    ("env", "words"),
    [("tensorflow-1.8", "compat.v1"), ("tensorflow-2.2", ""), ("pytorch-0.4", "Variable")],
)
def test_what_changed_since_that_version_is_said(env: str, words: str) -> None:
    assert words in line_of(Asked(env=env, command="x"), "env").note


@pytest.mark.parametrize("env", [*GONE, "theano-0.9", "chainer-1.23", "torch:py3"])
def test_a_family_without_an_image_is_refused_by_name_with_what_to_do(env: str) -> None:
    with pytest.raises(ConfigError) as caught:
        task(Asked(env=env, command="x"))

    assert env in caught.value.what
    assert "--base IMAGE" in caught.value.do


@pytest.mark.parametrize("env", ["pytorch-0.3:py2", "tensorflow:py2", "theano:py2"])
def test_python_2_is_refused_with_the_reason(env: str) -> None:
    with pytest.raises(ConfigError) as caught:
        task(Asked(env=env, command="x"))

    assert "2020" in caught.value.why
    assert "2to3" in caught.value.do


@pytest.mark.parametrize(("env", "near"), [("pytorh-1.4", "pytorch"), ("PyTorch", ""), ("x y", "")])
def test_an_environment_that_never_was_is_refused_with_the_nearest(env: str, near: str) -> None:
    with pytest.raises(ConfigError) as caught:
        task(Asked(env=env, command="x"))

    assert near in caught.value.what


def test_an_image_that_a_person_names_is_asked_for_no_reason() -> None:
    assert task(Asked(env="theano:py2", command="x"), Choices(base="me/theano:1")).base == (
        "me/theano:1"
    )


@pytest.mark.parametrize(("mode", "way"), [("serve", "docs/serving.md"), ("jupyter", "nbconvert")])
def test_what_is_no_job_is_named_with_the_way_that_there_is(mode: str, way: str) -> None:
    made = translate("t", Asked(mode=mode, env="theano"), Choices(), "floyd.yml")

    assert made.task is None
    assert way in made.lines[-1].note
    assert as_run(made) == ""


def test_the_line_to_type_has_only_options_that_run_knows() -> None:
    made = translate("train", ALL, Choices(on="aws", kind="aws"), "floyd.yml")
    words = shlex.split(as_run(made))

    known = run.make_context("run", words[2:]).params

    assert known["command"] == ("python train.py --lr 0.1",)
    assert (known["target"], known["gpu"], known["machine_type"]) == ("aws", True, "g5.xlarge")
    assert (known["max_runtime"], known["message"]) == ("90m", "one more layer")
    assert known["data"] == task(ALL).data
