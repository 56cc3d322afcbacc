"""The daily comparison of WeChat Pay's statement with our orders, and the file that CSMS gets of it.

The file is CSV in UTF-8 with one row for each bill of each payment, and one for each refund:

``transaction_id,out_trade_no,account_no,bill_no,period,amount_fen,booked_fen,statement_fen,status``

``amount_fen`` is what the customer paid for the bill (negative: a refund), ``booked_fen`` what CSMS took, ``statement_fen``
the whole transaction in the statement. Money paid in advance has no ``bill_no`` and ``period``.
``status`` is ``matched`` or the kind of the difference.
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import SHANGHAI
from services.audit import SYSTEM, record
from services.errors import SystemUnavailable
from services.payments.base import ARRIVED
from services.payments.settlement import Settlement
from services.payments.statement import Statement, StatementError, StatementRow, parse_statement
from store.models.payments import (
    OrderState,
    PayOrder,
    Reconciliation,
    ReconciliationDifference,
    Refund,
    RefundKind,
    RefundState,
)

log = logging.getLogger(__name__)

COLUMNS = (
    "transaction_id", "out_trade_no", "account_no", "bill_no", "period", "amount_fen", "booked_fen", "statement_fen", "status",
)
STATEMENT_DAYS = 90  # WeChat Pay keeps statements for three months
SQL_VARIABLES = 500  # of one IN list; SQLite and SQL Server have limits


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which statement and orders disagree.

    ``kind``: ``missing_here`` (in the statement, unknown or unpaid here), ``missing_there`` (paid here, not in the statement),
    ``amount``, ``unbooked`` (paid, but CSMS has not booked it), ``refund`` (one side knows no such refund, or another amount).
    """

    kind: str
    transaction_id: str | None
    out_trade_no: str | None
    ours_fen: int | None
    theirs_fen: int | None


@dataclass(frozen=True, slots=True)
class Books:
    """Our side of a day: orders and refunds by number; ``of_day`` are those that the statement must hold."""

    orders: dict[str, PayOrder]
    refunds: dict[str, Refund]
    of_day: frozenset[str]


class Reconciler(Settlement):
    """Reconciliation, on top of settlement: a payment that only the statement knows of is settled first."""

    async def reconcile_due(self) -> int:
        """Reconcile every day that is over, whose statement is out, and that is not handed over yet; how many days."""
        days = await self._open_days()
        for day in days:
            await self.reconcile(day)
        return len(days)

    async def reconcile(self, day: date) -> int:
        """Reconcile one day and hand the file to CSMS; how many differences there are. Safe to repeat.

        Raises:
            SystemUnavailable: WeChat Pay or CSMS does not answer, or the statement makes no sense. Try again later.
        """
        async with self._db.read() as session:
            known = await session.get(Reconciliation, day)
            if known is not None and known.state == "handed_over":
                counted = select(func.count()).where(ReconciliationDifference.day == day)
                return await session.scalar(counted) or 0
        content = await self._pay.statement(day)
        statement = _parsed(day, content)
        await self._recover(statement)
        books = await self._books(day, statement)
        differences = compare(statement, books)
        await self._write(day, content, statement, differences)
        await self._csms.hand_over_reconciliation(day, reconciliation_file(statement, books, differences))
        await self._handed_over(day)
        return len(differences)

    async def _open_days(self) -> list[date]:
        """Days from the first payment on that are not handed over; today's statement comes tomorrow."""
        now = self._clock.now()
        out = now.time() >= self._utility.payments.reconcile_at
        last = now.date() - timedelta(days=1 if out else 2)
        async with self._db.read() as session:
            first = await session.scalar(select(func.min(PayOrder.paid_at)))
            if first is None:
                return []
            done = set(await session.scalars(select(Reconciliation.day).where(Reconciliation.state == "handed_over")))
        start = max(first.date(), last - timedelta(days=STATEMENT_DAYS - 1))
        days = [start + timedelta(days=number) for number in range((last - start).days + 1)]
        return [day for day in days if day not in done]

    async def _recover(self, statement: Statement) -> None:
        """Payments that the statement has and we missed: ask WeChat Pay, and book them like any other."""
        numbers = [row.out_trade_no for row in statement.payments]
        missed = [order for order in (await self._orders(numbers)).values() if order.state not in ARRIVED]
        for order in missed:
            await self._look(order)
        for order in (await self._orders(numbers)).values():
            if order.state == OrderState.PAID:
                await self.settle(order)

    async def _orders(self, out_trade_nos: Sequence[str]) -> dict[str, PayOrder]:
        async with self._db.read() as session:
            return {
                order.out_trade_no: order
                for part in _parts(out_trade_nos)
                for order in await session.scalars(select(PayOrder).where(PayOrder.out_trade_no.in_(part)))
            }

    async def _books(self, day: date, statement: Statement) -> Books:
        start = datetime.combine(day, time(), SHANGHAI)
        end = start + timedelta(days=1)
        orders = await self._orders([row.out_trade_no for row in statement.payments])
        async with self._db.read() as session:
            paid = await session.scalars(select(PayOrder).where(PayOrder.paid_at >= start, PayOrder.paid_at < end))
            orders |= {order.out_trade_no: order for order in paid}
            numbers = [row.out_refund_no for row in statement.refunds if row.out_refund_no]
            refunds = {
                refund.out_refund_no: refund
                for part in _parts(numbers)
                for refund in await session.scalars(select(Refund).where(Refund.out_refund_no.in_(part)))
            }
            done = await session.scalars(
                select(Refund).where(
                    Refund.kind == RefundKind.REFUND, Refund.state == RefundState.DONE,
                    Refund.done_at >= start, Refund.done_at < end,
                ),
            )
            refunds |= {refund.out_refund_no: refund for refund in done}
        of_day = [number for number, order in orders.items() if order.paid_at and start <= order.paid_at < end]
        of_day += [number for number, refund in refunds.items() if refund.done_at and start <= refund.done_at < end]
        return Books(orders, refunds, frozenset(of_day))

    async def _write(
        self, day: date, content: bytes | None, statement: Statement, differences: Sequence[Difference],
    ) -> None:
        async with self._db.begin() as session:
            await session.execute(delete(ReconciliationDifference).where(ReconciliationDifference.day == day))
            await session.execute(delete(Reconciliation).where(Reconciliation.day == day))
            session.add(
                Reconciliation(
                    day=day, state="compared", payments=len(statement.payments),
                    statement_sha1=hashlib.sha1(content, usedforsecurity=False).hexdigest() if content else None,
                    paid_fen=sum(row.amount_fen for row in statement.payments),
                    refunded_fen=sum(row.amount_fen for row in statement.refunds),
                    compared_at=self._clock.now(),
                ),
            )
            await session.flush()
            session.add_all(_difference_row(day, difference) for difference in differences)
            self._report(session, day, differences)

    def _report(self, session: AsyncSession, day: date, differences: Sequence[Difference]) -> None:
        if differences:
            log.error("reconciliation of %s: %d differences", day, len(differences))
        outcome = "differences" if differences else "ok"
        record(session, self._clock, SYSTEM, "reconcile", outcome=outcome, detail=f"{day}: {len(differences)}")

    async def _handed_over(self, day: date) -> None:
        async with self._db.begin() as session:
            found = await session.get_one(Reconciliation, day)
            found.state, found.handed_over_at = "handed_over", self._clock.now()


