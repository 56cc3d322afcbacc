"""Money that went wrong: what became of a customer's payments, and requests to give back what was paid for a wrong account."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from sqlalchemy import select

from runxia.clock import Clock
from runxia.utility import Utility
from services.audit import record
from services.errors import NothingToRefund
from services.payments import OrderState, OrderView, Payments
from services.ports import Csms, Payment
from store.db import Database, insert_for
from store.models.payments import RefundState
from store.models.refunds import RefundRequest


@dataclass(frozen=True, slots=True)
class RefundFiling:
    """A request as CSMS has it. ``state``: accepted | approved | refunded | rejected; ``note`` is for the customer."""

    request_no: str
    state: str
    filed_at: datetime
    decide_by: date
    amount_fen: int
    note: str = ""


class RefundDesk(Protocol):
    """The part of the billing system that decides about refunds. Every method may raise ``SystemUnavailable("csms")``."""

    async def file(self, out_trade_no: str, account_no: str, amount_fen: int, reason: str) -> RefundFiling:
        """Ask for a payment back; the same payment again gives the same request. ``reason``: wrong_account.

        Raises:
            UnknownAccount: CSMS has no such account.
        """
        ...

    async def request(self, request_no: str) -> RefundFiling | None:
        """How a request stands, or none where there is no such request."""
        ...


class Case(StrEnum):
    """What became of a payment."""

    UNPAID = "unpaid"            # WeChat Pay has no money for it, and it can still be paid
    CLOSED = "closed"            # it was never paid and cannot be any more
    UNKNOWN = "unknown"          # WeChat Pay does not answer just now
    SETTLING = "settling"        # the money has arrived; CSMS is about to book it
    SETTLED = "settled"
    REFUNDING = "refunding"      # what was too much is on its way back
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    CREDITED = "credited"        # what was too much is kept for the next bill


@dataclass(frozen=True, slots=True)
class Finding:
    """One payment and what became of it; ``since`` is the moment that goes with the case, ``excess_fen`` what was too much."""

    case: Case
    order: OrderView
    since: datetime
    excess_fen: int = 0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The customer's payments here, newest first; and what CSMS has booked for the account from other channels."""

    findings: tuple[Finding, ...]
    elsewhere: tuple[Payment, ...]


class Refunds:
    """For the dialogue: ``diagnose``, ``refundable``, ``file``, ``filed``."""

    def __init__(
        self, db: Database, csms: Csms, desk: RefundDesk, payments: Payments, clock: Clock, utility: Utility,
    ) -> None:
        self._db = db
        self._csms = csms
        self._desk = desk
        self._payments = payments
        self._clock = clock
        self._rules = utility.payments.refunds

    async def diagnose(self, openid: str, account_no: str, days: tuple[date, date] | None = None) -> Diagnosis:
        """What became of the customer's payments of these days (both included), else of the days the rules look back.

        WeChat Pay is asked first about payments that it has not told of.

        Raises:
            UnknownAccount: CSMS no longer knows the account.
            SystemUnavailable: CSMS does not answer.
        """
        today = self._clock.now().date()
        first, last = days or (today - timedelta(days=self._rules.look_back_days), today)
        answers = await self._payments.ask_again(openid)
        orders = [
            order for order in await self._payments.since(openid, first) if order.created_at.date() <= last
        ]
        booked = await self._csms.payments(account_no, since=first, until=last)
        return Diagnosis(
            tuple(_finding(order, answers=answers) for order in orders),
            tuple(payment for payment in booked if payment.channel not in ("wechat", "credit")),
        )

    async def refundable(self, openid: str) -> tuple[OrderView, ...]:
        """Payments that may have gone to a wrong account: booked, not given back, not too long ago, newest first."""
        today = self._clock.now().date()
        orders = await self._payments.since(openid, today - timedelta(days=self._rules.request_days))
        return tuple(
            order for order in orders
            if order.state is OrderState.SETTLED and _given_back(order) < order.amount_fen
        )

    async def file(self, openid: str, out_trade_no: str) -> RefundFiling:
        """Ask CSMS to give back one of the customer's payments. Safe to repeat: one request for one payment.

        Raises:
            NothingToRefund: it is not a payment of theirs that can be given back.
            SystemUnavailable: CSMS does not answer.
        """
        order = next((each for each in await self.refundable(openid) if each.out_trade_no == out_trade_no), None)
        if order is None:
            raise NothingToRefund
        account_no, amount_fen = order.lines[0].account_no, order.amount_fen - _given_back(order)
        filing = await self._desk.file(out_trade_no, account_no, amount_fen, "wrong_account")
        async with self._db.begin() as session:
            row = insert_for(session, RefundRequest).values(
                request_no=filing.request_no, openid=openid, account_no=account_no, out_trade_no=out_trade_no,
                amount_fen=amount_fen, created_at=self._clock.now(),
            )
            written = await session.execute(
                row.on_conflict_do_nothing(index_elements=["request_no"]).returning(RefundRequest.id),
            )
            if written.scalar_one_or_none() is not None:
                record(session, self._clock, openid, "refund_request", account_no, detail=filing.request_no)
        return filing

    async def filed(self, openid: str, request_no: str | None = None) -> tuple[RefundFiling, ...]:
        """How the customer's requests stand, newest first; or the one with this number, if it is theirs."""
        mine = select(RefundRequest.request_no).where(RefundRequest.openid == openid)
        if request_no:
            mine = mine.where(RefundRequest.request_no == request_no)
        async with self._db.read() as session:
            numbers: Sequence[str] = (await session.scalars(mine.order_by(RefundRequest.id.desc()).limit(3))).all()
        found = await asyncio.gather(*(self._desk.request(number) for number in numbers))
        return tuple(filing for filing in found if filing is not None)


def _given_back(order: OrderView) -> int:
    return order.refund_fen + order.credit_fen


def _finding(order: OrderView, *, answers: bool) -> Finding:
    if order.state is OrderState.PAID:
        return Finding(Case.SETTLING, order, order.paid_at or order.created_at)
    if order.state is OrderState.SETTLED:
        return _settled(order)
    if order.state in (OrderState.CLOSED, OrderState.CLOSING):
        return Finding(Case.CLOSED, order, order.created_at)
    was_begun = order.state is not OrderState.CREATED
    return Finding(Case.UNPAID if answers or not was_begun else Case.UNKNOWN, order, order.created_at)


def _settled(order: OrderView) -> Finding:
    settled_at = order.settled_at or order.created_at
    if order.refund_state is None:
        if order.credit_fen:
            return Finding(Case.CREDITED, order, settled_at, order.credit_fen)
        return Finding(Case.SETTLED, order, settled_at)
    case = {RefundState.DONE: Case.REFUNDED, RefundState.FAILED: Case.REFUND_FAILED}.get(order.refund_state, Case.REFUNDING)
    return Finding(case, order, order.refunded_at or settled_at, order.refund_fen)

