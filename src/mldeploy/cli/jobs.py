"""`run` and `jobs`: words around one command on a machine, and what came of it."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mldeploy.cli.main import Verb, shared_options
from mldeploy.cli.shared import complete_target, current_project, flags, voice
from mldeploy.errors import ConfigError

if TYPE_CHECKING:
    from mldeploy.jobs.record import Job
    from mldeploy.project import Project
    from mldeploy.ui import Ui


@click.command(
    cls=Verb,
    example="mldeploy run --on aws --gpu --max-runtime 2h -- make train",
    # What follows the command's first word is the command's: `mldeploy run python train.py -v`.
    context_settings={"allow_interspersed_args": False},
)
@click.option("--on", "target", metavar="TARGET", shell_complete=complete_target,
              help="Where: a target of mldeploy.toml; the first one if none is named.")  # fmt: skip
@click.option("--task", help="A table [jobs.TASK] of mldeploy.toml; options here override it.")
@click.option("--gpu/--no-gpu", default=None, help="On a machine with a GPU.")
@click.option("--machine-type", metavar="TYPE", help="Of the machine that is rented for it.")
@click.option("--base", metavar="IMAGE", help="The image to build on, such as pytorch/pytorch:…")
@click.option("--requirements", metavar="FILE", help="For pip, in place of the locked train group.")
@click.option("--data", multiple=True, metavar="SRC:MOUNT",
              help="Data that it finds, read-only, at MOUNT: see `mldeploy data`.")  # fmt: skip
@click.option(
    "--env", multiple=True, metavar="NAME[=VALUE]", help="For the command; a NAME alone is yours."
)
@click.option("--max-runtime", metavar="T", help="The longest it may take, such as 90m or 4h.")
@click.option("-m", "--message", help="What it is about, for `mldeploy jobs`.")
@click.option("--detach", is_flag=True, help="Don't wait for its end.")
@click.option("--keep", is_flag=True, help="Leave it, and its machine, there afterwards.")
@click.option("--register", is_flag=True, help="Its model versions become versions here, too.")
@click.option("--from", "after", metavar="JOB", help="Again, with that job's code and options.")
@click.option("--resume", is_flag=True, help="With --from: its outputs are there at the start.")
@click.argument("command", nargs=-1)
def run(target: str | None, command: tuple[str, ...], detach: bool, **told: Any) -> None:
    """Run COMMAND on a machine, and bring home what it makes.

    The project's code is sent there; its log is shown here. When it has ended, every file that it
    made and all its MLflow runs are fetched, and a machine that was rented for it is ended. Ctrl+C
    leaves it running: `mldeploy jobs logs -f` comes back to it.
    """
    from mldeploy.jobs import ordering, running

    ui = voice()
    project = current_project()
    told["data"], told["env"] = tuple(told["data"]), tuple(told["env"])
    wishes = ordering.Wishes(target=target, command=_line(command), **told)
    order = ordering.order(project, wishes, ui)
    job = running.start(project, order, ui)
    if detach:
        ui.note(running.come_back(job))
        _show(project, job)
        return
    ended = running.attend(project, job, ui, _log_line(ui))
    _show(project, ended)
    _end_as(ended)


class JobVerbs(click.Group):
    """`jobs` alone lists them; the shared flags work before and after the second word."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(shared_options())

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Example"):
            formatter.write_text("mldeploy jobs")
            formatter.write_text("mldeploy jobs logs -f 3")


