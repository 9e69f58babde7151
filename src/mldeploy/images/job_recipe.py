"""The images of a job as texts: tools → packages → large files → code. Pure.

By the same recipe as a release's: each is built only when the engine lacks it, and each names the
one before by its content. So an unchanged job builds and sends nothing, and a change of code only
what was changed. The project is no package that is built for each change: it lies in /job/code,
where Python looks for it, and its commands are files beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from mldeploy.images.recipe import (
    BUILD,
    INDEX_ARGUMENTS,
    LOCK,
    PYTHON,
    USER_ID,
    File,
    ImageStep,
    key_of,
    name_part,
    quoted,
)
from mldeploy.jobs import installed
from mldeploy.jobs.requirements import Requirements

HERE = "/job/code"
OUTPUTS = "/job/outputs"
BESIDE = "/job/project"  # what installing the project would have made: its name, its commands
PROJECT, ROLE = "mldeploy.project", "mldeploy.role"


@dataclass(frozen=True)
class Training:
    """All that decides what the images are. ``own_base`` says that the base has packages to keep.

    ``private_index`` as in :class:`mldeploy.images.recipe.Ingredients`.
    """

    project: str
    base: str
    own_base: bool
    needs: Requirements
    installer: str
    digest: str  # of the code
    code: tuple[File, ...]
    large: tuple[File, ...] = ()
    private_index: bool = False


def chain(of: Training) -> tuple[ImageStep, ...]:
    """The images of a job, in the order in which they are built. Pure."""
    tools = _tools(of)
    packages = _packages(of, tools)
    if not of.large:
        return tools, packages, _code(of, packages)
    large = _large(of, packages)
    return tools, packages, large, _code(of, large)


SETTINGS = f"""\
ENV PATH=/opt/venv/bin:{BESIDE}/bin:/opt/uv/bin:$PATH HOME=/tmp LANG=C.UTF-8 \\
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \\
    BENTOML_DO_NOT_TRACK=True MLFLOW_DISABLE_TELEMETRY=true GIT_PYTHON_REFRESH=quiet \\
    VIRTUAL_ENV=/opt/venv UV_PROJECT_ENVIRONMENT=/opt/venv UV_NO_SYNC=1 \\
    UV_PYTHON_DOWNLOADS=never MLDEPLOY_OUTPUTS={OUTPUTS}
ENTRYPOINT []
USER 0
"""
USER = f"USER {USER_ID}:{USER_ID}\n"
INSTALLER_RUN = """\
RUN python3 -m pip install --quiet --no-cache-dir --no-deps --require-hashes --only-binary :all: \\
        --target /opt/uv --root-user-action ignore --disable-pip-version-check -r /build/uv.txt \\
    && rm -rf /build && find /opt/uv -exec touch -hcd @315619200 {} +
