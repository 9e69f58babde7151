"""What the machine that is rented for one job alone is called: aws-job-3-ab12. Pure."""

from __future__ import annotations

import re

PATTERN = re.compile(r"(?P<target>.+)-job-(?P<job>\d+-[0-9a-f]{4})")


def name_of(target: str, job_id: str) -> str:
    return f"{target}-job-{job_id}"


def target_of(name: str) -> str | None:
    """The target of mldeploy.toml that it was rented by; None for any other name."""
    found = PATTERN.fullmatch(name)
    return found["target"] if found else None


def job_of(name: str) -> str | None:
    """The id of its job; None for any other name."""
    found = PATTERN.fullmatch(name)
    return found["job"] if found else None