def compare(statement: Statement, books: Books) -> list[Difference]:
    """All that differs, payments first, in the order of the statement."""
    found = [_compare_payment(row, books.orders.get(row.out_trade_no)) for row in statement.payments]
    there = {row.out_trade_no for row in statement.payments}
    found += [
        Difference("missing_there", order.transaction_id, number, order.amount_fen, None)
        for number, order in books.orders.items() if number in books.of_day and number not in there
    ]
    found += [_compare_refund(row, books.refunds.get(row.out_refund_no or "")) for row in statement.refunds]
    sent_back = {row.out_refund_no for row in statement.refunds}
    found += [
        Difference("refund", refund.order.transaction_id, number, refund.amount_fen, None)
        for number, refund in books.refunds.items() if number in books.of_day and number not in sent_back
    ]
    return [difference for difference in found if difference is not None]


def _compare_payment(row: StatementRow, order: PayOrder | None) -> Difference | None:
    ours = order.amount_fen if order else None
    lines = sum(line.amount_fen for line in order.lines) if order else None
    if order is None or order.state not in ARRIVED or order.transaction_id != row.transaction_id:
        kind = "missing_here"
    elif not ours == lines == row.amount_fen:
        kind = "amount"
    elif order.state != OrderState.SETTLED:
        kind = "unbooked"
    else:
        return None
    return Difference(kind, row.transaction_id, row.out_trade_no, ours, row.amount_fen)


def _compare_refund(row: StatementRow, refund: Refund | None) -> Difference | None:
    if refund is not None and refund.amount_fen == row.amount_fen:
        return None
    ours = refund.amount_fen if refund else None
    return Difference("refund", row.transaction_id, row.out_refund_no, ours, row.amount_fen)


def reconciliation_file(statement: Statement, books: Books, differences: Sequence[Difference]) -> bytes:
    """The file for CSMS, see the head of this module."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    statuses = {difference.out_trade_no: difference.kind for difference in differences}
    for row in statement.payments:
        status = statuses.get(row.out_trade_no, "matched")
        order = books.orders.get(row.out_trade_no)
        for bill in _bills(order) if order else [("", "", "", "", "")]:
            writer.writerow((row.transaction_id, row.out_trade_no, *bill, row.amount_fen, status))
    for row in statement.refunds:
        status = statuses.get(row.out_refund_no, "matched")
        writer.writerow((row.transaction_id, row.out_trade_no, "", "", "", -row.amount_fen, "", -row.amount_fen, status))
    for difference in differences:
        if difference.theirs_fen is None:
            missing = (difference.transaction_id, difference.out_trade_no, "", "", "", difference.ours_fen, "", "")
            writer.writerow((*missing, difference.kind))
    return out.getvalue().encode()


def _bills(order: PayOrder) -> list[tuple[str | int, ...]]:
    return [
        (line.account_no, line.bill_no, line.period, line.amount_fen, "" if line.applied_fen is None else line.applied_fen)
        for line in order.lines
    ]


def _parsed(day: date, content: bytes | None) -> Statement:
    if content is None:
        return Statement()
    try:
        return parse_statement(content)
    except StatementError as error:
        log.error("the statement of %s makes no sense: %s", day, error)
        raise SystemUnavailable("pay") from error


def _parts(numbers: Sequence[str]) -> list[Sequence[str]]:
    return [numbers[start:start + SQL_VARIABLES] for start in range(0, len(numbers), SQL_VARIABLES)]


def _difference_row(day: date, difference: Difference) -> ReconciliationDifference:
    return ReconciliationDifference(
        day=day, kind=difference.kind, transaction_id=difference.transaction_id, out_trade_no=difference.out_trade_no,
        ours_fen=difference.ours_fen, theirs_fen=difference.theirs_fen,
    )
