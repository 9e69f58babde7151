"""The table [data] of mldeploy.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from mldeploy import config
from mldeploy.config import DataSettings
from mldeploy.errors import ConfigError
from tests.conftest import SETTINGS


def load(tmp_path: Path, table: str) -> config.Config:
    path = tmp_path / "mldeploy.toml"
    path.write_text(SETTINGS + table)
    return config.load(path)


def test_all_but_the_bucket_may_be_left_out(tmp_path: Path) -> None:
    assert load(tmp_path, "").data is None
    assert load(tmp_path, '[data]\nbucket = "my-data"\n').data == DataSettings(bucket="my-data")


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("[data]\n", "the name of a bucket"),
        ('[data]\nbucket = "s3://x"\n', "no s3:// before it"),
        ('[data]\nbucket = "my-data"\nprefix = "/a/"\n', "a folder in the bucket"),
        ('[data]\nbucket = "my-data"\nendpoint_url = "s3.example.org"\n', "https://"),
        ('[data]\nbucket = "my-data"\nsecret_key = "x"\n', "one of bucket, prefix"),
        ('[data]\nbucket = "my-data"\nprofil = "x"\n', "one of bucket"),
    ],
)
def test_what_can_t_be_is_refused_with_what_was_expected(
    tmp_path: Path, table: str, why: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, table)
    assert why in caught.value.why
    assert "line" in caught.value.what
