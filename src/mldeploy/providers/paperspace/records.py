"""What is read of the answers of Paperspace's API; fields that nobody needs are not here."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec


class Machine(msgspec.Struct, frozen=True, rename="camel"):
    """``state`` is off, starting, stopping, restarting, serviceready, ready, upgrading or
    provisioning."""

    id: str
    name: str
    state: str
    machine_type: str
    region: str
    dt_created: datetime
    public_ip: str | None = None
    public_ip_type: str | None = None
    storage_total: int | float | str | None = None  # bytes
    dt_deleted: datetime | None = None

    @property
    def began(self) -> datetime:
        return as_utc(self.dt_created)

    @property
    def disk_gb(self) -> int:
        """As it was ordered; 0 where it is not told."""
        text = str(self.storage_total or "")
        return round(float(text) / 2**30) if text.replace(".", "", 1).isdigit() else 0


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """``state`` is new, in progress, done, error or cancelled."""

    id: str
    name: str
    state: str
    dt_created: datetime
    error: str | None = None

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "error", "cancelled")


class Change(msgspec.Struct, frozen=True):
    """What a call answers that changes a machine."""

    data: Machine
    event: Event | None = None


class Script(msgspec.Struct, frozen=True, rename="camel"):
    """A startup script; its text is told to nobody."""

    id: str
    name: str
    dt_created: datetime
    dt_deleted: datetime | None = None


class Address(msgspec.Struct, frozen=True, rename="camel"):
    """A static one."""

    public_ip: str
    region: str
    assigned_machine_id: str | None = None


class TypeOfTemplate(msgspec.Struct, frozen=True, rename="camel"):
    machine_type_label: str
    is_available: bool = True


class Template(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    name: str
    operating_system_label: str | None = None
    agent_type: str | None = None
    default_size_gb: int | None = None
    available_machine_types: list[TypeOfTemplate] = []

    @property
    def machine_types(self) -> list[str]:
        return [each.machine_type_label for each in self.available_machine_types]


class Availability(msgspec.Struct, frozen=True):
    available: bool


class User(msgspec.Struct, frozen=True):
    id: str
    email: str | None = None


class Team(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    namespace: str | None = None
    max_machines: int | None = None


class Session(msgspec.Struct, frozen=True):
    user: User
    team: Team


class Standing(msgspec.Struct, frozen=True, rename="camel"):
    has_payment_method: bool = True
    is_admin_locked: bool = False
    is_in_good_standing: bool = True
    messages: list[str] = []


def as_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
