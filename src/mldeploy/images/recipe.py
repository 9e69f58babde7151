"""What an image is made of, as three chained images: dependencies → model → code. Pure.

Each is built only when the engine lacks it, and each names the one before by its content. So a
change of code sends and copies only code, whatever became of any build cache; a new model is copied
once; and what takes a minute, the dependencies, is shared by every project with the same lock.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal

from mldeploy.release import Release, digest_of

# The machine is of the practice cloud; what follows it is of a job, see training.py.
Role = Literal["dependencies", "model", "image", "machine", "tools", "packages", "files", "code"]

RECIPE = "1"  # counts up when the images change in a way that the texts below don't show
USER_ID = 10001
PORT = 3000
PYTHON = "/opt/venv/bin/python"
MODEL = "bento/src/models/champion"  # in the image under /app

# Where packages come from, if the environment says so. Such an address may hold a password, and an
# image's history keeps the arguments of what was run in it: see _dependencies.
INDEX_ARGUMENTS = ("UV_DEFAULT_INDEX", "UV_INDEX", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")
BUILD = (
    "mldeploy.build"  # label of a stage of which nothing is kept: by it, it is found and removed
)
LOCK = "mldeploy.lock"  # label: which packages


@dataclass(frozen=True)
class File:
    """A file of a build context: its content, or where that is read from when it is sent.

    ``digest`` is the content's SHA-256; only names of images need it, so that code goes without.
    """

    name: str
    source: bytes | Path
    digest: str = ""
    executable: bool = False


@dataclass(frozen=True)
class Ingredients:
    """All that decides what the images are.

    ``installer`` is a requirements file that pins uv. The names in ``model`` are relative to the
    model's folder, those in ``code`` to /app. ``owner`` are further labels of the release's image.
    ``private_index`` says that packages come from an address which is nobody's business; the image
    is the same, its build takes twice as long.
    """

    release: Release
    project: str
    target: str
    base: str
    requirements: str
    installer: str
    model: tuple[File, ...]
    code: tuple[File, ...]
    owner: Mapping[str, str] = field(default_factory=dict)
    private_index: bool = False


@dataclass(frozen=True)
class ImageStep:
    """One image. ``key`` names all that it is made of; the tags of the first two hold it.

    ``mark`` is a label of the containers in which it is built.
    """

    role: Role
    tag: str
    parent: str
    before: str  # the stages in front of its own
    body: str
    files: tuple[File, ...]
    key: str
    why: str
    mark: str = ""

    @property
    def dockerfile(self) -> str:
        return f"{self.before}FROM {self.parent}\n{self.body}"


def base_for(python: str, wanted: str | None) -> str:
    """The image to build on, for a project whose interpreter is ``python``, such as 3.12.4."""
    return wanted or f"python:{'.'.join(python.split('.')[:2])}-slim-bookworm"


def tag_of(project: str, target: str, release: str) -> str:
    return f"mldeploy-{name_part(project)}-{name_part(target)}:{release}"


def steps(of: Ingredients) -> tuple[ImageStep, ImageStep, ImageStep]:
    """The images of a release, in the order in which they are built."""
    dependencies = _dependencies(of)
    model = _model(of, dependencies)
    return dependencies, model, _image(of, model)


def single_file(images: tuple[ImageStep, ...]) -> str:
    """The same images as one Dockerfile, for a context with the files of all three."""
    parts = [
        "# What mldeploy builds as three images, so that an unchanged one is never built again,\n"
        "# as one file to read or to keep. With its context:\n"
        "#   mldeploy image --context context.tar && docker build -t NAME - < context.tar\n\n"
    ]
    last = images[-1]
    parent = images[0].parent
    for image in images:
        stage = "" if image is last else f" AS {image.role}"
        parts.append(f"{image.before}FROM {parent}{stage}\n{image.body}\n")
        parent = image.role
    return "".join(parts).rstrip() + "\n"


# Bytecode that is not compared with its source starts a container without writing anything, and one
# date for all files makes the layer the same each time. All in one step, for one layer.
INSTALL = f"""\
RUN python3 -m pip install --quiet --no-cache-dir --no-deps --require-hashes --only-binary :all: \\
        --target /build/uv --root-user-action ignore --disable-pip-version-check -r /build/uv.txt \\
    && /build/uv/bin/uv venv --quiet --python "$(command -v python3)" /opt/venv \\
    && PYC_INVALIDATION_MODE=UNCHECKED_HASH /build/uv/bin/uv pip install --no-cache --no-deps \\
        --require-hashes --compile-bytecode --python {PYTHON} -r /build/requirements.txt \\
    && rm -rf /build \\
    && echo "app:x:{USER_ID}:{USER_ID}::/tmp:/bin/sh" >> /etc/passwd \\
    && echo "app:x:{USER_ID}:" >> /etc/group \\
    && find /opt /etc/passwd /etc/group -exec touch -hcd @315619200 {{}} + \\
    && touch -d @315619200 /etc /tmp
