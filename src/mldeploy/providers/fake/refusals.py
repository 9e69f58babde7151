"""How the practice cloud says no: in the words of a real one, to be practised on. Pure."""

from __future__ import annotations

from mldeploy.errors import FailedError, RefusedError
from mldeploy.providers.base import Order, UnknownOutcomeError
from mldeploy.providers.fake import play_money

SLOW_SECONDS = 40
PRACTISED = "It is practised here: fault = {!r}."


def denied(who: str) -> FailedError:
    return FailedError(
        "not-allowed",
        what=f"{who} may not rent a machine on the practice cloud.",
        why=f"The permission machines:create is missing. {PRACTISED.format('denied')}",
        do="ask who manages the account for it; here: take the fault out, then mldeploy up",
    )


def over_quota(order: Order) -> RefusedError:
    size = play_money.size(order.machine_types[0])
    return RefusedError(
        "over-quota",
        what=f"The practice cloud does not give this account a {size.name}.",
        why=f"It takes {size.cpus} cpus, and the account may have 0 more. "
        f"{PRACTISED.format('quota')}",
        do="ask the cloud for more (a form, and hours to days); here: take the fault out, "
        "then mldeploy up",
    )


def no_capacity(order: Order) -> FailedError:
    tried = order.machine_types
    return FailedError(
        "no-capacity",
        what=f"The practice cloud has no machine free of {' or '.join(tried)}.",
        why="It was asked, and has none now; nothing was rented, and nothing is billed.",
        do='name types to try next, such as or_machine_types = ["fake.small"] in mldeploy.toml, '
        "or try again later",
    )


def reply_lost(name: str, why: str = PRACTISED.format("lost-reply")) -> UnknownOutcomeError:
    return UnknownOutcomeError(
        "reply-lost",
        what="The practice cloud did not answer when it was asked for a machine.",
        why=f"The line broke: it may have made {name}, or not. {why}",
        do="mldeploy up   (asks for the same machine again: there will be one, not two)",
    )


def ports_fixed(ports: tuple[int, ...], published: tuple[int, ...]) -> FailedError:
    more = ", ".join(str(port) for port in ports if port not in published)
    had = ", ".join(map(str, published)) or "none"
    return FailedError(
        "ports-fixed",
        what=f"Port {more} can't be opened on this machine of the practice cloud.",
        why=f"Docker publishes ports when a container is made, and this one has {had}.",
        do="mldeploy down, then mldeploy up: the new machine has it (a real cloud just opens it)",
    )
