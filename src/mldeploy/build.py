"""Build a release: champion model + code + locked serving dependencies → bento."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mldeploy import champion as champions
from mldeploy import environment as serving_environment
from mldeploy import golden, release
from mldeploy.champion import Champion
from mldeploy.errors import FailedError
from mldeploy.programs import ProgramError, last_lines, run, waiting_for_order
from mldeploy.project import Project, code_files, git_state, locked_requirements
from mldeploy.release import Release
from mldeploy.ui import Ui
from mldeploy.who import user

SCRIPTS = Path(__file__).parent / "project_side"
MODEL_FOLDER = Path("models/champion")  # where the template's service looks, from the code's root
LEAST_ROOM = 100_000_000  # bytes; with a serving environment to make it can be 300 MB more
BUILD_SECONDS, MLFLOW_SECONDS = 600, 300


def build(project: Project, ui: Ui) -> Release:
    """Make the release of what the project is now, or find that it is made already.

    Raises :class:`FailedError` with nothing left behind but whole releases and environments.
    """
    project.config.project.require_served()
    interpreter = project.python()
    with _workshop(project) as workshop:
        context = workshop / "context"
        requirements = locked_requirements(project)
        ui.explain(
            "uv export --locked --only-group serve > requirements.txt",
            "the exact versions, with hashes, that the service runs with here and elsewhere",
        )
        _copy_code(project, context)
        (context / "requirements.txt").write_text(requirements, encoding="utf-8")
        # MLflow and bentoml both import for seconds: one asks, the other gets ready meanwhile.
        with ThreadPoolExecutor(max_workers=1) as aside, _builder(project, workshop) as order:
            taking = aside.submit(take_champion, project, interpreter, context / MODEL_FOLDER, ui)
            with ui.step("serving environment") as step:
                made = serving_environment.ensure(project, interpreter, requirements, ui)
                step.say(made.summary)
            with ui.step(f"model {project.config.project.served.model}") as step:
                champion = taking.result()
                step.say(f"version {champion.version}, run {champion.run_id[:8]}")
            requests = golden.read(project.golden, champion.run_id)
            fresh = _identify(project, champion, context, requests, made.key)
            if (releases_folder(project) / fresh.name).exists():
                ui.note(f"release {fresh.name} was built before; it is used again")
                return release.load(releases_folder(project) / fresh.name)
            with ui.step(f"release {fresh.name}") as step:
                _assemble(project, fresh, requests, workshop, order)
                step.say(fresh.code)
        return fresh


def take_champion(project: Project, interpreter: Path, folder: Path, ui: Ui) -> Champion:
    """Copy the champion's serving files from MLflow to ``folder``; the registry is the truth."""
    wanted = project.config.project.served
    ui.explain(
        f"mlflow artifacts download --run-id (of models:/{wanted.model}) --artifact-path serving",
        "the model is whatever the registry's alias names now, not what lies in a folder",
    )
    names = (project.root, project.state, wanted.model)
    if found := champions.known(*names, folder):
        return found
    registry = champions.fingerprint(project.root, os.environ)
    downloads = folder.parent / "downloads"
    downloads.mkdir(parents=True)
    script = [interpreter, SCRIPTS / "take_champion.py"]
    words = [wanted.model_name, wanted.model_alias, str(downloads)]
    told = _answer(run([*script, *words], cwd=project.root, timeout=MLFLOW_SECONDS))
    if "missing" in told:
        raise _no_champion(project, told)
    (downloads / "serving").rename(folder)
    downloads.rmdir()
    project.make_state()
    champions.remember(*names, registry, told)
    return Champion(told["version"], told["run_id"], told["metrics"])


def look_up_champion(project: Project, ui: Ui) -> Champion:
    """What the registry says of the champion, without keeping its files."""
    if found := champions.known(
        project.root, project.state, project.config.project.served.model, None
    ):
        return found
    with tempfile.TemporaryDirectory() as folder:
        return take_champion(project, project.python(), Path(folder) / MODEL_FOLDER, ui)


def releases_folder(project: Project) -> Path:
    return project.state / "releases"


def known_releases(project: Project) -> list[Release]:
    """The releases that are on disk and whole, oldest first."""
    folders = releases_folder(project).glob(f"*/{release.RECORD}")
    return sorted((release.load(f.parent) for f in folders), key=lambda r: r.created_at)


