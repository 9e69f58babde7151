"""Deploys under a steady load: what users notice of them, which should be nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.load import Phase, load_on, total
from tests.faults.place import BOX, Place

QUIET_REQUESTS = 3000  # before and after: enough for a 99th percentile


@dataclass(frozen=True)
class Report:
    """The phases of a run: the load finds its pace, goes on before, during and after."""

    connections: int
    rate: float
    phases: Sequence[Phase]

    @property
    def before(self) -> Phase:
        return self.phases[1]

    @property
    def after(self) -> Phase:
        return self.phases[-1]

    @property
    def during(self) -> Sequence[Phase]:
        return self.phases[2:-1]

    @property
    def failed(self) -> int:
        return total(self.phases)[2]

    @property
    def trouble(self) -> list[str]:
        return [f"{each.name}: {each.trouble}" for each in self.phases if each.failed]

    def text(self) -> str:
        """As it stands in docs/reliability.md: a Markdown table."""
        sent, answered, failed = total(self.phases)
        speed = f"{self.rate:.0f} requests a second on each" if self.rate else "each asks at once"
        rows = [_row("before", [self.before])]
        for verb in ("up", "rollback", "scale"):
            these = [each for each in self.during if each.name.split()[0] == verb]
            rows.append(_row(f"during {len(these)} `{verb}`s", these))
        rows.append(_row("after", [self.after]))
        return "\n".join(
            [
                f"{self.connections} connections, {speed} again. "
                f"Sent {sent}, answered {answered}, failed {failed}.",
                "",
                "| period | seconds | requests | failed | p50 | p99 | slowest | longest silence |",
                "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
                *rows,
            ]
        )


def run(
    place: Place, *, ups: int, rollbacks: int = 2, connections: int = 16, rate: float = 0
) -> Report:
    """Real `mldeploy` commands, one after the other; each must do what it says, under the load."""
    names = {}
    for marker in ("one", "two"):
        place.release(marker)
        names[marker] = place.up()["release"]
    serves = names["two"]
    with load_on(place, connections, rate) as load:
        load.phase("before")
        load.good_answers(QUIET_REQUESTS)
        for number in range(ups):
            marker = ("one", "two")[number % 2]
            place.release(marker)
            load.phase(f"up {number + 1}")
            serves = place.up()["release"]
            assert serves == names[marker]
        for number in range(rollbacks):
            load.phase(f"rollback {number + 1}")
            was, serves = serves, place.must("rollback", BOX)["release"]
            assert {was, serves} == set(names.values())
        for count in (3, 2):
            load.phase(f"scale to {count}")
            assert place.must("scale", BOX, str(count))["replicas"] == count
        load.phase("after")
        load.good_answers(QUIET_REQUESTS)
    place.whole(serves)
    return Report(connections, rate, load.phases)


def _row(name: str, phases: Sequence[Phase]) -> str:
    """Of several phases the p50 is the middle one's; all else is the worst."""
    if not phases:
        return f"| {name} | | | | | | | |"
    sent, _, failed = total(phases)
    seconds = sum(each.seconds for each in phases)
    middle = sorted(each.p50 or 0 for each in phases)[len(phases) // 2]
    worst = [max(getattr(each, what) or 0 for each in phases) for what in ("p99", "slowest")]
    silence = max(each.silence for each in phases)
    shown = " | ".join(f"{value * 1000:.0f} ms" for value in (middle, *worst, silence))
    return f"| {name} | {seconds:.0f} | {sent} | {failed} | {shown} |"
