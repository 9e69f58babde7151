"""Build the images of a release on an engine: only those that it lacks, never half of one."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mldeploy.errors import FailedError
from mldeploy.images import buildkit, context
from mldeploy.images.output import Output
from mldeploy.images.recipe import BUILD, INDEX_ARGUMENTS, File, ImageStep
from mldeploy.images.trouble import DISTURBED, explain_build, explain_pull
from mldeploy.ui import Ui

if TYPE_CHECKING:
    import docker

SILENT_SECONDS = 600  # an engine that says nothing for so long is given up
BUILD_SECONDS = 3600
ENDING_SECONDS = 10
MOST_BUILDS = 6  # of three images; more would mean that somebody removes them all the time
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "FTP_PROXY")


@dataclass(frozen=True)
class Built:
    """The image of a release; ``made`` are the roles of the images that had to be built for it."""

    tag: str
    image_id: str
    made: tuple[str, ...]


Builder = Callable[[ImageStep, dict[str, str], Output], None]


def ensure(
    client: docker.DockerClient,
    steps: Sequence[ImageStep],
    ui: Ui,
    builder: Builder | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Built:
    """Build what the engine lacks of these images, the last of which is the release's.

    ``builder`` builds one of them, from :func:`files_of`, where the engine isn't on this machine;
    ``environment`` is where proxies and package indexes are looked up.

    Raises :class:`FailedError`. Whatever ends a build early, also Ctrl+C, leaves no tag, and no
    container and no layer of the unfinished image; finished ones stay, and the next try goes on
    from them.
    """
    made: list[str] = []
    here = partial(_build_here, client, ui)
    # Looked at again after each: somebody else's `prune` may take what no release stands on yet.
    for left in reversed(range(MOST_BUILDS)):
        if not (missing := _missing(client, steps)):
            break
        step = missing[0]
        if step is steps[0]:
            _ensure_base(client, step.parent, ui)
        try:
            with ui.step(f"image: {step.role}") as line:
                ui.explain(f"docker build -t {step.tag} - < context.tar", step.why)
                _build(client, step, ui, builder or here, environment)
                line.say(step.tag)
            made.append(step.role)
        except FailedError as error:
            if error.code != DISTURBED or not left:
                raise
            ui.note("somebody removed what it stood on: once more")
    image = client.images.get(steps[-1].tag)
    return Built(steps[-1].tag, str(image.id), tuple(made))


def files_of(step: ImageStep) -> tuple[File, ...]:
    """What is sent to the engine for a step."""
    return (*step.files, File("Dockerfile", step.dockerfile.encode()))


def arguments(step: ImageStep, environment: Mapping[str, str]) -> dict[str, str]:
    """What a build is told of this machine: its proxies, and where its packages come from.

    Docker keeps proxies out of an image's history by itself; the index is known only to the stage
    of which nothing is kept.
    """
    names = [*PROXIES, *(name.lower() for name in PROXIES)]
    if step.before:  # an argument that no stage declares makes the engine complain
        names += INDEX_ARGUMENTS
    return {name: environment[name] for name in names if environment.get(name)}


def _missing(client: docker.DockerClient, steps: Sequence[ImageStep]) -> list[ImageStep]:
    """The last steps that are not there: an image holds all that it was built on."""
    missing: list[ImageStep] = []
    for step in reversed(steps):
        if is_there(client, step):
            break
        missing.insert(0, step)
    return missing


def is_there(client: docker.DockerClient, step: ImageStep) -> bool:
    """Has the engine this very image?"""
    from docker.errors import ImageNotFound

    try:
        image = client.images.get(step.tag)
    except ImageNotFound:
        return False
    # A release keeps its name when the base or our own scripts change; its image is another then.
    return step.role != "image" or image.labels.get("mldeploy.recipe") == step.key


def _ensure_base(client: docker.DockerClient, base: str, ui: Ui) -> None:
    """Fetched before the build, which would say less clearly that there is none."""
    from docker.errors import APIError, ImageNotFound
    from docker.utils import parse_repository_tag

    with suppress(ImageNotFound):
        client.images.get(base)
        return
    name, tag = parse_repository_tag(base)
    with ui.step(f"base image {base}"):
        ui.explain(f"docker pull {base}", "what all images stand on; fetched once")
        said = ""
        try:
            for event in client.api.pull(name, tag or "latest", stream=True, decode=True):
                said = str(event.get("error", said))
        except APIError as error:
            said = str(error.explanation or error)
        if said:
            raise explain_pull(base, said)


def _build(
    client: docker.DockerClient,
    step: ImageStep,
    ui: Ui,
    builder: Builder,
    environment: Mapping[str, str],
) -> None:
    output = Output(step.role, ui.note)
    told = arguments(step, environment)
    with _nothing_left(client, step) as build_id:
        if step.before:
            told["MLDEPLOY_BUILD"] = build_id
        builder(step, told, output)
        if not output.failed and not is_there(client, step):
            output.failed = "the engine went away: what it said ended before the image was whole"
    if output.failed:
        said = f"{output.tail}\n{output.failed}"
        raise explain_build(step.role, said, output.tail)


def _build_here(
    client: docker.DockerClient, ui: Ui, step: ImageStep, told: dict[str, str], output: Output
) -> None:
    if not _build_by_the_engine(client, step, told, output):
        ui.note("this engine builds with BuildKit only: the docker program does it")
        stream = context.stream(files_of(step))
        buildkit.build(step.tag, stream, told, output, BUILD_SECONDS)


def _build_by_the_engine(
    client: docker.DockerClient, step: ImageStep, told: dict[str, str], output: Output
) -> bool:
    """The classic builder, over the API: any engine has it, near or far, but the very newest.

    False if this one hasn't. The library's own `build` hides the connection; it must be closed by
    hand, for that is how the engine learns that nobody waits any more.
    """
    import requests
    import urllib3

    api = client.api
    wanted = {"t": step.tag, "buildargs": json.dumps(told), "rm": "1", "forcerm": "1"}
    deadline = time.monotonic() + BUILD_SECONDS
    try:
        with api.post(
            f"{api.base_url}/v{api.api_version}/build",
            params=wanted,
            data=context.stream(files_of(step)),
            headers={"Content-Type": "application/tar"},
            stream=True,
            timeout=SILENT_SECONDS,
        ) as answer:
            if answer.status_code != 200:
                output.failed = _message(answer.text)
                return not _wants_buildkit(output)
            for line in answer.iter_lines(chunk_size=None):
                output.take(json.loads(line) if line else {})
                if time.monotonic() > deadline:
                    output.failed = f"It was stopped after {BUILD_SECONDS} s."
                    break
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        output.failed = f"the engine went away, or hangs: {type(error).__name__}: {error}"
    return True


def _message(answer: str) -> str:
    with suppress(ValueError, KeyError, TypeError):
        return str(json.loads(answer)["message"])
    return answer


def _wants_buildkit(output: Output) -> bool:
    refused = any(word in output.failed.lower() for word in ("buildkit", "builder", "implemented"))
    if refused:
        output.failed = ""
    return refused


@contextmanager
def _nothing_left(client: docker.DockerClient, step: ImageStep) -> Iterator[str]:
    """Remove the stage of which nothing is kept, and wait for the end of a build that was ended."""
    import docker
    import requests

    build_id = secrets.token_hex(6)
    marks = [step.mark, f"{BUILD}={build_id}"] if step.before else [step.mark]
    try:
        yield build_id
    finally:
        # An engine that is gone or full is told of by the build itself.
        with suppress(docker.errors.APIError, requests.exceptions.RequestException):
            _wait_for_the_end(client, [mark for mark in marks if mark])
            # Not `prune`, of which the engine runs only one at a time.
            left = {"dangling": True, "label": f"{BUILD}={build_id}"}
            for image in client.images.list(filters=left) if step.before else ():
                client.images.remove(str(image.id))  # and with it those that it stands on


def _wait_for_the_end(client: docker.DockerClient, marks: Sequence[str]) -> None:
    """The engine ends a build that nobody waits for by itself, in its own time."""
    deadline = time.monotonic() + ENDING_SECONDS
    while time.monotonic() < deadline and any(
        client.containers.list(all=True, filters={"label": mark}, sparse=True) for mark in marks
    ):
        time.sleep(0.05)
