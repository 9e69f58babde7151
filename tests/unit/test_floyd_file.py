"""floyd.yml: both names, both forms of an input, tasks over what is at the top, and its lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from mldeploy.errors import ConfigError
from mldeploy.floyd import file
from mldeploy.floyd.asked import Asked, Input

WHOLE = """\
machine: gpu
env: tensorflow-1.8
input:
  - source: foo/datasets/yelp-food/1
    destination: input
  - foo/datasets/yelp-food-test/1:test
description: this is a test
max_runtime: 3600
command: python train.py
task:
  evaluate:
    machine: cpu2
    command: python evaluate.py
  empty:
"""


def written(folder: Path, text: str, name: str = "floyd.yml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refused(tmp_path: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        file.read(written(tmp_path, text))
    assert all((caught.value.what, caught.value.why, caught.value.do))
    return caught.value


def test_every_key_is_read(tmp_path: Path) -> None:
    read = file.read(written(tmp_path, WHOLE))

    assert read.top == Asked(
        machine="gpu",
        env="tensorflow-1.8",
        command="python train.py",
        description="this is a test",
        max_runtime=3600,
        input=(
            Input("foo/datasets/yelp-food/1", "input"),
            Input("foo/datasets/yelp-food-test/1", "test"),
        ),
    )
    assert read.top.input is not None
    assert read.top.input[0].at == "/floyd/input/input"
    assert read.warnings == ()


def test_a_task_says_over_the_top_what_it_says_and_has_the_rest_from_there(tmp_path: Path) -> None:
    read = file.read(written(tmp_path, WHOLE))

    task = read.tasks["evaluate"]
    assert (task.machine, task.command, task.env) == (
        "cpu2",
        "python evaluate.py",
        "tensorflow-1.8",
    )
    assert task.input == read.top.input
    assert read.tasks["empty"] == read.top


def test_the_yaml_name_wins_where_both_are_there_and_that_is_said(tmp_path: Path) -> None:
    written(tmp_path, "command: a")
    assert file.find(tmp_path) == (tmp_path / "floyd.yml", [])

    written(tmp_path, "command: b", "floyd.yaml")

    for place in (tmp_path, tmp_path / "floyd.yml", tmp_path / "floyd.yaml"):
        path, said = file.find(place)
        assert path.name == "floyd.yaml"
        assert "FloydHub read floyd.yaml" in said[0]


@pytest.mark.parametrize("place", ["", "floyd.yml", "other.yml"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, place: str) -> None:
    with pytest.raises(ConfigError) as caught:
        file.find(tmp_path / place)

    assert "mldeploy import" in caught.value.do


def test_a_file_of_another_name_is_read_where_it_is_named(tmp_path: Path) -> None:
    written(tmp_path, "command: a")
    other = written(tmp_path, "command: b", "other.yml")

    assert file.find(other) == (other, [])


@pytest.mark.parametrize(
    ("before", "after", "line", "words"),
    [
        ("machine: gpu", "machine: gpus", 1, "did you mean gpu"),
        ("machine: gpu", "machine: [gpu]", 1, "one of cpu, gpu, cpu2, gpu2"),
        ("env: tensorflow-1.8", "env: [a, b]", 2, "no text"),
        ("    destination: input", "    destination: a/b", 4, "can't be a mount"),
        ("    destination: input", "    destination: ..", 4, "can't be a mount"),
        ("    destination: input", "    destination: test", 3, "Two inputs are mounted at test"),
        ("  - source: foo", "  - sauce: foo", 4, "no source"),
        ("yelp-food-test/1:test", "yelp-food-test/1", 6, "does not say where"),
        ("max_runtime: 3600", "max_runtime: an hour", 8, "whole seconds"),
        ("max_runtime: 3600", "max_runtime: -1", 8, "whole seconds"),
        ("max_runtime: 3600", "max_runtime: true", 8, "whole seconds"),
        ("max_runtime: 3600", "mode: train", 8, "one of job, serve, jupyter"),
        ("max_runtime: 3600", "mode: [job]", 8, "one of job, serve, jupyter"),
        ("    machine: cpu2", "    machine: huge", 12, "machine is 'huge'"),
        ("  evaluate:", "  evaluate: now\n  other:", 11, "not a table"),
        ("command: python train.py", "command: {a: b}", 9, "no text"),
        ("command: python train.py", "\tcommand: python", 9, "not valid YAML"),
        ("description: this is a test", 'description: "this', 7, "not valid YAML"),
    ],
)
def test_a_mistake_is_refused_with_its_line(
    tmp_path: Path, before: str, after: str, line: int, words: str
) -> None:
    assert before in WHOLE

    error = refused(tmp_path, WHOLE.replace(before, after, 1))

    assert f"floyd.yml, line {line}" in error.what, error.what
    assert words in f"{error.what} {error.why}"


@pytest.mark.parametrize(
    "text",
    [
        "- a\n- b\n",
        "train",
        "a: &a [*a]\ninput: *a\n",
        "command: !!python/object/apply:os.system [id]\n",
        "description: 2001-13-45\n",
        "[" * 3000,
        "task: train\n",
        "? {a: b}\n: c\n",
    ],
)
def test_what_is_no_floyd_yml_is_refused_without_a_traceback(tmp_path: Path, text: str) -> None:
    assert "floyd.yml" in refused(tmp_path, text).what


def test_a_file_that_is_no_text_or_far_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "floyd.yml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        file.read(path)
    path.write_bytes(b"#" * (file.LARGEST + 1))
    with pytest.raises(ConfigError, match=r"no floyd\.yml"):
        file.read(path)


def test_six_inputs_are_refused_as_floydhub_did(tmp_path: Path) -> None:
    inputs = "".join(f"  - foo/datasets/x/{n}:m{n}\n" for n in range(6))

    assert "more than the 5" in refused(tmp_path, f"command: a\ninput:\n{inputs}").what


def test_unknown_keys_are_warnings_with_line_and_nearest(tmp_path: Path) -> None:
    text = "enviroment: x\ncommand: a\ntask:\n  t:\n    comand: b\n    zzz: 1\n"

    warnings = file.read(written(tmp_path, text)).warnings

    assert "line 1" in warnings[0]
    assert "did you mean env" in warnings[0]
    assert "line 5" in warnings[1]
    assert "did you mean command" in warnings[1]
    assert "zzz is passed over" in warnings[2]


def test_the_file_that_init_wrote_is_all_comments_and_asks_for_nothing(tmp_path: Path) -> None:
    assert file.read(written(tmp_path, "# machine: cpu\n")).top == Asked()


def test_values_that_are_empty_or_no_text_are_read_as_a_person_meant_them(tmp_path: Path) -> None:
    text = "env:\nmode: command\ndescription: 5\nmax_runtime: '60'\ninput: foo/datasets/x/1:/x/\n"
    text += "command: |\n  a\n  b\n"

    assert file.read(written(tmp_path, text)).top == Asked(
        description="5",
        max_runtime=60,
        command="a\nb",
        mode="job",
        input=(Input("foo/datasets/x/1", "x"),),
    )
