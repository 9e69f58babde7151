"""The command line: which verbs there are, the flags they share, and how a run ends.

A verb's module is imported when the verb is typed, so that `mldeploy --help` stays as quick as the
library under it: nothing imported here may import rich, copier, psutil or the runbooks.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from mldeploy.errors import ConfigError, FailedError, MldeployError


@dataclass(frozen=True)
class VerbEntry:
    """Where a verb lives, and its line in `mldeploy --help`."""

    module: str
    help: str


SECTIONS: dict[str, dict[str, VerbEntry]] = {
    "A project": {
        "new": VerbEntry("project", "Make a project that trains and serves as it is."),
        "update": VerbEntry("upkeep", "Merge a later version of the template, keeping your work."),
        "import": VerbEntry("floyd", "Take over a FloydHub project, or one of its commands."),
        "check": VerbEntry("upkeep", "What makes a project good, scored, each with its fix."),
        "doctor": VerbEntry("look", "Find what would stop you, with the remedy for each."),
    },
    "Put its model to work": {
        "plan": VerbEntry(
            "deploy", "Show what `up` would change, its price, and who could reach it."
        ),
        "up": VerbEntry("deploy", "Build a release, prove it, and let it take over."),
        "rollback": VerbEntry("deploy", "Let an earlier release take over again."),
        "scale": VerbEntry("operate", "More replicas, or fewer, of what serves."),
        "extend": VerbEntry("rented", "Let a rented machine live longer."),
        "down": VerbEntry("deploy", "End what serves, with a receipt."),
    },
    "Look at it": {
        "status": VerbEntry("look", "What runs now, and is it well?"),
        "predict": VerbEntry("look", "One real prediction, and the curl line for it."),
        "logs": VerbEntry("look", "The log of what serves."),
        "history": VerbEntry("look", "Every release that served here, and what became of it."),
        "image": VerbEntry("image", "What is in a release's image, and what made it big."),
        "keys": VerbEntry("operate", "The API keys that open a target: show, rotate."),
        "open": VerbEntry("reach", "Show the service in a browser; a private one by a tunnel."),
        "ssh": VerbEntry("reach", "Log in to the machine of a target."),
        "exec": VerbEntry("operate", "Run a command inside a replica."),
    },
    "Run something on a machine": {
        "run": VerbEntry("jobs", "One command there: code out, outputs and MLflow runs home."),
        "jobs": VerbEntry("jobs", "The project's jobs: logs, fetch, stop, show, rm, code."),
    },
    "Its data": {
        "data": VerbEntry("data", "Versions of a folder, on a machine or in a bucket."),
    },
    "Clear up": {
        "orphans": VerbEntry("operate", "Everything of ours that is alive, from any folder."),
        "prune": VerbEntry("operate", "Remove releases that nobody can roll back to."),
        "unlock": VerbEntry("operate", "Break the lock of a command that is surely gone."),
    },
    "This tool": {
        "prices": VerbEntry("prices", "What machines cost, by a dated table; `prices update`."),
        "aws": VerbEntry("rented", "The policy that mldeploy needs in an AWS account."),
        "completion": VerbEntry("completion", "Print the completion script for your shell."),
    },
}
VERBS = {name: entry for verbs in SECTIONS.values() for name, entry in verbs.items()}


@dataclass
class Flags:
    """The flags that work before and after every verb."""

    directory: str = "."
    as_json: bool = False
    explain: bool = False
    debug: bool = False
    yes: bool = False


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    flags = ctx.ensure_object(Flags)
    if value and param.name:
        setattr(flags, param.name, value)


def shared_options() -> list[click.Parameter]:
    """Fresh option objects, for the group and for each verb."""
    kinds: list[tuple[list[str], str, bool]] = [
        (["-C", "directory"], "Work in the project that DIR lies in.", False),
        (["--json", "as_json"], "Print the result as JSON.", True),
        (["--explain"], "Show each step as the command you would type, and why.", True),
        (["--debug"], "Show the traceback of an error.", True),
        (["--yes"], "Don't ask. Limits hold all the same.", True),
    ]
    return [
        click.Option(
            names,
            help=text,
            is_flag=is_flag,
            metavar=None if is_flag else "DIR",
            expose_value=False,
            callback=_remember,
        )
        for names, text, is_flag in kinds
    ]


class Verb(click.Command):
    """A command with the shared flags, whose help ends with an example."""

    def __init__(self, *args: Any, example: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(shared_options())
        self.example = example

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.example:
            with formatter.section("Example"):
                for line in self.example.strip().splitlines():
                    formatter.write_text(line.strip())


class Verbs(click.Group):
    """The group, which imports a verb's module only when that verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"mldeploy.cli.{VERBS[cmd_name].module}")
        python_has = ("exec", "import", "open")
        name = f"{cmd_name}_" if cmd_name in python_has else cmd_name
        command: click.Command = getattr(module, name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise _no_such_verb(args[0])
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, verbs in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(name, entry.help) for name, entry in verbs.items()])
        with formatter.section("Example"):
            formatter.write_text("mldeploy new my-project && cd my-project && make train")
            formatter.write_text("mldeploy up && mldeploy predict")


