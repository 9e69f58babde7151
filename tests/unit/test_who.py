"""A user without a name is still somebody."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mldeploy.who import user


def test_the_name_is_the_users() -> None:
    assert user()


def test_a_user_without_a_name_is_a_number() -> None:
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    nameless = 54321
    # Imported before: afterwards the interpreter's own files may be out of reach.
    script = (
        "import getpass, os, pwd\n"
        "from mldeploy.who import user\n"
        f"os.setuid({nameless})\n"
        "print(user())\n"
    )
    plain = {
        k: v for k, v in os.environ.items() if k not in ("LOGNAME", "USER", "USERNAME", "LNAME")
    }

    done = subprocess.run(
        [sys.executable, "-c", script],
        env=plain,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.stdout.strip() == f"uid {nameless}", done.stderr
