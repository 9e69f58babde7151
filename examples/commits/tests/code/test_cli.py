import subprocess
import sys
from pathlib import Path

import pytest

from fix_finder import cli, files, paths
from fix_finder.errors import ProjectError


def test_the_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        cli.commands(["--help"])
    assert done.value.code == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("collect", "train", "promote", "runs", "serve"))


def test_the_help_loads_no_heavy_library() -> None:
    code = (
        "import sys, fix_finder.cli; "
        "sys.exit(', '.join({'mlflow', 'pandas', 'sklearn', 'bentoml'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_error_is_printed_in_three_parts_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(paths, "here", lambda: paths.Layout(tmp_path))
    monkeypatch.setattr(sys, "argv", ["project", "serve"])
    with pytest.raises(SystemExit) as done:
        cli.app()
    assert done.value.code == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "error: There is no champion yet."
    assert lines[1].startswith("  why: ")
    assert lines[2] == "  do:  Train one: make train"


def test_the_root_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = paths.here()
    monkeypatch.chdir(tmp_path)
    assert paths.here() == expected
    assert (expected.root / "pyproject.toml").is_file()


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ProjectError, match="cannot be written"):
        files.write(tmp_path / "folder", b"a file cannot take the place of a folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
