"""A version's name and list: what is taken, and what is refused."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from mldeploy.data.versions import (
    Entry,
    Manifest,
    Reference,
    decode,
    digest_of,
    encode,
    name_for,
    parse_reference,
)
from mldeploy.errors import ConfigError, FailedError

HASH = "0" * 64


def manifest(*paths: str) -> Manifest:
    files = tuple(Entry(path, 1, HASH) for path in paths)
    return Manifest("images", 1, digest_of(files), "", "2026-01-01T00:00:00+00:00", "me", files)


def test_a_reference_is_a_name_and_perhaps_a_number() -> None:
    assert parse_reference("images") == Reference("images")
    assert parse_reference("images-2.x/12") == Reference("images-2.x", 12)
    assert str(parse_reference("images/12")) == "images/12"


@pytest.mark.parametrize(
    "text", ["", "Images", "images/", "images/0", "images/x", "images/1/2", "../a", ".a", "a b"]
)
def test_what_names_no_version_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="names no version"):
        parse_reference(text)


def test_a_name_is_made_of_the_folder_s_or_of_the_file_s(tmp_path: Path) -> None:
    (tmp_path / "My Images (2)").mkdir()
    (tmp_path / "labels.csv").write_text("")

    assert name_for(tmp_path / "My Images (2)") == "my-images-2"
    assert name_for(tmp_path / "labels.csv") == "labels"
    with pytest.raises(ConfigError, match="No name"):
        name_for(Path("/"))


def test_a_list_comes_back_as_it_was() -> None:
    told = manifest("a", "b/ü c")

    assert decode(encode(told), "here") == told


def test_the_digest_is_of_content_paths_and_rights_in_any_order() -> None:
    one, two = Entry("a", 1, HASH), Entry("b", 1, "1" * 64)

    assert digest_of([one, two]) == digest_of([two, one])
    assert digest_of([one]) != digest_of([Entry("c", 1, HASH)])
    assert digest_of([one]) != digest_of([Entry("a", 1, HASH, executable=True)])


@pytest.mark.parametrize(
    "path",
    ["../a", "/etc/passwd", "a/../../b", "a//b", "", ".", "a/.", "a\nb", "a\x00b", "a" * 300],
)
def test_a_path_that_leads_out_is_never_taken(path: str) -> None:
    with pytest.raises(FailedError, match="can't be trusted"):
        decode(encode(manifest(path)), "here")


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "0" * 64},
        {"name": "../x"},
        {"files": (Entry("a", 1, "../../x"),)},
        {"files": (Entry("a", -1, HASH),)},
        {"files": (Entry("a", 1, HASH), Entry("a", 1, HASH))},
    ],
)
def test_a_list_that_lies_is_not_trusted(change: dict[str, object]) -> None:
    told = msgspec.structs.replace(manifest("a"), **change)
    if "files" in change:
        told = msgspec.structs.replace(told, digest=digest_of(told.files))
    with pytest.raises(FailedError, match="can't be trusted"):
        decode(encode(told), "here")


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff", b"[1]", b'{"name":"a","surprise":1}'])
def test_what_is_no_list_is_said(raw: bytes) -> None:
    with pytest.raises(FailedError, match="can't be trusted"):
        decode(raw, "here")
