"""What is made of an engine's own words: by values, the failing side of each check too."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mldeploy.config import DockerTarget
from mldeploy.doctor.docker_host import (
    capacity,
    clock,
    moment,
    platform,
    proxy,
    same_architecture,
    version,
)
from mldeploy.doctor.docker_images import credentials, out_of_reach
from mldeploy.doctor.docker_reach import Facts, Groups, unreachable
from mldeploy.doctor.docker_room import Image, free_bytes, idle_bytes, on_disk, room
from mldeploy.engines.docker_client import without_password
from mldeploy.errors import FailedError

NOW = datetime(2026, 11, 23, 2, 51, 33, tzinfo=UTC)
# Cut from what an engine of Debian 12 says of itself.
INFO: dict[str, Any] = {
    "Driver": "overlay2",
    "MemoryLimit": True,
    "SystemTime": "2026-11-23T02:51:33.435587867Z",
    "OSType": "linux",
    "Architecture": "x86_64",
    "NCPU": 2,
    "MemTotal": 8_000_000_000,
    "DockerRootDir": "/var/lib/docker",
    "HttpProxy": "",
    "HttpsProxy": "",
    "Name": "vm",
    "SecurityOptions": ["name=seccomp,profile=default"],
}
VERSION = {"Version": "20.10.24+dfsg1", "ApiVersion": "1.41", "Arch": "amd64"}


def facts(**info: Any) -> Facts:
    return Facts(INFO | info, VERSION, NOW, NOW + timedelta(seconds=1))


# Version, platform, capacity, clock


@pytest.mark.parametrize(
    ("api", "severity"), [("1.40", "warning"), ("1.41", "ok"), ("1.9", "warning"), ("1.50", "ok")]
)
def test_engines_older_than_those_tested_are_named(api: str, severity: str) -> None:
    found = version(replace(facts(), version={"ApiVersion": api}))

    assert found.severity == severity
    assert api in found.message


def test_windows_containers_are_refused() -> None:
    found = platform(facts(OSType="windows"), "x86_64")

    assert found.severity == "error"
    assert "Linux containers" in found.remedy


def test_another_architecture_is_no_fault_but_said() -> None:
    found = platform(facts(Architecture="aarch64"), "x86_64")

    assert found.severity == "ok"
    assert "images are built for aarch64" in found.message


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x86_64", "amd64", True),
        ("arm64", "aarch64", True),
        ("arm64", "amd64", False),
        ("riscv64", "riscv64", True),
        ("riscv64", "amd64", False),
    ],
)
def test_architectures_have_several_names(one: str, other: str, same: bool) -> None:
    assert same_architecture(one, other) is same
    assert same_architecture(other, one) is same


@pytest.mark.parametrize(
    ("target", "info", "severity", "words"),
    [
        (DockerTarget(replicas=2), {}, "ok", "2 x 1GB of 8.0 GB"),
        (DockerTarget(cpus=2.0), {}, "ok", "2 cores"),
        (DockerTarget(cpus=2.5), {}, "error", "2.5 cores"),
        (DockerTarget(replicas=5), {}, "warning", "During a switch"),
        (DockerTarget(replicas=4, memory="2GB"), {}, "warning", "During a switch"),
        (DockerTarget(replicas=9), {}, "warning", "more memory than there is"),
        (DockerTarget(), {"MemoryLimit": False}, "warning", "can't limit memory"),
    ],
)
def test_limits_are_held_against_the_machine(
    target: DockerTarget, info: Mapping[str, Any], severity: str, words: str
) -> None:
    found = capacity(facts(**info), target)

    assert found.severity == severity
    assert words in found.message
    assert bool(found.remedy) is (severity != "ok")


@pytest.mark.parametrize(
    ("there", "severity", "words"),
    [
        ("2026-11-23T02:51:33.435587867Z", "ok", "the same"),
        ("2026-11-23T02:51:38Z", "ok", "the same"),
        ("2026-11-23T02:51:40.5Z", "warning", "6 s ahead"),
        ("2026-11-23T02:51:27Z", "warning", "6 s behind"),
        ("2026-11-23T03:51:33+01:00", "ok", "the same"),
        ("", "ok", "does not say"),
        ("2026-11-23T02:51:33", "ok", "does not say"),
    ],
)
def test_clocks_that_differ_by_more_than_five_seconds(
    there: str, severity: str, words: str
) -> None:
    found = clock(facts(SystemTime=there))

    assert (found.severity, words in found.message) == (severity, True), found.message


@given(st.text())
def test_any_text_is_a_moment_or_none(text: str) -> None:
    found = moment(text)

    assert found is None or found.tzinfo is not None


# Proxy and certificates

OURS = "http://me:swordfish@proxy.example.org:3128"


@pytest.mark.parametrize(
    ("environment", "info", "in_base", "severity", "words"),
    [
        ({}, {}, {}, "ok", "none"),
        ({"HTTPS_PROXY": OURS}, {}, {}, "warning", "for the engine none"),
        ({"http_proxy": OURS}, {"HttpProxy": "http://x:y@p:1"}, {}, "ok", "proxy.example.org"),
        ({"HTTPS_PROXY": "http://127.0.0.1:3128"}, {"HttpsProxy": "p"}, {}, "warning", "container"),
        (
            {"HTTPS_PROXY": "http://u:p@localhost:1"},
            {"HttpsProxy": "p"},
            {},
            "warning",
            "container",
        ),
        ({"SSL_CERT_FILE": "/ca.pem"}, {}, {"PATH": "/bin"}, "warning", "SSL_CERT_FILE"),
        ({"SSL_CERT_FILE": "/ca.pem"}, {}, {"PIP_CERT": "/ca.pem"}, "ok", "none"),
        ({"SSL_CERT_FILE": "/ca.pem"}, {}, None, "ok", "none"),
    ],
)
def test_the_way_out_of_the_engine(
    environment: Mapping[str, str],
    info: Mapping[str, Any],
    in_base: Mapping[str, str] | None,
    severity: str,
    words: str,
) -> None:
    found = proxy(facts(**info), environment, in_base)

    assert (found.severity, words in found.message) == (severity, True), found.message
    assert "swordfish" not in str(found)
    assert "x:y" not in str(found)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://me:pass@host:1", "http://host:1"),
        ("http://me:p@ss@host:1/", "http://host:1/"),
        ("host:1", "host:1"),
        ("me:pass@host:1", "host:1"),
        ("unix:///var/run/docker.sock", "unix:///var/run/docker.sock"),
    ],
)
def test_addresses_are_shown_without_passwords(address: str, shown: str) -> None:
    assert without_password(address) == shown


# Reaching an engine

NOBODY = Groups(owner_of_socket="docker", given=frozenset(), held=frozenset())


def failed(code: str, why: str) -> FailedError:
    return FailedError(code, what="There is no engine.", why=why, do="start it")


@pytest.mark.parametrize(
    ("code", "why", "environment", "sockets", "groups", "remedy"),
    [
        ("docker-down", "It refused.", {}, [], NOBODY, "start it"),
        ("docker-down", "x", {"DOCKER_HOST": "tcp://a:b@c:1"}, [], NOBODY, "unset DOCKER_HOST"),
        (
            "docker-down",
            "Client sent an HTTP request to an HTTPS server.",
            {"DOCKER_HOST": "tcp://c:2376"},
            [],
            NOBODY,
            "DOCKER_TLS_VERIFY=1",
        ),
        ("no-docker", "x", {}, [Path("/run/user/1/docker.sock")], NOBODY, "unix:///run/user/1/d"),
        ("docker-denied", "x", {}, [], NOBODY, "usermod -aG docker $USER"),
        (
            "docker-denied",
            "x",
            {},
            [],
            Groups("docker", frozenset({"docker"}), frozenset({"me"})),
            "newgrp docker",
        ),
        ("docker-denied", "x", {}, [], replace(NOBODY, owner_of_socket="root"), "groupadd docker"),
        ("docker-denied", "x", {}, [], replace(NOBODY, owner_of_socket=None), "-aG docker"),
    ],
)
def test_the_remedy_fits_what_is_in_the_way(
    code: str,
    why: str,
    environment: Mapping[str, str],
    sockets: list[Path],
    groups: Groups,
    remedy: str,
) -> None:
    found = unreachable(
        failed(code, why), environment=environment, other_sockets=sockets, groups=groups
    )

    assert found.severity == "error"
    assert remedy in found.remedy
    assert "a:b" not in found.remedy


def test_it_is_said_what_the_group_gives() -> None:
    found = unreachable(
        failed("docker-denied", "x"), environment={}, other_sockets=[], groups=NOBODY
    )

    assert "can become root" in found.remedy


# Images and credentials


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("dial tcp: lookup registry-1.docker.io on 10.0.0.1:53: no such host", "no way"),
        ("net/http: request canceled (Client.Timeout exceeded)", "no way"),
        ("x509: certificate signed by unknown authority", "does not trust"),
        ("proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: refused", "proxy refuses"),
        ("toomanyrequests: You have reached your pull rate limit", "enough for today"),
        ("manifest unknown", "no image of that name"),
        ("errors: denied: requested access to the resource is denied", "not for everybody"),
        ("something new.", "something new"),
    ],
)
def test_what_a_registry_says_is_put_into_words(text: str, meaning: str) -> None:
    found = out_of_reach("base image", "python:3.99", text)

    assert found.severity == "error"
    assert meaning in found.message
    assert found.remedy


def docker_folder(root: Path, settings: str) -> dict[str, str]:
    (root / "config.json").write_text(settings)
    return {"DOCKER_CONFIG": str(root)}


def test_a_missing_program_for_passwords_is_an_error(tmp_path: Path) -> None:
    for settings in (
        {"credsStore": "nowhere"},
        {"credHelpers": {"registry.example.org": "nowhere"}},
    ):
        found = credentials(docker_folder(tmp_path, json.dumps(settings)))

        assert found.severity == "error"
        assert "docker-credential-nowhere" in found.message
        assert found.remedy


def test_a_program_for_passwords_that_is_there_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "docker-credential-here"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    found = credentials(docker_folder(tmp_path, '{"credsStore": "here", "auths": {}}'))

    assert found.severity == "ok"


def test_no_stored_passwords_are_well_and_a_damaged_file_is_not(tmp_path: Path) -> None:
    assert credentials({"DOCKER_CONFIG": str(tmp_path)}).severity == "ok"
    assert credentials(docker_folder(tmp_path, "{}")).severity == "ok"
    assert credentials(docker_folder(tmp_path, "[]")).severity == "ok"
    assert credentials(docker_folder(tmp_path, "{")).severity == "error"


# Disk

BASE = Image(("a",), 200)
PACKAGES = Image(("a", "b"), 500)
MODEL = Image(("a", "b", "c"), 600)


def test_what_images_share_is_counted_once() -> None:
    one, other = Image((*MODEL.layers, "d"), 601), Image((*MODEL.layers, "e"), 602)

    assert on_disk([]) == 0
    assert on_disk([MODEL]) == 600
    assert on_disk([one, MODEL, other, PACKAGES]) == 603
    assert on_disk([one, one]) == 601
    assert on_disk([BASE, Image(("z",), 50)]) == 250


@given(st.permutations([BASE, PACKAGES, MODEL, Image(("a", "x"), 900)]))
def test_the_order_of_images_does_not_matter(images: list[Image]) -> None:
    assert on_disk(images) == 600 + 700


@pytest.mark.parametrize(
    ("free", "severity"),
    [(None, "ok"), (100_000_000_000, "ok"), (2_000_000_000, "warning"), (1_000_000, "error")],
)
def test_a_disk_that_is_nearly_full_is_named_with_what_could_go(
    free: int | None, severity: str
) -> None:
    found = room(free, ours=5_000_000_000, idle=2_000_000_000)

    assert found.severity == severity
    assert "5.0 GB, 2.0 GB of it used by no container" in found.message
    assert ("mldeploy prune" in found.remedy) is (severity != "ok")


def test_the_disk_of_another_machine_can_not_be_seen(tmp_path: Path) -> None:
    here = facts(Name=socket.gethostname(), DockerRootDir=str(tmp_path))

    assert (free_bytes(here) or 0) > 0
    assert free_bytes(facts(Name="docker-desktop", DockerRootDir=str(tmp_path))) is None
    assert free_bytes(facts(Name=socket.gethostname(), DockerRootDir="/no/such/folder")) is None


def test_what_a_used_image_stands_on_is_not_idle() -> None:
    packages, model = Image(("a", "b"), 500), Image(("a", "b", "c"), 600)
    one, other = Image(("a", "b", "c", "d"), 601), Image(("a", "b", "c", "e"), 602)
    everything = [packages, model, one, other]

    assert idle_bytes(everything, [one, other]) == 0
    assert idle_bytes(everything, [one]) == 2
    assert idle_bytes(everything, []) == 603
