"""`train`, `promote`, `runs`: from data to the champion, and what there is of models."""

import gc
import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from .. import paths
from ..errors import ProjectError
from ..progress import Steps

LOADING = "loading MLflow and scikit-learn; the first time takes longest"


def train() -> None:
    """Collect, clean, split, train, evaluate, and promote the model if it is the best so far."""
    say = Steps(LOADING)
    with _loading():
        from .. import config, train
        from ..registry import promote, tracking

    say("start", "libraries loaded")
    layout = paths.here()
    params = config.load(layout.params)
    data = train.prepare(params, layout, say)
    trained = train.train(data, params, layout, say)
    decision = promote.promote(trained.version, data.holdout, params, layout)
    say("promote", f"{'yes' if decision.promoted else 'no'}: {decision.why}")
    _say_what_the_service_needs(layout)
    typer.echo(f"\nruns and versions: {tracking.uri(layout)}  (look at them: make ui)")
    typer.echo(f"model card:        {layout.last_card}  (with its pictures)")
    if not trained.verdict.passed:
        raise ProjectError(
            what=f"Version {trained.version} failed its evaluation and is not promoted.",
            why="; ".join(trained.verdict.reasons),
            do="Read the model card, change the features or params.toml; then: make train",
        )
    typer.echo("next:              mldeploy up  (or without mldeploy: make serve)")


def promote(
    version: Annotated[str | None, typer.Argument(help="Default: the newest version.")] = None,
) -> None:
    """Make a version the champion, by the same rules as after training."""
    say = Steps(LOADING)
    with _loading():
        from .. import config, train
        from ..registry import promote

    say("start", "libraries loaded")
    layout = paths.here()
    params = config.load(layout.params)
    data = train.prepare(params, layout, say)
    decision = promote.promote(version, data.holdout, params, layout)
    say("promote", f"{'yes' if decision.promoted else 'no'}: {decision.why}")
    _say_what_the_service_needs(layout)
    if not decision.promoted:
        raise typer.Exit(1)


def why(
    version: Annotated[str | None, typer.Argument(help="Default: the champion.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say where a version comes from: commit, parameters, data, rows dropped, metrics, findings."""
    with _loading():
        from ..registry import why

    found = why.why(version, paths.here())
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        typer.echo(why.told(found))


def runs() -> None:
    """List the versions of the model, how each was judged, and which one is the champion."""
    from ..evaluation.metrics import MAIN
    from ..registry import tracking

    client = tracking.client(paths.here())
    champion = tracking.champion(client)
    for version in tracking.versions(client):
        mark = "  champion" if champion and champion.run_id == version.run_id else ""
        judged = version.tags.get("evaluation", "not finished")
        score = f"{MAIN} {version.tags.get(MAIN, 'unknown')}"
        typer.echo(f"version {version.version:>3}  {score}  {judged}  run {version.run_id}{mark}")


def _say_what_the_service_needs(layout: paths.Layout) -> None:
    """A champion that is no ONNX file needs libraries that the service may not have yet."""
    from ..model import persist

    about = persist.describe(layout.champion)
    if about is None or about["model_file"] == persist.ONNX:
        return
    project = tomllib.loads((layout.root / "pyproject.toml").read_text(encoding="utf-8"))
    if not any("scikit-learn" in str(each) for each in project["dependency-groups"]["serve"]):
        typer.echo(f"\nThe champion is served with scikit-learn: {about['why_not_onnx']}.")
        typer.echo(f"Before `mldeploy up`, add that to the service: {persist.ADD_TO_SERVICE}")


@contextmanager
def _loading() -> Iterator[None]:
    """Import large libraries without looking for garbage, of which they leave none: it saves 1.5 s.

    What they made is then set aside (frozen), so that it is not looked through at the end either.
    """
    gc.disable()
    yield
    gc.freeze()
    gc.enable()