def _complete_job(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    from mldeploy import project as projects
    from mldeploy.cli.main import Flags
    from mldeploy.errors import MldeployError
    from mldeploy.jobs import shelf

    try:
        project = projects.find(Path(ctx.ensure_object(Flags).directory))
    except (MldeployError, OSError):
        return []
    return [job.number for job in shelf.all_of(project) if job.number.startswith(incomplete)]


def job_argument(command: Any) -> Any:
    """JOB, optional: the latest is the default."""
    return click.argument("job", required=False, shell_complete=_complete_job)(command)


on_option = click.option(
    "--on", "target", metavar="TARGET", shell_complete=complete_target,
    help="Jobs that are there, whoever started them.",
)  # fmt: skip


@click.group(cls=JobVerbs, invoke_without_command=True)
@click.pass_context
def jobs(ctx: click.Context) -> None:
    """The project's jobs; without a further word, a list of them."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(ls, target=None)


@jobs.command("ls", cls=Verb, example="mldeploy jobs ls --on box")
@on_option
def ls(target: str | None) -> None:
    """List the jobs: how each stands or ended, how long it took, where, and its metrics."""
    from mldeploy.jobs import listing

    ui = voice()
    project = current_project()
    found = listing.on(project, target, ui) if target else listing.here(project, ui)
    now = datetime.now(UTC)
    ui.result(
        {"jobs": [listing.as_dict(job, now) for job in found]},
        listing.text(found, now) or "no job yet: mldeploy run -- make train",
    )


@jobs.command("show", cls=Verb, example="mldeploy jobs show 3")
@job_argument
@on_option
def show(job: str | None, target: str | None) -> None:
    """All that is known of a job: how it ended, what it cost, its metrics, its last lines."""
    from mldeploy.jobs import listing

    project = current_project()
    found, live = listing.one(project, job, target, voice())
    now = datetime.now(UTC)
    voice().result(listing.as_dict(found, now, live), listing.shown(project, found, now, live))


@jobs.command("logs", cls=Verb, example="mldeploy jobs logs -f 3")
@job_argument
@click.option("-f", "--follow", is_flag=True, help="Stay until it ends, then bring all home.")
@click.option("-n", "--lines", type=click.IntRange(0), help="The last LINES only.")
def logs(job: str | None, follow: bool, lines: int | None) -> None:
    """The log of a job. With -f, as `run` does: stay with it, then fetch what it made."""
    from mldeploy.jobs import listing, running, shelf

    ui = voice()
    project = current_project()
    found = running.look(project, shelf.find(project, job), ui)
    for line in listing.log(project, found, lines, ui):
        ui.out(line)
    if follow and found.state != "fetched":
        ended = running.fetch(project, found, ui, _log_line(ui))
        _show(project, ended)
        _end_as(ended)


@jobs.command("fetch", cls=Verb, example="mldeploy jobs fetch 3")
@job_argument
@click.option("--on", "target", metavar="TARGET", help="A job that another laptop started there.")
def fetch(job: str | None, target: str | None) -> None:
    """Wait for the end of a job, and bring home what it made; then its machine is ended.

    Each file is compared with its hash; what has come already is not fetched again.
    """
    from mldeploy.jobs import listing, running

    ui = voice()
    project = current_project()
    found, _ = listing.one(project, job, target, ui)
    _show(project, running.fetch(project, found, ui, _log_line(ui)))


@jobs.command("stop", cls=Verb, example="mldeploy jobs stop 3")
@job_argument
def stop(job: str | None) -> None:
    """End a job, bring home what it has made so far, and end its machine."""
    from mldeploy.jobs import running, shelf

    project = current_project()
    _show(project, running.stop(project, shelf.find(project, job), voice()))


@jobs.command("rm", cls=Verb, example="mldeploy jobs rm 3")
@click.argument("names", metavar="JOB...", nargs=-1, required=True, shell_complete=_complete_job)
def rm(names: tuple[str, ...]) -> None:
    """Remove jobs: their logs and outputs here, and what is left of them where they ran.

    MLflow runs that came home stay.
    """
    from mldeploy.jobs import running, shelf

    ui = voice()
    project = current_project()
    chosen = [shelf.find(project, name) for name in names]
    listed = ", ".join(job.number for job in chosen)
    if not (ui.agreed or ui.ask(f"Remove job {listed}, with all that it made?")):
        raise ConfigError(
            "not-agreed",
            what="Nothing was removed.",
            why="Nobody said yes.",
            do=f"mldeploy jobs rm {' '.join(names)} --yes",
        )
    gone = [line for job in chosen for line in running.remove(project, job, ui)]
    ui.result({"removed": gone}, "\n".join(f"removed {line}" for line in gone))


@jobs.command("code", cls=Verb, example="mldeploy jobs code 3 --to ./job-3")
@job_argument
@click.option("--to", "folder", type=click.Path(path_type=Path), help="A new folder for it.")
def code(job: str | None, folder: Path | None) -> None:
    """The code of a job, as it was when it was sent, into a new folder."""
    from mldeploy.jobs import sent, shelf

    project = current_project()
    found = shelf.find(project, job)
    into = folder or Path(flags().directory) / f"job-{found.number}"
    if into.exists():
        raise ConfigError(
            "folder-exists",
            what=f"There is a {into} already.",
            why="What is in it would be mixed with the code of the job.",
            do=f"mldeploy jobs code {found.number} --to another-folder",
        )
    sent.unpack(project, found.order.code, into)
    count = sum(path.is_file() for path in into.rglob("*"))
    voice().result(
        {"job": found.id, "folder": str(into), "files": count, "commit": found.order.commit},
        f"{count} files of job {found.number} are in {into}",
    )


# Small steps of the above


def _line(words: tuple[str, ...]) -> str | None:
    """One word is a line for the shell as it stands; several are words, as typed."""
    if not words:
        return None
    return words[0] if len(words) == 1 else shlex.join(words)


def _log_line(ui: Ui) -> Any:
    if ui.as_json:
        return lambda line: sys.stderr.write(line + "\n")
    return ui.out


def _show(project: Project, job: Job) -> None:
    from mldeploy.jobs import listing

    now = datetime.now(UTC)
    voice().result(listing.as_dict(job, now), listing.brief(project, job, now))


def _end_as(job: Job) -> None:
    """A job that failed is a command that failed; its last lines were just shown."""
    if job.end != "succeeded":
        click.get_current_context().exit(1)
