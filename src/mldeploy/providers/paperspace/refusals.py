"""Our own refusals to carry an order out."""

from __future__ import annotations

from mldeploy.providers.base import Order, OrderUsedError
from mldeploy.providers.paperspace.errors import NoCapacityError


def used(order: Order) -> OrderUsedError:
    return OrderUsedError(
        "order-used",
        what=f"Order number {order.generation} of {order.owner} was given before.",
        why=f"Order number {order.generation} was given before, and its machine has ended.",
        do=f"mldeploy up {order.owner.target}",
    )


def nowhere(order: Order, region: str, refused: list[str]) -> NoCapacityError:
    return NoCapacityError(
        "paperspace-no-capacity",
        what=f"Paperspace has no {' or '.join(order.machine_types)} free in {region} just now.",
        why=f"{refused[-1]}. All {len(refused)} were tried."
        if len(refused) > 1
        else f"{refused[-1]}.",
        do="name another type under or_machine_types in mldeploy.toml, or another region, or try "
        f"later: mldeploy up {order.owner.target}",
        detail="\n".join(refused),
    )