"""
COPY_LOCK = "COPY uv.txt requirements.txt /build/\n"


def _dependencies(of: Ingredients) -> ImageStep:
    lock = sha256(f"{of.base}\n{of.requirements}".encode()).hexdigest()[:12]
    settings = f"""\
LABEL mldeploy.role=dependencies {LOCK}={lock} org.opencontainers.image.base.name={quoted(of.base)}
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp LANG=C.UTF-8 \\
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 BENTOML_DO_NOT_TRACK=True
WORKDIR /app
EXPOSE {PORT}
STOPSIGNAL SIGTERM
"""
    user = f"USER {USER_ID}:{USER_ID}\n"
    before, body, mark = "", settings + COPY_LOCK + INSTALL + user, f"{LOCK}={lock}"
    if of.private_index:
        before = _apart(of.base)
        body = settings + user + "COPY --from=builder /etc/passwd /etc/group /etc/\n"
        body += "COPY --from=builder /opt/venv /opt/venv\n"
    files = (
        File("requirements.txt", of.requirements.encode()),
        File("uv.txt", of.installer.encode()),
    )
    installed = {f.name: str(f.source) for f in files}
    key = key_of(text=settings + INSTALL + user, base=of.base, **installed)
    return ImageStep(
        role="dependencies",
        tag=f"mldeploy-dependencies:{key}",
        parent=of.base,
        before=before,
        body=body,
        files=files,
        key=key,
        why="what takes longest, and changes least: installed once for a lock, with its hashes",
        mark=mark,
    )


def _apart(base: str) -> str:
    """A stage that installs, of which nothing is kept but what it installed."""
    arguments = "\n".join(f"ARG {name}" for name in INDEX_ARGUMENTS)
    return f"""\
FROM {base} AS builder
ARG MLDEPLOY_BUILD=by-hand
LABEL {BUILD}=$MLDEPLOY_BUILD
# Where packages come from. Of this stage nothing is kept, neither its history.
{arguments}
{COPY_LOCK}{INSTALL}
"""


def _model(of: Ingredients, dependencies: ImageStep) -> ImageStep:
    body = f"LABEL mldeploy.role=model\nCOPY model/ /app/{MODEL}/\n"
    digests = {f"model/{file.name}": file.digest for file in of.model}
    key = key_of(text=body, parent=dependencies.key, **digests)
    return ImageStep(
        role="model",
        tag=f"mldeploy-model:{key}",
        parent=dependencies.tag,
        before="",
        body=body,
        files=tuple(File(f"model/{f.name}", f.source, f.digest) for f in of.model),
        key=key,
        why="the model apart from the code: a change of code does not copy it again",
    )


def _image(of: Ingredients, model: ImageStep) -> ImageStep:
    copied = "COPY app/ /app/\n"
    command = json.dumps([PYTHON, "/app/server/serve_replica.py", "/app/bento", of.release.name])
    started = f"CMD {command}\n"
    digests = {f"app/{file.name}": file.digest for file in of.code if file.digest}
    key = key_of(
        text=started + copied,
        parent=model.key,
        project=of.project,
        target=of.target,
        release=of.release.digest,  # the code, the model, the lock and the golden requests
        **dict(of.owner),
        **digests,
    )
    lines = [f"{name}={quoted(value)}" for name, value in _labels(of, key).items()]
    return ImageStep(
        role="image",
        tag=tag_of(of.project, of.target, of.release.name),
        parent=model.tag,
        before="",
        body="LABEL " + " \\\n      ".join(lines) + "\n" + started + copied,
        files=tuple(File(f"app/{f.name}", f.source, f.digest) for f in of.code),
        key=key,
        why="the code last, since it changes most: some hundred kilobytes to send and to copy",
    )


def _labels(of: Ingredients, key: str) -> dict[str, str]:
    release = of.release
    ours = {
        "project": of.project,
        "target": of.target,
        "role": "image",
        "release": release.name,
        "model_version": release.model_version,
        "run_id": release.run_id,
        "commit": release.commit or "",
        "recipe": key,
        "record": json.dumps(release.as_dict(), sort_keys=True),
    }
    return {
        **of.owner,
        "org.opencontainers.image.title": of.project,
        "org.opencontainers.image.version": release.name,
        "org.opencontainers.image.revision": release.commit or "",
        "org.opencontainers.image.created": release.created_at,
        **{f"mldeploy.{name}": value for name, value in ours.items()},
    }


def quoted(value: str) -> str:
    """A text as one word of a Dockerfile, in which ``$`` and quotes stand for themselves."""
    kept = "".join(" " if ord(sign) < 32 else sign for sign in value)
    return '"' + re.sub(r'(["\\$])', r"\\\1", kept) + '"'


def name_part(name: str) -> str:
    """A name as Docker allows it in an image's: one that can't stay gets a digest of itself."""
    if re.fullmatch(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*", name):
        return name
    fitting = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"{fitting}-{sha256(name.encode()).hexdigest()[:6]}".lstrip("-")


def key_of(**parts: str) -> str:
    named = {name: value.encode() for name, value in parts.items()}
    return digest_of(named | {"recipe": RECIPE.encode()})[:12]
