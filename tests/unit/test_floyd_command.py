"""`floyd run …`, with every option that it had, in the order in which its code heeded them."""

from __future__ import annotations

import pytest

from mldeploy.errors import ConfigError
from mldeploy.floyd import command
from mldeploy.floyd.asked import Asked, Input


def asked(options: str) -> Asked:
    return command.parse(f"floyd run {options}").asked


def refused(line: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        command.parse(line)
    return caught.value


def test_a_line_with_all_that_a_job_may_say_is_read() -> None:
    line = (
        "floyd run --gpu --env pytorch-1.4 --data u/datasets/x/1:input --max-runtime 3600 "
        "-m 'one more layer' 'python train.py'"
    )

    assert command.parse(line) == command.Typed(
        Asked(
            machine="gpu",
            env="pytorch-1.4",
            command="python train.py",
            description="one more layer",
            max_runtime=3600,
            input=(Input("u/datasets/x/1", "input"),),
        ),
        task=None,
        warnings=(),
    )


@pytest.mark.parametrize(
    ("options", "machine"),
    [
        ("", None),
        ("--cpu", "cpu"),
        ("--gpu", "gpu"),
        ("--cpu2", "cpu2"),
        ("--gpu2", "gpu2"),
        ("--cpu --gpu", "gpu"),
        ("--gpu --cpu2", "cpu2"),
        ("--cpu2 --gpu2", "gpu2"),
        ("--cpu --gpu --cpu2 --gpu2", "gpu2"),
    ],
)
def test_of_several_machines_the_one_counts_that_floydhubs_code_took(
    options: str, machine: str | None
) -> None:
    typed = command.parse(f"floyd run {options} 'python train.py'")

    assert typed.asked.machine == machine
    assert ("FloydHub took" in "".join(typed.warnings)) == (options.count("--") > 1)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("python train.py", Asked(command="python train.py")),
        ("'bash setup.sh && python train.py'", Asked(command="bash setup.sh && python train.py")),
        ("python -- train.py --lr 1", Asked(command="python train.py --lr 1")),
        ("-m a x", Asked(command="x", description="a")),
        ("--message a x", Asked(command="x", description="a")),
        ("-r 60 x", Asked(command="x", max_runtime=60)),
        ("--max-runtime 60 x", Asked(command="x", max_runtime=60)),
        ("--mode job x", Asked(command="x", mode="job")),
        ("--mode serve", Asked(mode="serve")),
        ("--mode jupyter --no-open", Asked(mode="jupyter")),
        ("--data a:/m/ x", Asked(command="x", input=(Input("a", "m"),))),
        ("--data a:m --data b/1:n", Asked(input=(Input("a", "m"), Input("b/1", "n")))),
    ],
)
def test_options_and_their_short_forms(options: str, expected: Asked) -> None:
    assert asked(options) == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("-f x", "--follow"),
        ("--follow x", "--follow"),
        ("--tensorboard x", "--tensorboard"),
        ("--no-tensorboard x", "--tensorboard"),
        ("--open x", "--open"),
        ("--no-open x", "--open"),
    ],
)
def test_an_option_about_the_command_itself_is_named(options: str, words: str) -> None:
    assert words in command.parse(f"floyd run {options}").warnings[0]


def test_a_task_of_the_file_is_named() -> None:
    assert command.parse("floyd run --task train").task == "train"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("floyd run --env a --env b x", "--env is given 2 times"),
        ("floyd run --mode serve python app.py", "COMMAND can't be used with --mode serve"),
        ("floyd run --mode jupyter x", "COMMAND can't be used with --mode jupyter"),
        ("floyd run --mode train", "'train' is not one of"),
        ("floyd run --max-runtime 1h x", "--max-runtime"),
        ("floyd run --max-runtime 0 x", "--max-runtime"),
        ("floyd run --gpu+ x", "--gpu+"),
        ("floyd run python train.py --lr 1", "--lr"),
        ("floyd run --data x y", "does not say where it is mounted"),
        ("floyd run --data x:a/b y", "can't be a mount"),
        ("floyd run --data a:x --data b:x y", "Two inputs"),
        ("floyd run 'python", "A quote"),
    ],
)
def test_what_floydhub_refused_is_refused(line: str, words: str) -> None:
    assert words in refused(line).what


@pytest.mark.parametrize(("verb", "instead"), command.INSTEAD.items())
def test_another_verb_is_answered_with_ours(verb: str, instead: str) -> None:
    error = refused(f"floyd {verb} 3")

    assert error.do == instead
    assert f"floyd {verb}" in error.what


@pytest.mark.parametrize("line", ["", "floyd", "floyd runn x", "python train.py"])
def test_a_line_that_runs_nothing_is_refused(line: str) -> None:
    assert refused(line).do


def test_what_is_said_over_what_is_below() -> None:
    below = Asked(machine="gpu", env="keras", command="a")

    assert Asked(machine="cpu", max_runtime=5).over(below) == Asked(
        machine="cpu", env="keras", command="a", max_runtime=5
    )
