"""What images get of this machine so that pip and uv work in them."""

from __future__ import annotations

from pathlib import Path

from tests.lab.machine import BUNDLE_IN_IMAGE, bundle_of, image_settings, parsed_pip_settings

INDEX = "https://packages.example.invalid/simple"


def test_a_machine_without_anything_of_its_own_gives_nothing() -> None:
    assert image_settings({"HOME": "/root", "PIP_CACHE_DIR": "/c"}, {}) == {}


def test_a_bundle_is_named_where_it_lies_in_the_image(tmp_path: Path) -> None:
    bundle = tmp_path / "company.pem"
    bundle.write_text("certificate")

    settings = image_settings({"PIP_CERT": str(bundle)}, {})

    assert settings["SSL_CERT_FILE"] == settings["PIP_CERT"] == BUNDLE_IN_IMAGE


def test_a_bundle_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert bundle_of({"SSL_CERT_FILE": str(tmp_path / "gone.pem")}, {}) is None


def test_the_bundle_of_pips_own_configuration_counts(tmp_path: Path) -> None:
    bundle = tmp_path / "company.pem"
    bundle.write_text("certificate")

    assert bundle_of({}, {"cert": str(bundle)}) == bundle


def test_pips_index_is_uvs_too() -> None:
    settings = image_settings({}, {"index-url": INDEX})

    assert settings == {"PIP_INDEX_URL": INDEX, "UV_DEFAULT_INDEX": INDEX}


def test_folders_of_the_machine_are_left_out() -> None:
    pip = {"extra-index-url": f"file:///opt/simple {INDEX} /srv/simple"}

    settings = image_settings({"UV_INDEX_URL": "file:///opt/simple"}, pip)

    assert settings == {"PIP_EXTRA_INDEX_URL": INDEX, "UV_INDEX": INDEX}


def test_a_proxy_goes_along_unless_it_is_on_the_loopback() -> None:
    there = {"https_proxy": "http://10.0.0.1:3128", "no_proxy": "localhost,127.0.0.1"}
    here = {"HTTP_PROXY": "http://127.0.0.1:3128", "HTTPS_PROXY": "http://localhost:3128"}

    assert image_settings(there | here, {}) == there


def test_pip_lists_its_configuration_files_and_its_environment() -> None:
    listed = """\
:env:.index-url='https://environment.example.invalid'
global.cert='/etc/company.pem'
global.extra-index-url='\\nhttps://one.example.invalid\\nhttps://two.example.invalid'
install.index-url='https://packages.example.invalid/simple'
"""
    assert parsed_pip_settings(listed) == {
        "cert": "/etc/company.pem",
        "extra-index-url": " https://one.example.invalid https://two.example.invalid",
        "index-url": INDEX,
    }
