"""`prices`: what machines cost, by a dated table; `prices update` reads a newer one."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import click

from mldeploy.cli.main import Verb
from mldeploy.cli.shared import project_if_any, voice

if TYPE_CHECKING:
    from mldeploy.prices import Price, RegionPrices, Size, Table
    from mldeploy.prices.listed import Listed
    from mldeploy.prices.update import Updated
    from mldeploy.ui import Ui

AT_MOST = 30  # types that are shown where nothing was asked for; --all and --json have them all
OTHERWISE = "us-east-1"  # the region, where nothing says another


def _dollars(_: click.Context, __: click.Parameter, value: str | None) -> Decimal | None:
    if value is None:
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise click.BadParameter(f"{value!r} is not US dollars an hour, such as 0.10")
    return amount


def _bytes(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    from mldeploy.config import bytes_of

    if value is None:
        return None
    if not re.fullmatch(r"\d{1,6}(KB|MB|GB)", value):
        raise click.BadParameter(f'{value!r} is not a size, such as "8GB"')
    return bytes_of(value)


class PriceVerb(Verb):
    """`prices`, where a first word `update` is a verb of its own and not a machine type."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        word = next(
            (
                i
                for i, arg in enumerate(args)
                if not arg.startswith("-") and args[i - 1 : i] != ["-C"]
            ),
            None,
        )
        if word is not None and args[word] == "update":
            rest = args[:word] + args[word + 1 :]
            return update.make_context(f"{info_name} update", rest, parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


provider_option = click.option(
    "--provider", default="aws", show_default=True, help="Whose machines."
)


@click.command(
    cls=PriceVerb,
    example="mldeploy prices g4dn --region eu-central-1\n"
    "mldeploy prices --memory 8GB --max 0.10\n"
    "mldeploy prices update",
)
@click.argument("types", metavar="[TYPE|FAMILY]…", nargs=-1)
@provider_option
@click.option("--region", help="Another than that of the project's target, or us-east-1.")
@click.option("--gpu", is_flag=True, help="Only machines with a GPU.")
@click.option(
    "--max",
    "most",
    callback=_dollars,
    metavar="DOLLARS",
    help="At most so much an hour, with the disk and the address.",
)
@click.option("--cpus", type=click.IntRange(min=1), help="At least so many virtual CPUs.")
@click.option("--memory", callback=_bytes, metavar="8GB", help="At least so much memory.")
@click.option(
    "--disk",
    callback=_bytes,
    default="20GB",
    metavar="20GB",
    help="The disk that is counted in; 20GB, if you don't say.",
)
@click.option("--all", "show_all", is_flag=True, help="Every type, not the cheapest alone.")
def prices(
    types: tuple[str, ...],
    provider: str,
    region: str | None,
    gpu: bool,
    most: Decimal | None,
    cpus: int | None,
    memory: int | None,
    disk: int,
    show_all: bool,
) -> None:
    """What machines cost: on demand, Linux, US dollars. The cheapest first.

    From a table with a date, not from the cloud: it needs no account and no network.
    `mldeploy prices update` reads a newer one.
    """
    from mldeploy.prices import table

    if "update" in types:
        raise click.UsageError("`update` comes first: mldeploy prices update --region REGION")
    ui = voice()
    found = table(provider)
    region = region or _region(provider, found)
    disk_gb = found.disk_step(region, -(-disk // 1_000_000_000))
    rows = [
        (size, found.price(region, size.name, disk_gb))
        for size in _wanted(found, region, types)
        if (not gpu or size.gpu) and size.cpus >= (cpus or 0) and size.memory >= (memory or 0)
    ]
    rows = [(size, price) for size, price in rows if most is None or price.total <= most]
    asked = bool(types or gpu or most or cpus or memory or show_all)
    ui.result(_as_data(found, region, disk_gb, rows), _as_text(found, region, disk_gb, rows, asked))


def _wanted(found: Table, region: str, types: tuple[str, ...]) -> list[Size]:
    """The types that were named, alone or by their family; all of them if none was."""
    sizes = [size for size, _ in found.sizes(region)]
    if not types:
        return sizes
    families = {size.name.partition(".")[0] for size in sizes}
    for name in types:
        if name not in families:
            found.size(region, name)  # says what is nearest, if there is no such type
    return [s for s in sizes if s.name in types or s.name.partition(".")[0] in types]


def _region(provider: str, found: Table) -> str:
    """That of the project's first target there, or of the environment, as the AWS tools have it."""
    project = project_if_any()
    targets: list[Any] = list(project.config.targets.values()) if project else []
    for target in targets:
        if target.kind == provider and getattr(target, "region", ""):
            return str(getattr(target, "place", target.region))  # by its short name, if it has one
    if OTHERWISE not in found.regions:
        return max(found.regions, key=lambda name: len(found.regions[name].machines))
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or OTHERWISE


def _as_data(
    found: Table, region: str, disk_gb: int, rows: list[tuple[Size, Price]]
) -> dict[str, Any]:
    from mldeploy.prices import STALE_AFTER, money

    here, age = found.in_region(region), found.age(datetime.now(UTC), region)
    return {
        "provider": found.provider,
        "region": region,
        "dated": here.dated.isoformat(),
        "source": here.source,
        "stale": age > STALE_AFTER,
        "disk_gb": disk_gb,
        "machines": [
            {
                "type": size.name,
                "cpus": size.cpus,
                "memory_bytes": size.memory,
                "architecture": size.architecture,
                "gpu": size.gpu,
                "machine_per_hour": money(price.machine, an_hour=True),
                "price_per_hour": money(price.total, an_hour=True),
                "price_per_day": money(price.total * 24),
                "price_per_month": money(price.month),
            }
            for size, price in rows
        ],
    }


def _as_text(
    found: Table, region: str, disk_gb: int, rows: list[tuple[Size, Price]], asked: bool
) -> str:
    from mldeploy.prices import money
    from mldeploy.ui import table as columns

    shown = rows if asked else rows[:AT_MOST]
    headings = ["type", "vCPU", "memory", "arch", "alone $/h", "$/h", "$/day", "$/month", "GPU"]
    cells = [
        [
            size.name,
            str(size.cpus),
            f"{size.memory / 1024**3:g} GiB",
            size.architecture,
            money(price.machine, an_hour=True),
            money(price.total, an_hour=True),
            money(price.total * 24),
            money(price.month),
            size.gpu,
        ]
        for size, price in shown
    ]
    here = found.in_region(region)
    lines = [columns(headings, cells) if cells else f"no machine of {region} is like that", ""]
    if len(rows) > len(shown):
        lines.append(f"{len(rows) - len(shown)} more: mldeploy prices --all, or --gpu, --memory …")
    lines += [
        f"{found.provider} {region}, US dollars, on demand, Linux, of {here.dated} ({here.source})",
        f"$/h and after it: with {disk_gb} GB of disk and a public IPv4 address; a month has 730 h",
        *_from_elsewhere(here, shown),
    ]
    stale = found.staleness(datetime.now(UTC), region)
    return "\n".join([*lines, *([stale] if stale else [])])


def _from_elsewhere(here: RegionPrices, shown: list[tuple[Size, Price]]) -> list[str]:
    """Prices that somebody else told than the provider itself."""
    sources: dict[str, list[str]] = {}
    for size, _ in shown:
        if size.name in here.sources:
            sources.setdefault(here.sources[size.name], []).append(size.name)
    return [f"{', '.join(names)}: by the {source}" for source, names in sources.items()]


@click.command(
    "update",
    cls=Verb,
    example="mldeploy prices update --region eu-central-1\n"
    "mldeploy prices update --without-credentials",
)
@provider_option
@click.option("--region", "regions", multiple=True, help="Of this region; repeatable.")
@click.option(
    "--without-credentials",
    is_flag=True,
    help="From the public file, some hundred megabytes a region, instead of the Pricing API.",
)
def update(provider: str, regions: tuple[str, ...], without_credentials: bool) -> None:
    """Read a newer price list into this laptop's table.

    It is judged before it takes over: an empty one, or a price that moved more than ten times, is
    refused, and the table before stays.
    """
    from mldeploy.errors import ConfigError
    from mldeploy.prices import table
    from mldeploy.prices import update as runbook

    ui = voice()
    found = table(provider)  # says so, if there is none of that provider
    if not found.is_updated:
        raise ConfigError(
            "prices-without-list",
            what=f"{provider} publishes no list of prices that could be read.",
            why=f"The table is of {found.dated}, and comes with mldeploy.",
            do="install a newer mldeploy; what the table says: "
            f"mldeploy prices --provider {provider}",
        )
    wanted = list(dict.fromkeys(regions)) or [_region(provider, found)]
    source, read = _reader(ui, without_credentials)
    done = runbook.update(provider, wanted, source, read)
    text = "\n".join(line for one in done for line in _updated_text(one))
    ui.result({"provider": provider, "regions": [_updated_data(one) for one in done]}, text)


def _reader(ui: Ui, without_credentials: bool) -> tuple[str, Any]:
    from mldeploy.prices import aws_api, aws_file

    server = os.environ.get("MLDEPLOY_PRICE_LIST") or aws_file.SERVER

    def from_file(region: str, known: Any) -> Any:
        with ui.step(f"The public price list of {region}") as step:
            listed = aws_file.read(region, known, ui.note, server)
            step.say(_told(listed))
            return listed

    def from_api(region: str, known: Any) -> Any:
        with ui.step(f"The Pricing API on {region}") as step:
            listed = aws_api.read(region, known, ui.note)
            step.say(_told(listed))
            return listed

    if without_credentials:
        return "AWS public price list file", from_file
    return "AWS Pricing API", from_api


def _told(listed: Listed) -> str:
    return f"{len(listed.machines)} types, of {listed.dated}" if listed.machines else "nothing"


def _updated_text(one: Updated) -> list[str]:
    if not one.replaced:
        return [f"{one.region}: the list is of {one.dated}, older than the table: it stays"]
    lines = [
        f"{one.region}: {one.types} types, of {one.dated}",
        f"  new {one.new} · gone {one.gone} · dearer {one.dearer} · cheaper {one.cheaper}",
        f"  in  {one.path}",
    ]
    if one.gone > one.types:
        lines.append("  most types are gone; if that can't be, remove that file to have them back")
    if one.unknown:
        lines.append(f"  without {len(one.unknown)} types whose size nobody told")
    return lines


def _updated_data(one: Updated) -> dict[str, Any]:
    return {
        "region": one.region,
        "dated": one.dated.isoformat(),
        "replaced": one.replaced,
        "types": one.types,
        "new": one.new,
        "gone": one.gone,
        "dearer": one.dearer,
        "cheaper": one.cheaper,
        "unknown": list(one.unknown),
        "path": str(one.path),
    }
