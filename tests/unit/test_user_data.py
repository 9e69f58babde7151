"""What a machine is told at its first boot."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import yaml

from mldeploy.providers import lifetime, user_data
from mldeploy.providers.base import Order, Owner

END = datetime(2026, 11, 23, 16, 0, 0, tzinfo=UTC)
PRIVATE = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----\n"
)
ORDER = Order(
    owner=Owner("docs", "aws"),
    rental="0123456789",
    generation=1,
    machine_types=("t3.small",),
    prices={"t3.small": "machine=0.0208"},
    disk_gb=20,
    ports=(80, 443),
    made_by="me@laptop",
    made_at=datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC),
    expires_at=END,
    public_key="ssh-ed25519 AAAA",
    host_key="ssh-ed25519 BBBB",
    private_host_key=PRIVATE,
    images=("python:3.12-slim-bookworm", "caddy:2.11.7-alpine"),
)


def told(order: Order) -> dict[str, Any]:
    text = user_data.cloud_config(order, "ubuntu")
    assert text.startswith("#cloud-config\n")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def test_it_is_yaml_with_the_host_key_that_we_will_compare() -> None:
    keys = told(ORDER)["ssh_keys"]

    assert keys == {"ed25519_private": PRIVATE, "ed25519_public": ORDER.host_key}


def test_the_lifetime_is_armed_before_anything_that_can_fail() -> None:
    found = told(ORDER)
    files = {one["path"]: one["content"] for one in found["write_files"]}
    commands = found["runcmd"]

    assert files[lifetime.EXPIRES] == f"{int(END.timestamp())}\n"
    assert commands[1] == "systemctl enable --now mldeploy-lifetime.timer"
    assert user_data.INSTALL_FILE in commands[2]
    assert commands[2].endswith("ubuntu python:3.12-slim-bookworm caddy:2.11.7-alpine")


def test_a_machine_without_an_end_is_told_so() -> None:
    files = {
        one["path"]: one["content"] for one in told(replace(ORDER, expires_at=None))["write_files"]
    }

    assert files[lifetime.EXPIRES] == "never\n"


def test_it_fits_into_what_ec2_takes() -> None:
    assert len(user_data.cloud_config(ORDER, "ubuntu").encode()) < 16_384 / 2


def test_its_scripts_are_for_any_posix_shell() -> None:
    for script in (user_data.INSTALL, lifetime.PROGRAM, lifetime.EXTEND):
        subprocess.run(["sh", "-n", "-c", script], check=True, timeout=20)


def test_an_order_is_written_and_read_whole() -> None:
    import msgspec

    assert msgspec.json.decode(msgspec.json.encode(ORDER), type=Order) == ORDER
    assert json.loads(msgspec.json.encode(ORDER))["expires_at"].startswith("2026-11-23T16:00:00")