"""
MAKE_RUN = """\
RUN command -v make || { apt-get update --quiet \\
    && DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends make \\
    && rm -rf /var/lib/apt/lists/*; }
"""
# The last three are where code written for FloydHub looks.
PLACES_RUN = f"""\
RUN echo "job:x:{USER_ID}:{USER_ID}::/tmp:/bin/sh" >> /etc/passwd \\
    && echo "job:x:{USER_ID}:" >> /etc/group \\
    && mkdir -p {HERE} {OUTPUTS} {BESIDE} /floyd/input \\
    && ln -s {HERE} /floyd/home && ln -s {OUTPUTS} /output \\
    && chown -R {USER_ID}:{USER_ID} /job /floyd
"""


def _tools(of: Training) -> ImageStep:
    """make and uv, and the places of a job: the same for all projects on this base."""
    after = (MAKE_RUN if of.needs.make else "") + PLACES_RUN + f"WORKDIR {HERE}\n{USER}"
    key = key_of(text=SETTINGS + INSTALLER_RUN + after, base=of.base, installer=of.installer)
    copy = "COPY uv.txt /build/\n"
    before, install = "", copy + INSTALLER_RUN
    if of.private_index:
        before = _apart(of.base, "USER 0\n" + copy + INSTALLER_RUN)
        install = "COPY --from=builder /opt/uv /opt/uv\n"
    label = f"LABEL {ROLE}=job-tools org.opencontainers.image.base.name={quoted(of.base)}\n"
    return ImageStep(
        role="tools",
        tag=f"mldeploy-job-tools:{key}",
        parent=of.base,
        before=before,
        body=label + SETTINGS + install + after,
        files=(File("uv.txt", of.installer.encode()),),
        key=key,
        why="uv and make, once for all jobs on this base",
        mark=f"{ROLE}=job-tools",
    )


def _packages(of: Training, tools: ImageStep) -> ImageStep:
    lock = sha256(f"{tools.key}\n{of.needs.locked}\n{of.needs.unlocked}".encode()).hexdigest()[:12]
    given = {"locked.txt": of.needs.locked, "unlocked.txt": of.needs.unlocked}
    files = tuple(File(f"build/{name}", text.encode()) for name, text in given.items() if text)
    install = ("COPY build/ /build/\n" if files else "") + _install(of)
    before, body = "", f"LABEL {ROLE}=job-packages {LOCK}={lock}\nUSER 0\n"
    if of.private_index:
        before = _apart(tools.tag, "USER 0\n" + install)
        body += f"COPY --from=builder --chown={USER_ID}:{USER_ID} /opt/venv /opt/venv\n"
    else:
        body += install
    key = key_of(text=install, parent=tools.key, **given)
    return ImageStep(
        role="packages",
        tag=f"mldeploy-job-packages:{key}",
        parent=tools.tag,
        before=before,
        body=body + USER,
        files=files,
        key=key,
        why="what takes longest, and changes least: installed once for a lock",
        mark=f"{LOCK}={lock}",
    )


def _install(of: Training) -> str:
    """An environment with what is needed, in one layer.

    A base with packages of its own keeps them, which pip respects; uv 0.13 does not look for them.
    """
    shared = " --system-site-packages" if of.own_base else ""
    run = [f'uv venv --quiet --no-cache{shared} --python "$(command -v python3)" /opt/venv']
    install = f"uv pip install --no-cache --python {PYTHON}"
    if of.own_base:
        install = f"{PYTHON} -m pip install --no-cache-dir --no-compile --root-user-action ignore"
    if of.needs.locked:
        run.append(f"{install} --no-deps --require-hashes -r /build/locked.txt")
    if of.needs.unlocked:
        torch = f" --torch-backend {of.needs.torch}" if of.needs.torch and not of.own_base else ""
        run.append(f"{install}{torch} -r /build/unlocked.txt")
    pip = f"{PYTHON} -m pip" if of.own_base else "/opt/uv/bin/uv pip"
    # Where Python looks for the project; bytecode that is not compared with its source; `pip` for
    # commands that begin with it, and a place where it may write; one date.
    run += [
        f'site="$({PYTHON} -c "import sysconfig; print(sysconfig.get_path(\'purelib\'))")"',
        f"printf '%s\\n' {BESIDE} {HERE}/src {HERE} > \"$site/job.pth\"",
        # Not the packages' own tests, which are a quarter of it.
        f"{{ {PYTHON} -m compileall -q -j 0 --invalidation-mode unchecked-hash -x '/tests?/'"
        ' "$site" > /dev/null || true; }',
        f"printf '#!/bin/sh\\nexec {pip} \"$@\"\\n' > /opt/venv/bin/pip",
        "chmod 755 /opt/venv/bin/pip",
        f"chown -R {USER_ID}:{USER_ID} /opt/venv",
        "rm -rf /build",
        "find /opt/venv -exec touch -hcd @315619200 {} +",
    ]
    return "RUN " + " \\\n    && ".join(run) + "\n"


def _apart(base: str, install: str) -> str:
    """A stage of which nothing is kept but what it installed: it knows the index's password."""
    arguments = "\n".join(f"ARG {name}" for name in INDEX_ARGUMENTS)
    label = f"ARG MLDEPLOY_BUILD=by-hand\nLABEL {BUILD}=$MLDEPLOY_BUILD"
    return f"FROM {base} AS builder\n{label}\n{arguments}\n{install}\n"


COPY_CODE = f"COPY --chown={USER_ID}:{USER_ID} code/ {HERE}/\n"


def _large(of: Training, packages: ImageStep) -> ImageStep:
    body = f"LABEL {ROLE}=job-files {PROJECT}={quoted(of.project)}\n{COPY_CODE}"
    named = {file.name: f"{file.digest}{file.executable}" for file in of.large}
    key = key_of(text=body, parent=packages.key, **named)
    return ImageStep(
        role="files",
        tag=f"mldeploy-job-files-{name_part(of.project)}:{key}",
        parent=packages.tag,
        before="",
        body=body,
        files=of.large,
        key=key,
        why="files of more than 1 MB apart: a change of code does not send them again",
    )


def _code(of: Training, parent: ImageStep) -> ImageStep:
    own = tuple(
        File(f"project/{f.name}", f.content, executable=f.executable)
        for f in installed.as_files(of.needs.package, PYTHON)
    )
    body = f"LABEL {ROLE}=job-code {PROJECT}={quoted(of.project)} mldeploy.code={of.digest[:24]}\n"
    body += (COPY_CODE if of.code else "") + (f"COPY project/ {BESIDE}/\n" if own else "")
    beside = {each.name: str(each.source) for each in own}
    key = key_of(text=body, parent=parent.key, code=of.digest, **beside)
    return ImageStep(
        role="code",
        tag=f"mldeploy-job-{name_part(of.project)}:{key}",
        parent=parent.tag,
        before="",
        body=body,
        files=of.code + own,
        key=key,
        why="the code last, since it changes most",
    )