@click.command(
    cls=Verbs,
    params=[
        *shared_options(),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=lambda ctx, _, value: _print_version(ctx) if value else None,
            help="Print the version.",
        ),
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def app() -> None:
    """Take a model that you trained to a machine that is not yours, and back down again.

    It works the first time, it never surprises with a bill, it teaches what it does.
    """


def main(argv: Sequence[str] | None = None) -> None:
    """The entry point: runs a verb, prints an error once, and ends with the documented code."""
    words = list(sys.argv[1:] if argv is None else argv)
    sys.exit(run(words))


def run(words: list[str]) -> int:
    """Run the verb in ``words`` and return the exit code."""
    try:
        result = app.main(words or ["--help"], prog_name="mldeploy", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.UsageError as error:
        return _failed(_usage(error), words)
    except MldeployError as error:
        return _failed(error, words)
    except (click.Abort, KeyboardInterrupt) as error:
        return _interrupted(error)
    except BrokenPipeError:
        sys.stderr.close()  # `mldeploy logs | head` has read enough; that is not an error
        return 0
    except OSError as error:
        return _failed(_from_system(error), words)
    except Exception as error:  # noqa: BLE001 - a traceback is no answer for a learner
        return _failed(_bug(error), words)


def _failed(error: MldeployError, words: list[str]) -> int:
    from mldeploy.ui import Ui

    if "--debug" in words:
        import traceback

        traceback.print_exception(error)
    Ui(as_json="--json" in words).error(error)
    return error.exit_code


def _interrupted(error: BaseException) -> int:
    told = str(error.__cause__ or "") or "Nothing that served was touched."
    sys.stderr.write(f"\ninterrupted: {told}\n")
    return 130


def _usage(error: click.UsageError) -> ConfigError:
    verb = f" {error.ctx.info_name}" if error.ctx and error.ctx.info_name in VERBS else ""
    return ConfigError(
        "usage",
        what=error.format_message(),
        why=error.ctx.get_usage() if error.ctx else "The command line could not be understood.",
        do=f"mldeploy{verb} --help",
    )


def _no_such_verb(word: str) -> ConfigError:
    import difflib

    close = difflib.get_close_matches(word, VERBS, n=1)
    return ConfigError(
        "no-such-verb",
        what=f"There is no verb {word!r}.",
        why=f"mldeploy knows {', '.join(VERBS)}.",
        do=f"mldeploy {close[0]}" if close else "mldeploy --help",
    )


def _from_system(error: OSError) -> FailedError:
    """What the operating system refused; files are moved into place whole, none is half-written."""
    import errno

    remedies = {
        errno.ENOSPC: ("disk-full", "free some space, then run this again"),
        errno.EDQUOT: ("disk-full", "free some space, then run this again"),
        errno.EACCES: ("unwritable", "ls -ld the path above: it should be yours"),
        errno.EPERM: ("unwritable", "ls -ld the path above: it should be yours"),
        errno.EROFS: ("unwritable", "work in a folder that can be written to"),
    }
    code, do = remedies.get(error.errno or 0, ("system", "mldeploy doctor"))
    path = f": {error.filename}" if error.filename else ""
    return FailedError(
        code,
        what="The operating system refused a file or a connection.",
        why=f"{error.strerror or error}{path}",
        do=do,
    )


def _bug(error: Exception) -> FailedError:
    failed = FailedError(
        "bug",
        what="mldeploy itself went wrong.",
        why=f"{type(error).__name__}: {error}",
        do="run it again with --debug, and report what it prints: that is a mistake of ours",
    )
    failed.__cause__ = error
    return failed


def _print_version(ctx: click.Context) -> None:
    from importlib.metadata import version

    click.echo(f"mldeploy {version('mldeploy')}")
    ctx.exit()