@contextmanager
def _workshop(project: Project) -> Iterator[Path]:
    """A folder that is gone afterwards, with what a killed build left before."""
    place = project.state / "build"
    shutil.rmtree(place, ignore_errors=True)  # the lock is held: nobody else builds here
    place.mkdir(parents=True, exist_ok=True)
    _check_room(place)
    workshop = Path(tempfile.mkdtemp(dir=place))
    (workshop / "context").mkdir()
    try:
        yield workshop
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _check_room(place: Path) -> None:
    """Said before the work: MLflow and uv describe a full disk in words that mislead."""
    free = shutil.disk_usage(place).free
    if free < LEAST_ROOM:
        raise FailedError(
            "disk-full",
            what="There is no room to build a release.",
            why=f"{free / 1e6:.0f} MB are left in {place}; it takes {LEAST_ROOM / 1e6:.0f} MB.",
            do="free some space, then: mldeploy up",
        )


def _copy_code(project: Project, context: Path) -> None:
    for name in code_files(project):
        # bentoml flattens src/ too; done here, the code's layout is the same in every target.
        inside = name.relative_to("src") if name.parts[0] == "src" else name
        (context / inside).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project.root / name, context / inside)


def _identify(
    project: Project, champion: Champion, context: Path, requests: golden.Golden, environment: str
) -> Release:
    parts = {
        path.relative_to(context).as_posix(): path.read_bytes()
        for path in context.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    digest = release.digest_of(parts | {"golden": requests.raw, "run": champion.run_id.encode()})
    git = git_state(project.root)
    return Release(
        name=release.name_of(champion.version, git.commit, digest),
        service=project.config.project.served.service,
        model=project.config.project.served.model_name,
        model_version=champion.version,
        run_id=champion.run_id,
        commit=git.commit,
        dirty=git.dirty,
        digest=digest,
        environment=environment,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        created_by=user(),
        metrics=champion.metrics,
    )


def _builder(project: Project, workshop: Path) -> AbstractContextManager[Callable[[str], str]]:
    """A process of the project's interpreter that is ready to build once it is told the name."""
    words = [
        project.config.project.served.service,
        str(workshop / "context"),
        str(workshop / "store"),
    ]
    command = [str(project.python()), str(SCRIPTS / "build_bento.py"), *words]
    return waiting_for_order(command, cwd=project.root, timeout=BUILD_SECONDS)


def _assemble(
    project: Project,
    fresh: Release,
    requests: golden.Golden,
    workshop: Path,
    order: Callable[[str], str],
) -> None:
    """Build the bento, put the release's folder together, and move it into place whole."""
    labels = {
        "mldeploy.project": project.config.project.name,
        "mldeploy.release": fresh.name,
        "mldeploy.model_version": fresh.model_version,
        "mldeploy.run_id": fresh.run_id,
        "mldeploy.commit": fresh.commit or "",
    }
    wanted = {"name": project.config.project.name, "version": fresh.name, "labels": labels}
    try:
        built = _answer(order(json.dumps(wanted)))
    except ProgramError as error:
        raise FailedError(
            "build-failed",
            what=f"No bento could be built of {fresh.service}.",
            why=f"{last_lines(error.output, 1)}.",
            do="make serve     (starts the same service from the project's folder, to mend it)",
            detail=error.detail,
        ) from error
    whole = workshop / "release"
    whole.mkdir()
    Path(built["path"]).rename(whole / "bento")
    shutil.copyfile(workshop / "context" / "requirements.txt", whole / "requirements.txt")
    (whole / "golden.json").write_bytes(requests.raw)  # the very bytes that the name covers
    release.save(fresh, whole)
    releases_folder(project).mkdir(parents=True, exist_ok=True)
    whole.rename(releases_folder(project) / fresh.name)


def _answer(output: str) -> dict[str, Any]:
    """What a script of project_side says: the last line of its output."""
    answer: dict[str, Any] = json.loads(last_lines(output, 1))
    return answer


def _no_champion(project: Project, found: dict[str, Any]) -> FailedError:
    wanted = project.config.project.served
    if found["missing"] == "elsewhere":
        return FailedError(
            "champion-out-of-reach",
            what=f"The files of version {found['version']} did not come from where they are kept.",
            why=found["why"],
            do="set the keys that `make train` had, such as AWS_PROFILE; then: mldeploy up",
        )
    why = {
        "registry": "Nothing has been trained here yet: there is no mlflow.db in this project.",
        "alias": f"The MLflow registry has no model {wanted.model_name!r} with the alias "
        f"{wanted.model_alias!r}; a model gets it when its evaluation passes.",
        "files": f"Version {found.get('version')} has no serving files (run artifacts serving/*): "
        "it was registered by something other than `make train`.",
    }[found["missing"]]
    return FailedError(
        "no-champion", what=f"There is no {wanted.model} to deploy.", why=why, do="make train"
    )
