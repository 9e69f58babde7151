"""`image`: what is in the image of a release, and the recipe that it is built by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mldeploy.cli.main import Verb
from mldeploy.cli.shared import current_project, target_argument, voice
from mldeploy.config import DockerTarget, EngineTarget, FarTarget
from mldeploy.errors import ConfigError, FailedError

if TYPE_CHECKING:
    from mldeploy.images.recipe import ImageStep
    from mldeploy.images.report import Seen
    from mldeploy.project import Project


@click.command(cls=Verb, example="mldeploy image docker\nmldeploy image --dockerfile > Dockerfile")
@target_argument
@click.option("--dockerfile", is_flag=True, help="Print the recipe as one Dockerfile instead.")
@click.option(
    "--context",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write that and all that it copies to a tar file, for: docker build - < FILE",
)
def image(target: str | None, dockerfile: bool, context: Path | None) -> None:
    """Show the layers of a release's image by size, what made them big, and what is out of place.

    It is the image of the release that serves, else the newest one. TARGET is the first of kind
    `docker` unless named.
    """
    from mldeploy.images.report import as_dict, as_text

    ui = voice()
    project, name, settings = _chosen(target)
    if not dockerfile and not context:
        seen = _measured(project, name, settings)
        ui.result(as_dict(seen), as_text(seen))
        return
    from mldeploy.images.recipe import single_file

    images = _recipe(project, name, settings)
    text = single_file(images)
    if context:
        _write(context, images, text)
        ui.note(f"docker build -t NAME - < {context}")
    if dockerfile or ui.as_json:
        ui.result({"dockerfile": text, "context": str(context) if context else None}, text.rstrip())


def _chosen(named: str | None) -> tuple[Project, str, EngineTarget]:
    project = current_project()
    project.config.project.require_served()
    targets = project.config.targets
    first = next((n for n, each in targets.items() if isinstance(each, DockerTarget)), None)
    name, settings = project.config.target(named or first)
    if isinstance(settings, DockerTarget | FarTarget):
        return project, name, settings
    raise ConfigError(
        "no-image-here",
        what=f"Target {name} has no image.",
        why=f"It is of kind {settings.kind!r}; images are made on `docker` and `ssh`.",
        do='add to mldeploy.toml: [targets.docker] with kind = "docker"; then: mldeploy up docker',
    )


def _measured(project: Project, name: str, target: EngineTarget) -> Seen:
    from mldeploy.engines.docker import DockerEngine
    from mldeploy.engines.docker_client import told
    from mldeploy.engines.docker_images import images_of
    from mldeploy.images.look import measure, newest

    engine = DockerEngine(project, name, target)
    with told():
        there = images_of(engine.client, engine.names)
        chosen = newest(there, engine.serving().release) if there else None
        if chosen is None:
            raise FailedError(
                "no-image",
                what=f"There is no image of {project.config.project.name} for {name} yet.",
                why="`up` builds it, on the engine where it is to run.",
                do=f"mldeploy up {name}",
            )
        return measure(engine.client, chosen, engine.names.labels("writer"))


def _recipe(project: Project, name: str, target: EngineTarget) -> tuple[ImageStep, ...]:
    from mldeploy.build import known_releases
    from mldeploy.images.ingredients import collect
    from mldeploy.images.recipe import steps

    known = known_releases(project)
    if not known:
        raise FailedError(
            "no-release",
            what="There is no release to show the recipe of.",
            why=f"Nothing was built yet from {project.root}.",
            do=f"mldeploy up {name}",
        )
    return steps(collect(project, name, target.base, known[-1]))


def _write(path: Path, images: tuple[ImageStep, ...], dockerfile: str) -> None:
    from mldeploy.images.context import stream
    from mldeploy.images.recipe import File

    files = [file for each in images for file in each.files]
    with path.open("wb") as archive:
        for chunk in stream([*files, File("Dockerfile", dockerfile.encode())]):
            archive.write(chunk)
