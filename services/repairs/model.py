"""What the repairs service takes from its callers and tells them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runxia.masking import mask_address
from services.repairs.ports import OrderKind, OrderState
from services.repairs.triage import Fault, Spot
from store.models import WorkOrder


@dataclass(frozen=True, slots=True)
class Report:
    """What a customer wants filed. ``request_key`` names it: the same key is filed once.

    ``address`` is as the customer said it; none where the address of ``account_no`` is meant. ``phone`` likewise.
    ``photos`` are ids of :class:`services.media.MediaStore`.
    """

    request_key: str
    kind: OrderKind
    description: str
    fault: Fault | None = None
    spot: Spot | None = None
    heavy: bool = False
    account_no: str | None = None
    address: str | None = None
    location: str | None = None
    since: str | None = None
    phone: str | None = None
    photos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Amendment:
    """What changes about an order; none stays as it is."""

    request_key: str
    address: str | None = None
    phone: str | None = None
    note: str | None = None
    photos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """A customer's own work order. ``place`` is masked."""

    order_no: str
    kind: OrderKind
    fault: Fault | None
    state: OrderState
    place: str | None
    created_at: datetime
    promised_at: datetime
    closed_at: datetime | None
    crew: str | None
    result: str | None
    reminders: int
    rating: int | None

    @classmethod
    def of(cls, row: WorkOrder) -> Order:
        """From its row."""
        return cls(
            order_no=row.order_no or "", kind=OrderKind(row.kind), fault=Fault(row.category) if row.category else None,
            state=OrderState(row.state), place=mask_address(row.address) if row.address else None, created_at=row.created_at,
            promised_at=row.promised_at, closed_at=row.closed_at, crew=row.crew, result=row.result, reminders=row.reminders,
            rating=row.rating,
        )
