"""What a job runs in: images made of its code and what that needs, or an environment here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldeploy.errors import FailedError
from mldeploy.images import job_recipe
from mldeploy.images.ingredients import INSTALLER
from mldeploy.images.job_recipe import PROJECT, ROLE, Training
from mldeploy.images.recipe import INDEX_ARGUMENTS, File, ImageStep, base_for
from mldeploy.jobs import environment
from mldeploy.jobs.code import Code, CodeFile
from mldeploy.jobs.requirements import Wishes, interpreter_of, read
from mldeploy.project import Project
from mldeploy.ui import Ui

if TYPE_CHECKING:
    import docker

NEWEST = 3  # images of code that are kept on a machine
LARGE = 1_000_000  # bytes: what is larger has an image of its own, as it seldom changes


def steps(
    project: Project, code: Code, task: Wishes | None, environ: Mapping[str, str]
) -> tuple[ImageStep, ...]:
    """The images of a job, the last of which is the one to run; its tag names the code.

    Raises :class:`MldeployError`, also when a file was changed after ``code`` was collected.
    """
    needs = read(code.root, task, interpreter_of(project))
    base = task.base if task else None
    files = [(each, _file(each)) for each in code.files]
    return job_recipe.chain(
        Training(
            project=project.config.project.name,
            base=base_for(needs.python, base),
            own_base=base is not None,
            needs=needs,
            installer=INSTALLER.read_text(encoding="utf-8"),
            digest=code.digest,
            code=tuple(file for each, file in files if each.bytes <= LARGE),
            large=tuple(file for each, file in files if each.bytes > LARGE),
            private_index=any(environ.get(name) for name in INDEX_ARGUMENTS),
        )
    )


def environment_here(project: Project, code: Path, task: Wishes | None, ui: Ui) -> Path:
    """An interpreter of this machine for the code in a folder: what a job without Docker gets.

    What it has to be started with, besides, is in :func:`mldeploy.jobs.environment.settings`.
    """
    return environment.ensure(project, code, task, ui)


def forget_old_code(client: docker.DockerClient, project: str) -> list[str]:
    """Keep the project's newest images of code, for a job that is run again, and no others."""
    from mldeploy.engines.docker_images import labelled

    found = labelled(client, label=[f"{PROJECT}={project}", f"{ROLE}=job-code"])
    found.sort(key=lambda image: str(image.attrs["Created"]))
    if len(found) <= NEWEST:
        return []
    return forget_code_images(client, project, [t for i in found[-NEWEST:] for t in i.tags])


def forget_code_images(
    client: docker.DockerClient, project: str, keep: Collection[str] = ()
) -> list[str]:
    """Remove the project's images of code, but for the tags in ``keep``, and what no job's image
    stands on any more. Says what; an image that a container uses stays.

    Where the project has none, nothing is looked at.
    """
    import docker

    from mldeploy.engines.docker_images import labelled

    own_code = labelled(client, label=[f"{PROJECT}={project}", f"{ROLE}=job-code"])
    if not own_code:
        return []
    removed: list[str] = []

    def remove(image: Any) -> None:
        for tag in image.tags:
            try:
                client.images.remove(tag)
            except docker.errors.ImageNotFound:
                continue
            except docker.errors.APIError as error:
                if error.status_code != 409:
                    raise
                continue
            removed.append(f"image {tag}")

    for image in own_code:
        if not set(image.tags) & set(keep):
            remove(image)
    for role in ("job-files", "job-packages", "job-tools"):
        children = [i for i in labelled(client, label=ROLE) if i.labels[ROLE].startswith("job-")]
        begun = [i.attrs["RootFS"]["Layers"] for i in children]
        for image in labelled(client, label=f"{ROLE}={role}"):
            own = image.attrs["RootFS"]["Layers"]
            if not any(len(one) > len(own) and one[: len(own)] == own for one in begun):
                remove(image)
    return removed


def _file(of: CodeFile) -> File:
    """Small files are read now: what is sent is what names the image."""
    if of.bytes > LARGE:
        return File(f"code/{of.name}", of.path, of.digest, of.executable)
    content = of.path.read_bytes()
    if sha256(content).hexdigest() != of.digest:
        raise FailedError(
            "code-changed",
            what=f"{of.name} was changed while the job was being prepared.",
            why="What runs is to be what was written down.",
            do="the same command again",
        )
    return File(f"code/{of.name}", content, of.digest, of.executable)
