"""Which packages are missing, and the refusal where they can't be installed."""

from __future__ import annotations

import pytest

from mldeploy.errors import RefusedError
from mldeploy.ui import Ui
from tests.lab import packages


def test_only_what_is_missing_and_each_package_once() -> None:
    programs = {"dockerd": "docker.io", "docker": "docker.io", "iptables": "iptables"}

    assert packages.missing(programs, lambda name: name == "iptables") == ["docker.io"]
    assert packages.missing(programs, bool) == []


def test_nothing_is_asked_of_apt_when_all_is_there() -> None:
    packages.install({"sh": "dash"}, Ui(), purpose="This test")


def test_elsewhere_it_refuses_in_three_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "may_install", lambda: False)

    with pytest.raises(RefusedError) as caught:
        packages.install({"no-such-program": "docker.io"}, Ui(), purpose="A Docker engine")

    assert caught.value.what == "A Docker engine needs docker.io."
    assert "as root" in caught.value.why
    assert caught.value.do
