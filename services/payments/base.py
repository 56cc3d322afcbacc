"""What the parts of the payments service share: its ports, and what it tells others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.utility import Utility
from services.ports import BillStatus, Csms, Pay
from store.db import Database
from store.models.payments import OrderPurpose, OrderState, PayOrder, RefundState

# States in which an order may still be paid and the customer may go on with it.
OPEN = (OrderState.CREATED, OrderState.BEGUN, OrderState.PREPAID)
# States in which the money has arrived.
ARRIVED = (OrderState.PAID, OrderState.SETTLED)

FIRST_RETRY = timedelta(seconds=5)
LAST_RETRY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class OfferLine:
    """One bill that can be paid, and what it owes. ``period``: ``2026-08``."""

    account_no: str
    bill_no: str
    period: str
    amount_fen: int
    status: BillStatus


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be paid now, oldest first; what cannot, because it is ``disputed``, or paid and ``in_progress``."""

    lines: tuple[OfferLine, ...]
    disputed: tuple[OfferLine, ...]
    in_progress: tuple[OfferLine, ...]

    @property
    def amount_fen(self) -> int:
        """The sum of the lines."""
        return sum(line.amount_fen for line in self.lines)


@dataclass(frozen=True, slots=True)
class PayLink:
    """The way to the payment page. It is the customer's own, good for one payment, until ``expires_at``."""

    url: str
    amount_fen: int
    expires_at: datetime
    out_trade_no: str


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One bill of an order as its customer may see it; bill and month are empty for money paid in advance.

    ``applied_fen``: what CSMS took for it, none before that.
    """

    account_no: str
    bill_no: str
    period: str
    amount_fen: int
    applied_fen: int | None


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as its customer may see it; ``refund_fen`` and ``credit_fen`` are what no bill needed."""

    out_trade_no: str
    state: OrderState
    amount_fen: int
    lines: tuple[OrderLine, ...]
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    refund_fen: int
    credit_fen: int
    purpose: OrderPurpose = OrderPurpose.BILLS
    settled_at: datetime | None = None
    refund_state: RefundState | None = None
    refunded_at: datetime | None = None


class PaymentsBase:
    """The ports, the rules and the clock."""

    def __init__(
        self, db: Database, csms: Csms, pay: Pay, clock: Clock, utility: Utility, *, link_key: bytes, public_base_url: str,
    ) -> None:
        self._db = db
        self._csms = csms
        self._pay = pay
        self._clock = clock
        self._utility = utility
        self._link_key = link_key
        self._public_base_url = public_base_url.rstrip("/")


async def locked(session: AsyncSession, order_id: int) -> PayOrder:
    """The order, held against other writers until the transaction ends."""
    found = await session.execute(select(PayOrder).where(PayOrder.id == order_id).with_for_update())
    return found.scalar_one()


def backoff(tries: int) -> timedelta:
    """How long to wait after the ``tries``-th look, counted from 1: 5 s, doubled each time, at most 10 minutes."""
    return min(FIRST_RETRY * (1 << min(tries - 1, 10)), LAST_RETRY)
