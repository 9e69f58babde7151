"""Which layers go over the line, and what is left of an image without the others."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from mldeploy.ssh.ship import shared, without_layers


@pytest.mark.parametrize(
    ("layers", "others", "count"),
    [
        ("abc", [], 0),
        ("abc", ["xbc"], 0),
        ("abc", ["ab"], 2),
        ("abc", ["a", "abd", "x"], 2),
        ("abc", ["abc"], 3),
        ("abc", ["abcd"], 3),
        ("", ["a"], 0),
    ],
)
def test_layers_are_shared_from_the_lowest_up(layers: str, others: list[str], count: int) -> None:
    assert shared(layers, others) == count


def saved(path: Path, layers: list[str]) -> None:
    """As `docker save` writes it."""
    files = {f"{one}/layer.tar": one.encode() for one in layers}
    manifest = [{"Config": "c.json", "Layers": [f"{one}/layer.tar" for one in layers]}]
    files |= {"c.json": b"{}", "manifest.json": json.dumps(manifest).encode()}
    with tarfile.open(path, "w") as tar:
        folder = tarfile.TarInfo("a")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


@pytest.mark.parametrize(("known", "left"), [(0, "abc"), (2, "c"), (3, "")])
def test_only_the_files_of_known_layers_are_left_out(tmp_path: Path, known: int, left: str) -> None:
    whole, slim = tmp_path / "whole.tar", tmp_path / "slim.tar"
    saved(whole, ["a", "b", "c"])

    without_layers(whole, slim, known)

    with tarfile.open(slim) as tar:
        names = [name for name in tar.getnames() if name.endswith("layer.tar")]
        manifest = json.load(tar.extractfile("manifest.json") or io.BytesIO())
        contents = [(tar.extractfile(name) or io.BytesIO()).read().decode() for name in names]
    assert contents == list(left)
    assert len(manifest[0]["Layers"]) == 3


def test_a_layer_that_comes_twice_stays_if_it_is_needed_once(tmp_path: Path) -> None:
    """Empty layers are all the same one."""
    whole, slim = tmp_path / "whole.tar", tmp_path / "slim.tar"
    saved(whole, ["a", "b", "a"])

    without_layers(whole, slim, 1)

    with tarfile.open(slim) as tar:
        assert "a/layer.tar" in tar.getnames()
