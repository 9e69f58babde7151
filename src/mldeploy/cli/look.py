"""`status`, `predict`, `logs`, `history`, `doctor`: looking without changing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mldeploy.cli.main import Verb
from mldeploy.cli.shared import chosen_machine, chosen_target, target_argument, voice
from mldeploy.errors import ConfigError

if TYPE_CHECKING:
    from datetime import datetime


@click.command(cls=Verb, example="mldeploy status --json")
@target_argument
def status(target: str | None) -> int:
    """What runs on a target now, asked of the thing itself.

    Ends with 0 when it serves or is down on purpose, with 1 when it should serve and does not.
    """
    from mldeploy.inspection import status as look

    found = look(*chosen_machine(target))
    voice().result(found, _status_text(found))
    return 1 if found["state"] in ("dead", "unhealthy") else 0


@click.command(
    cls=Verb,
    example="mldeploy predict --data '{\"rows\": [...]}'\nmldeploy predict --data @request.json",
)
@target_argument
@click.option("--data", "data", metavar="JSON|@FILE", help="The request; else a golden one.")
@click.option("--path", metavar="PATH", help="The route to ask; else that of the golden request.")
def predict(target: str | None, data: str | None, path: str | None) -> None:
    """Make one real prediction over HTTP, and show the curl line for it."""
    from mldeploy.inspection import predict as ask

    ui = voice()
    project, name, settings = chosen_target(target)
    done = ask(project, name, settings, path=path, body=None if data is None else _body(data))
    found = {
        "url": done.url,
        "release": done.release,
        "request": done.request,
        "response": done.response,
        "milliseconds": round(done.milliseconds, 1),
        "curl": done.curl,
    }
    by_hand = "by hand"
    if done.tunnelled:
        by_hand += (
            f", while `mldeploy open {name} --no-browser` runs, with ADDRESS set to what it prints"
        )
    ui.result(
        found,
        f"{json.dumps(done.response, ensure_ascii=False)}\n\n"
        f"answered by {done.release or 'a server without a release name'} "
        f"in {done.milliseconds:.0f} ms; {by_hand}:\n{done.curl}",
    )


@click.command(cls=Verb, example="mldeploy logs -f -n 20")
@target_argument
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines until Ctrl+C.")
@click.option("-n", "--lines", type=click.IntRange(min=0), default=100, show_default=True)
@click.option("--edge", is_flag=True, help="The access log of the edge instead.")
@click.option(
    "--since", metavar="T", help="Not older than T: 90s, 10m, 2h, 1d, or an ISO 8601 time."
)
def logs(target: str | None, follow: bool, lines: int, edge: bool, since: str | None) -> None:
    """Show the log of what serves, or of what served last; of all its replicas together."""
    from mldeploy.engines import engine_for

    ui = voice()
    engine = engine_for(*chosen_target(target))
    for line in engine.log(lines=lines, since=_moment(since), follow=follow, edge=edge):
        ui.out(json.dumps({"line": line}, ensure_ascii=False) if ui.as_json else line)


@click.command(cls=Verb, example="mldeploy history")
@target_argument
def history(target: str | None) -> None:
    """List every release that served on a target, or was refused, newest first."""
    from mldeploy.inspection import history as look

    ui = voice()
    project, name, settings = chosen_target(target)
    rows = look(project, name, settings)
    ui.result({"target": name, "events": rows}, _history_text(name, rows))


@click.command(cls=Verb, example="mldeploy doctor local\nmldeploy doctor docker --fix")
@target_argument
@click.option("--fix", is_flag=True, help="Apply the remedies that are safe; each is named first.")
def doctor(target: str | None, fix: bool) -> int:
    """Check everything that `up` needs. Each finding comes with its remedy."""
    from mldeploy.doctor.checks import examine, mend
    from mldeploy.doctor.project import checks

    ui = voice()
    asked = checks(*chosen_target(target))
    findings = examine(asked)
    if fix:
        findings = mend(asked, findings, ui)
    marks = {"ok": "ok  ", "warning": "warn", "error": "FAIL"}
    lines = []
    for one in findings:
        if one.severity == "skipped":
            continue
        lines.append(f"{marks[one.severity]}  {one.check:<14}  {one.message}")
        if one.remedy:
            lines.append(f"{'':22}do: {one.remedy}")
        if one.fix:
            lines.append(f"{'':18}or do: mldeploy doctor --fix     ({one.fix.description})")
    if skipped := [one.check for one in findings if one.severity == "skipped"]:
        lines.append(f"-     not looked at while another fails: {', '.join(skipped)}")
    bad = [one for one in findings if one.severity == "error"]
    lines.append("" if not bad else f"\n{len(bad)} of {len(findings)} checks failed")
    data = {"ok": not bad, "findings": [one.as_dict() for one in findings]}
    ui.result(data, "\n".join(lines).rstrip())
    return 1 if bad else 0


def _status_text(found: dict[str, Any]) -> str:
    from mldeploy import certificate_shown

    lines = [f"{found['target']}: {found['state']}  ({found['health']})"]
    if found["release"]:
        lines.append(f"  release  {found['release']} on {found['url']}")
    if found["model"]:
        code = f", commit {found['commit'][:7]}" if found["commit"] else ""
        run = f"run {found['run_id'][:8]}"
        lines.append(f"  model    {found['model']} version {found['model_version']}, {run}{code}")
    if found["started_at"]:
        lines.append(f"  since    {found['started_at']}")
    told = certificate_shown.words(found)
    if found["certificate_until"]:
        until = found["certificate_until"].replace("T", " ").removesuffix("+00:00")
        told = [f"certificate until {until} UTC, by {found['certificate_issuer']}", *told]
    lines += [f"  {'' if number else 'tls':7}  {line}" for number, line in enumerate(told)]
    lines += _measured(found)
    lines += _cost_lines(found)
    if found["state"] in ("dead", "unhealthy"):
        lines.append(
            f"  do       mldeploy logs {found['target']} -n 50   ·   mldeploy up {found['target']}"
        )
    if found["state"] == "down":
        lines.append(f"  do       mldeploy up {found['target']}")
    return "\n".join(lines)


def _cost_lines(found: dict[str, Any]) -> list[str]:
    machine = found["machine"]
    if machine is None:
        rents = found["kind"] not in ("process", "docker", "ssh")
        why = "nothing is rented" if rents else "it is your own machine"
        return [f"  cost     $0.00 an hour: {why}"]
    ends = "until you take it down: it has no lifetime"
    if found["expires_at"]:
        from datetime import UTC, datetime

        from mldeploy.providers import lifetime

        at = datetime.fromisoformat(found["expires_at"])
        rest = lifetime.words(max(at - datetime.now(UTC), at - at))
        ends = f"ends itself at {at:%Y-%m-%d %H:%M:%S} UTC, in {rest}"
    return [
        f"  machine  {machine['id']}, {machine['type']} in {machine['place']}, {machine['state']}",
        f"  cost     ${found['price_per_hour']} an hour · ${found['cost_so_far']} so far · {ends}",
    ]


def _measured(found: dict[str, Any]) -> list[str]:
    """What the replicas counted since they started, and how each is."""
    lines = []
    if counted := found["measures"]:
        p50, p99 = (f"{t * 1000:.0f} ms" if t else "-" for t in (counted["p50"], counted["p99"]))
        lines.append(
            f"  requests {counted['requests']} ({counted['errors']} errors, "
            f"{counted['refused']} refused), p50 {p50}, p99 {p99}"
        )
    if len(found["each_replica"]) > 1 or found["kind"] != "process":
        from mldeploy.ui import table

        rows = [
            [
                one["name"],
                one["state"],
                one["release"],
                f"{one['restarts']} restarts",
                f"{one['memory_bytes'] / 1e6:.0f} MB" if one["memory_bytes"] else "",
            ]
            for one in found["each_replica"]
        ]
        if rows:
            shown = table(["REPLICA", "STATE", "RELEASE", "", "MEMORY"], rows)
            lines += ["", *("  " + line for line in shown.splitlines()), ""]
    return lines


def _history_text(name: str, rows: list[dict[str, Any]]) -> str:
    if not rows:
        return f"Nothing has served on {name} yet.   do: mldeploy up {name}"
    from mldeploy.ui import table

    cells = [
        [
            row["at"].replace("T", " ").removesuffix("+00:00"),
            row["who"],
            row["action"],
            row["release"] or "",
            f"{row['model_version'] or ''}",
            (row["run_id"] or "")[:8],
            f"{row['metric'][0]} {row['metric'][1]:.3f}" if row["metric"] else "",
            row["state"] + (f": {row['detail']}" if row["detail"] else ""),
        ]
        for row in rows
    ]
    return table(
        ["WHEN (UTC)", "WHO", "ACTION", "RELEASE", "MODEL", "RUN", "METRIC", "STATE"], cells
    )


def _body(data: str) -> Any:
    source = "--data"
    if data.startswith("@"):
        source = data[1:]
        try:
            data = Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                "no-such-file",
                what=f"{source} can't be read.",
                why=f"{error}.",
                do="mldeploy predict --data @FILE     (a file with the JSON request)",
            ) from error
    try:
        return json.loads(data)
    except ValueError as error:
        raise ConfigError(
            "bad-json",
            what=f"The request in {source} is not JSON.",
            why=f"{error}.",
            do="mldeploy predict     (without --data it shows one that works)",
        ) from error


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    from datetime import UTC, datetime, timedelta

    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    ago = re.fullmatch(r"(\d+)([smhd])", text)
    if ago:
        return datetime.now(UTC) - timedelta(**{units[ago.group(2)]: int(ago.group(1))})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            "bad-time",
            what=f"{text!r} is not a time.",
            why="Expected how long ago, such as 90s, 10m, 2h or 1d, or an ISO 8601 time.",
            do="mldeploy logs --since 10m",
        ) from error
    return moment.astimezone(UTC)  # one without a zone is meant as the user's own
