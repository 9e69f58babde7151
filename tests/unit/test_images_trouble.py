"""What a build says, and what we make of it when it fails."""

from __future__ import annotations

import pytest

from mldeploy.images import output as module
from mldeploy.images.output import Output
from mldeploy.images.trouble import explain_build, explain_pull


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> tuple[Output, list[str]]:
    """An output that tells every line, and what it told."""
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.0)
    told: list[str] = []
    return Output("dependencies", told.append), told


def test_progress_is_the_step_and_the_last_line(impatient: tuple[Output, list[str]]) -> None:
    output, told = impatient
    for piece in (
        "Step 9/18 : RUN pip install\n",
        " ---> 0123456789ab\n",
        "\x1b[91mDownloading\x1b[0m",
        " numpy (16.2MiB)\n",
        "Removing intermediate container 0123456789ab\n",
    ):
        output.take({"stream": piece})

    assert told == [
        "dependencies, step 9/18: RUN pip install",
        "dependencies, step 9/18: Downloading numpy (16.2MiB)",
    ]


def test_progress_of_buildkit_reads_the_same(impatient: tuple[Output, list[str]]) -> None:
    output, told = impatient

    output.line("#7 [builder 3/4] RUN pip install")
    output.line("#7 1.234 Downloading numpy")

    assert told[0] == "dependencies, step 3/4: RUN pip install"
    assert told[1].endswith("Downloading numpy")


def test_a_quick_build_says_nothing_in_between() -> None:
    told: list[str] = []
    output = Output("model", told.append)

    for number in range(50):
        output.line(f"Step {number}/50 : COPY a b")

    assert told == []
    assert len(output.lines) == module.KEPT_LINES


def test_an_error_in_the_stream_is_kept() -> None:
    output = Output("model", lambda _: None)

    output.take({"error": "short", "errorDetail": {"code": 2, "message": "the whole reason"}})

    assert output.failed == "the whole reason"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("write /var/lib/docker/tmp/x: no space left on device", "disk-full"),
        ("error: Failed to install: x.whl\n Caused by: No space left on device", "disk-full"),
        ("error: Hash mismatch for `numpy==2.4.6`\n\nExpected:\n  sha256:00", "hash-mismatch"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS", "hash-mismatch"),
        ("the engine went away, or hangs: ProtocolError: broken", "engine-gone"),
        ("error: Failed to fetch: `https://index/simple/numpy/`", "no-package-index"),
        ("NewConnectionError: Temporary failure in name resolution", "no-package-index"),
        ("No solution: torch==2.9 has no wheels with a matching platform tag", "no-wheel"),
        ("error: Failed to build `psycopg2==2.9`", "no-wheel"),
        ("/bin/sh: 1: python3: not found", "no-python-in-base"),
        ("/usr/bin/python3: No module named pip", "no-python-in-base"),
        ("No such image: sha256:25560ffd6e94b44b", "build-disturbed"),
        ("pull access denied for mldeploy-model, repository does not exist", "build-disturbed"),
        ('Get "https://registry/v2/": dial tcp: lookup registry', "build-disturbed"),
        ("something never seen", "build-failed"),
        ("", "build-failed"),
    ],
)
def test_each_cause_is_told_by_its_name(said: str, code: str) -> None:
    error = explain_build("dependencies", said, "the last lines")

    assert error.code == code
    assert error.what
    assert error.why
    assert error.do
    assert error.detail == "the last lines"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('Get "https://registry/v2/": dial tcp: lookup registry: no such host', "no registry"),
        ("net/http: request canceled (Client.Timeout exceeded)", "no registry"),
        ("manifest for python:9 not found: manifest unknown", "none of that name"),
        ("pull access denied for x, repository does not exist", "none of that name"),
        ("toomanyrequests: You have reached your pull rate limit", "pull rate limit"),
    ],
)
def test_a_base_that_cannot_be_had_is_named(said: str, words: str) -> None:
    error = explain_pull("python:9-slim", said)

    assert error.code == "no-base-image"
    assert "python:9-slim" in error.what
    assert words in error.why
    assert error.do


def test_a_disk_that_fills_while_the_base_is_fetched_is_told_so() -> None:
    assert explain_pull("python:9", "write: no space left on device").code == "disk-full"
