"""What the repairs service needs from the utility's hotline system: work orders, and the kinds of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class OrderKind(StrEnum):
    """What a work order is about."""

    REPAIR = "repair"
    COMPLAINT = "complaint"
    SUGGESTION = "suggestion"


class OrderState(StrEnum):
    """Where a work order stands."""

    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    ON_SITE = "on_site"
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done."""
        return self not in (OrderState.DONE, OrderState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Filing:
    """A work order as it is filed. The same ``request_key`` is the same order, however often it is sent.

    ``category`` and ``spot`` are those of ``services.repairs.triage`` (repairs only); ``since`` is in the customer's words;
    ``location`` is ``latitude,longitude``. Where ``phone`` is none, the one on file of ``account_no`` is meant.
    """

    request_key: str
    kind: OrderKind
    urgency: str  # immediate | urgent | ordinary
    promised_at: datetime
    description: str
    category: str | None = None
    spot: str | None = None
    address: str | None = None
    location: str | None = None
    since: str | None = None
    phone: str | None = None
    account_no: str | None = None


@dataclass(frozen=True, slots=True)
class HotlineOrder:
    """A work order as the hotline has it. ``version`` grows with every change to any order."""

    order_no: str
    request_key: str | None
    kind: OrderKind
    state: OrderState
    created_at: datetime
    promised_at: datetime
    updated_at: datetime
    crew: str | None
    result: str | None
    version: int


class Hotline(Protocol):
    """The hotline system. Every method may raise ``SystemUnavailable("hotline")``.

    What is asked about a certain order raises ``UnknownOrder`` where the hotline has none of that number; what would change
    one that has ended raises ``OrderClosed``.
    """

    async def file(self, filing: Filing) -> HotlineOrder:
        """File a work order, once for each ``request_key``."""
        ...

    async def order(self, order_no: str) -> HotlineOrder:
        """One order."""
        ...

    async def remind(self, order_no: str, request_key: str) -> HotlineOrder:
        """Urge it; the same key again counts once."""
        ...

    async def cancel(self, order_no: str, reason: str) -> HotlineOrder:
        """Withdraw it; a cancelled one stays cancelled."""
        ...

    async def amend(
        self, order_no: str, request_key: str, *, address: str | None = None, phone: str | None = None, note: str | None = None,
    ) -> HotlineOrder:
        """Correct address or phone, or add a note; the same key again changes nothing."""
        ...

    async def attach(self, order_no: str, file_id: str, content: bytes, content_type: str) -> None:
        """Attach a photo or video; the same id again replaces it."""
        ...

    async def rate(self, order_no: str, score: int, comment: str | None) -> None:
        """Hand over the customer's rating, 1 to 5; again replaces it. Only an order that is done can be rated."""
        ...

    async def changes(self, after: int) -> Sequence[HotlineOrder]:
        """Orders with a version greater than ``after``, in the order of their versions; at most a page."""
        ...
