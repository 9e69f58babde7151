import json
import random
import shutil
import tomllib
from pathlib import Path

import pytest

from package_size import cli, config, files, paths
from package_size.errors import ProjectError
from package_size.inspection import params_file, settling
from package_size.paths import Layout

TARGET = "Price"


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A project of its own to write into."""
    layout = Layout(tmp_path / "project")
    layout.root.mkdir()
    shutil.copy(paths.here().params, layout.params)
    rows = layout.root / "rows.py"
    rows.write_text("# as it was\n", encoding="utf-8")
    monkeypatch.setattr(paths, "here", lambda: layout)
    monkeypatch.setattr(settling, "ROWS", rows)
    return layout


@pytest.fixture
def table(tmp_path: Path) -> Path:
    draw = random.Random(1)  # noqa: S311
    lines = ["Shop id;Size;Colour;Kept;Price"]
    for _ in range(300):
        size, price = (f"{draw.uniform(1, 90):.2f}".replace(".", ",") for _ in range(2))
        colour, kept = draw.choice(["red", "green", "blue"]), draw.choice(["yes", "no"])
        lines.append(f"S{draw.randrange(30)};{size};{colour};{kept};{price}")
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def run(*words: str) -> int | str | None:
    with pytest.raises(SystemExit) as done:
        cli.commands(["inspect", *words])
    return done.value.code


def test_it_tells_and_writes_nothing(
    layout: Layout, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = layout.params.read_bytes()
    assert run(str(table), "--target", TARGET) == 0
    told = capsys.readouterr().out
    assert "300 rows, 5 columns" in told
    assert "decimal mark ," in told
    assert "group   Shop id" in told
    assert "the same with --write" in told
    assert layout.params.read_bytes() == before
    assert settling.ROWS.read_text() == "# as it was\n"


def test_it_writes_rows_and_parameters_and_keeps_the_file(
    layout: Layout, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(str(table), "--target", TARGET, "--write") == 0
    assert "written: rows.py and params.toml" in capsys.readouterr().out
    assert f'TARGET = "{TARGET.lower()}"' in settling.ROWS.read_text(encoding="utf-8")
    params = config.load(layout.params)
    assert params.collect.file == "data/source/table.csv"
    assert params.collect.decimal == ","
    assert params.split.by == "group"
    table.unlink()  # the project has its own copy, wherever it is moved to
    assert (layout.root / params.collect.file).is_file()


def test_a_program_gets_data(
    layout: Layout, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(str(table), "--target", TARGET, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["task"] == "regression"
    assert told["rows"] == 300
    assert told["columns"][0]["header"] == "Shop id"


def test_an_answer_of_another_kind_is_refused_and_nothing_is_written(
    layout: Layout, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = "Kept"
    before = layout.params.read_bytes()
    assert run(str(table), "--target", other, "--write", "--json") == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert "regression" in error["what"]
    assert "mldeploy update --set task=" in error["do"]
    assert layout.params.read_bytes() == before
    assert settling.ROWS.read_text() == "# as it was\n"


def test_if_one_file_cannot_be_written_the_other_is_as_it_was(
    layout: Layout, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = files.write

    def refuse(path: Path, content: bytes) -> None:
        if path == layout.params:
            raise ProjectError("cannot be written", "the disk is full", "make room")
        write(path, content)

    monkeypatch.setattr(files, "write", refuse)
    with pytest.raises(ProjectError, match="cannot be written"):
        cli.commands(["inspect", str(table), "--target", TARGET, "--write"])
    assert settling.ROWS.read_text() == "# as it was\n"


@pytest.mark.parametrize("words", [["nowhere.csv", "--target", "a"], ["."], ["table.csv"]])
def test_a_wrong_command_says_what_to_type(words: list[str]) -> None:
    with pytest.raises(ProjectError) as error:
        cli.commands(["inspect", *words])
    assert error.value.do


def test_only_the_named_values_of_params_change() -> None:
    text = "# head\n[a]\nx = 1 # one\ny = [\n  1,\n]\n\n[b]\nx = 2\n"
    new = params_file.changed(text, "a", {"x": 5, "z": 'say "hi"'})
    assert new == '# head\n[a]\nx = 5 # one\ny = [\n  1,\n]\nz = "say \\"hi\\""\n\n[b]\nx = 2\n'
    assert tomllib.loads(new)["a"]["z"] == 'say "hi"'


def test_a_section_that_is_not_there_is_named() -> None:
    with pytest.raises(ProjectError, match=r"no section \[b\]"):
        params_file.changed("[a]\nx = 1\n", "b", {"x": 2})
