"""What must hold for a machine on AWS, from the credentials to the permission. Makes nothing.

Whoever wants to know whether `up` will work asks here first: each of these would else end it
half-way, and some of them, such as a quota of 0, take days to mend.
"""

from __future__ import annotations

from mldeploy.doctor.checks import Check
from mldeploy.prices import Table
from mldeploy.providers.aws.doctor_account import Account
from mldeploy.providers.aws.doctor_machine import Machine
from mldeploy.providers.aws.session import Session
from mldeploy.providers.aws.settings import AwsTarget


def checks(session: Session, target: AwsTarget, prices: Table) -> list[Check]:
    """Cheapest first. What is asked of a region needs that region; the rest goes on without."""
    who, machine = Account(session, target), Machine(session, target, prices)
    return [
        Check("credentials", who.credentials),
        Check("identity", who.identity, needs="credentials"),
        Check("clock", who.clock, needs="credentials"),
        Check("region", who.region, needs="identity"),
        Check("machine type", machine.machine_type, needs="region"),
        Check("price", machine.price, needs="machine type"),
        Check("price table", machine.price_table, needs="machine type"),
        Check("own address", machine.own_address, needs="region"),
        Check("plan", who.plan, needs="region"),
        Check("quota", machine.quota, needs="machine type"),
        Check("network", machine.network, needs="machine type"),
        Check("image", machine.image, needs="machine type"),
        Check("permissions", machine.permissions, needs="network"),
        Check("orphans", machine.orphans, needs="region"),
    ]
