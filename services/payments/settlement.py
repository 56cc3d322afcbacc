"""What happens behind the customer's back: payments arrive, are booked in CSMS, and what was too much goes back.

Every step is safe to repeat, and what another system must do is written down before it is asked, so that a crash between
any two steps costs nothing but time: the jobs find what is not finished. Jobs are called every few seconds, by any number
of workers.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, Select, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.audit import SYSTEM, record
from services.errors import OrderPaid, PaymentMismatch, SystemUnavailable
from services.outbox import enqueue
from services.payments.base import ARRIVED, backoff, locked
from services.payments.orders import Orders
from services.ports import LineResult, RefundResult, Transaction
from store.models.payments import OrderPurpose, OrderState, PayOrder, Refund, RefundKind, RefundState

log = logging.getLogger(__name__)

BATCH = 20
ASKED_AT_ONCE = 3  # orders of a customer who waits for the answer
# A payment begun in the last second may reach us a little after the order's time is over.
CLOSE_GRACE = timedelta(minutes=1)
KNOWN_TO_PAY = (OrderState.BEGUN, OrderState.PREPAID)
REFUND_REASONS = {OrderPurpose.BILLS: "账单已结清，多付款项退回", OrderPurpose.PREPAY: "未能存入，预存款项退回"}
TOLD_RECEIVED = {OrderPurpose.BILLS: "EXTERNAL_payment_received", OrderPurpose.PREPAY: "EXTERNAL_prepay_received"}
TOLD_REFUNDED = {OrderPurpose.BILLS: "EXTERNAL_payment_refunded", OrderPurpose.PREPAY: "EXTERNAL_prepay_refunded"}


class Settlement(Orders):
    """From the moment of payment to the end of the matter."""

    async def callback(self, headers: Mapping[str, str], body: bytes) -> None:
        """Take what WeChat Pay posted. Returning means that it is written down and need not be sent again.

        Raises:
            CallbackRefused: WeChat Pay did not send it.
            PaymentMismatch: it does not fit an order of ours; it is audited for a person to see.
        """
        told = self._pay.parse_callback(headers, body)
        if isinstance(told, Transaction):
            await self.notified(told)
        else:
            await self.refund_notified(told)

    async def notified(self, transaction: Transaction) -> bool:
        """WeChat Pay tells of a payment; whether it is news. Late, repeated and out of order are all the same.

        Raises:
            PaymentMismatch: number, amount or payer are not those of our order, or it was paid by another transaction.
        """
        if transaction.state != "SUCCESS":
            return False
        try:
            return await self._arrive(transaction)
        except PaymentMismatch as mismatch:
            await self._set_aside(transaction, mismatch)
            raise

    async def refund_notified(self, result: RefundResult) -> bool:
        """WeChat Pay tells how a refund ended; whether it is news.

        Raises:
            PaymentMismatch: not a refund of ours.
        """
        async with self._db.read() as session:
            refund_id = await session.scalar(select(Refund.id).where(Refund.out_refund_no == result.out_refund_no))
        if refund_id is None:
            raise PaymentMismatch("order")
        return await self._refund_told(refund_id, result)

    async def returned(self, token: str, openid: str) -> None:
        """The payment page says that the customer has paid: ask WeChat Pay at the next tick rather than believe it.

        Raises:
            LinkInvalid: ``forged`` or ``foreign``.
        """
        order = await self._order_behind(token, openid)
        async with self._db.begin() as session:
            await session.execute(
                update(PayOrder)
                .where(PayOrder.id == order.id, PayOrder.state.in_(KNOWN_TO_PAY))
                .values(tries=0, next_try_at=self._clock.now()),
            )

    async def query_due(self) -> int:
        """Ask WeChat Pay about orders that may have been paid without our hearing; how many had been."""
        return sum([await self._look(order) for order in await self._due(*KNOWN_TO_PAY)])

    async def ask_again(self, openid: str) -> bool:
        """Ask WeChat Pay at once about a customer's orders that may have been paid; whether it answers."""
        waiting = select(PayOrder).where(PayOrder.openid == openid, PayOrder.state.in_((*KNOWN_TO_PAY, OrderState.CLOSING)))
        async with self._db.read() as session:
            orders = list(await session.scalars(waiting.order_by(PayOrder.id.desc()).limit(ASKED_AT_ONCE)))
        try:
            for order in orders:
                transaction = await self._pay.query(order.out_trade_no)
                if transaction is not None:
                    await self.notified(transaction)
        except SystemUnavailable:
            return False
        except PaymentMismatch:
            pass  # audited and logged where it was found
        return True

    async def close_expired(self) -> int:
        """Close orders that are given up or whose time is over; how many got closed."""
        closed = await self._expire()
        for order in await self._due(OrderState.CLOSING):
            closed += await self._close(order)
        return closed

    async def settle_paid(self) -> int:
        """Book arrived payments in CSMS; how many."""
        return sum([await self.settle(order) for order in await self._due(OrderState.PAID)])

    async def settle(self, order: PayOrder) -> bool:
        """Book one payment in CSMS, then write the outcome and what the customer is told; whether that was done now.

        Raises:
            ValueError: the order is not paid.
        """
        try:
            booked = _checked(order, await self._book(order))
        except SystemUnavailable as error:
            log.warning("order %s is not booked yet: %s", order.out_trade_no, error)
            return False
        async with self._db.begin() as session:
            held = await locked(session, order.id)
            if held.state != OrderState.PAID:
                return False
            await self._finish(session, held, booked)
        return True

    async def _book(self, order: PayOrder) -> Sequence[LineResult]:
        if order.transaction_id is None or order.paid_at is None:
            raise ValueError(f"order {order.out_trade_no} is not paid")
        paid = (order.out_trade_no, order.transaction_id, order.paid_at)
        if order.purpose == OrderPurpose.BILLS:
            return await self._csms.record_payment(
                *paid, [(line.bill_no, line.amount_fen) for line in order.lines],
                keep_excess=order.excess == RefundKind.CREDIT,
            )
        line = order.lines[0]
        prepaid = await self._csms.record_prepayment(*paid, line.account_no, line.amount_fen)
        return [LineResult(line.bill_no, prepaid.result, line.amount_fen if prepaid.result == "applied" else 0)]

    async def send_refunds(self) -> int:
        """Have WeChat Pay send back what was too much, and ask how refunds under way stand; how many moved on."""
        return sum([await self._refund(refund) for refund in await self._due_refunds()])

    # --- a payment arrives

    async def _arrive(self, transaction: Transaction) -> bool:
        async with self._db.begin() as session:
            found = await session.execute(
                select(PayOrder).where(PayOrder.out_trade_no == transaction.out_trade_no).with_for_update(),
            )
            order = found.scalar_one_or_none()
            if order is None:
                raise PaymentMismatch("order")
            await self._compare(session, order, transaction)
            if order.state in ARRIVED:
                return False
            now = self._clock.now()
            order.state, order.transaction_id = OrderState.PAID, transaction.transaction_id
            order.paid_at = transaction.paid_at or now
            order.tries, order.next_try_at = 0, now
            self._record(session, order, "pay")
        return True

    @staticmethod
    async def _compare(session: AsyncSession, order: PayOrder, transaction: Transaction) -> None:
        if transaction.amount_fen != order.amount_fen:
            raise PaymentMismatch("amount")
        if transaction.openid != order.openid:
            raise PaymentMismatch("payer")
        known = await session.execute(
            select(PayOrder.id).where(PayOrder.transaction_id == transaction.transaction_id, PayOrder.id != order.id),
        )
        changed = order.state in ARRIVED and order.transaction_id != transaction.transaction_id
        if not transaction.transaction_id or changed or known.first() is not None:
            raise PaymentMismatch("transaction")

    async def _set_aside(self, transaction: Transaction, mismatch: PaymentMismatch) -> None:
        """Stop looking at an order whose payment makes no sense, and leave word for a person; the statement shows it too."""
        log.error("payment of %s does not fit: %s", transaction.out_trade_no, mismatch.why)
        async with self._db.begin() as session:
            await session.execute(
                update(PayOrder)
                .where(PayOrder.out_trade_no == transaction.out_trade_no, PayOrder.state.not_in(ARRIVED))
                .values(next_try_at=None),
            )
            record(session, self._clock, SYSTEM, "pay", outcome=f"mismatch_{mismatch.why}", detail=transaction.out_trade_no)

    # --- WeChat Pay is asked

    async def _due(self, *states: OrderState) -> list[PayOrder]:
        """Orders that a job should look at now; another worker will not get them until they are due again."""
        now = self._clock.now()
        waiting = and_(PayOrder.state.in_(states), PayOrder.next_try_at <= now)
        if not await self._is_any(PayOrder.id, waiting):
            return []
        async with self._db.begin() as session:
            orders = list(await session.scalars(_batch(PayOrder, waiting)))
            for order in orders:
                order.tries += 1
                order.next_try_at = now + backoff(order.tries)
        return orders

    async def _is_any(self, key: InstrumentedAttribute[int], condition: ColumnElement[bool]) -> bool:
        """Whether there is a row, without keeping writers waiting: mostly there is nothing to do."""
        async with self._db.read() as session:
            return await session.scalar(select(key).where(condition).limit(1)) is not None

    async def _look(self, order: PayOrder) -> bool:
        """Ask WeChat Pay about one order; whether it turns out to be paid."""
        try:
            transaction = await self._pay.query(order.out_trade_no)
            if transaction is None:
                return False
            if transaction.state in ("CLOSED", "REVOKED", "REFUND"):
                await self._closed(order, transaction.state)
            return await self.notified(transaction)
        except SystemUnavailable as error:
            log.warning("order %s: %s does not answer", order.out_trade_no, error.system)
        except PaymentMismatch:
            pass  # audited and logged where it was found
        return False

    async def _expire(self) -> int:
        """Orders whose time is over: closed where only we know of them, else to be closed at WeChat Pay."""
        now = self._clock.now()
        overdue = or_(
            and_(PayOrder.state == OrderState.CREATED, PayOrder.expires_at <= now),
            and_(
                PayOrder.state.in_(KNOWN_TO_PAY), PayOrder.expires_at <= now - CLOSE_GRACE,
                PayOrder.next_try_at.is_not(None),
            ),
        )
        if not await self._is_any(PayOrder.id, overdue):
            return 0
        async with self._db.begin() as session:
            orders = list(await session.scalars(_batch(PayOrder, overdue)))
            for order in orders:
                self._abandon(session, order)
            return sum(order.state == OrderState.CLOSED for order in orders)

    async def _close(self, order: PayOrder) -> bool:
        """Close one order at WeChat Pay, unless it was paid in the last moment; whether it is closed."""
        try:
            transaction = await self._pay.query(order.out_trade_no)
            if transaction is not None and transaction.state == "SUCCESS":
                await self.notified(transaction)
                return False
            if transaction is not None and transaction.state == "USERPAYING":
                return False
            if transaction is not None and transaction.state in ("NOTPAY", "PAYERROR"):
                await self._pay.close(order.out_trade_no)
            return await self._closed(order, transaction.state if transaction else "NOTPAY")
        except OrderPaid:
            log.info("order %s was paid while it was being closed", order.out_trade_no)
        except SystemUnavailable as error:
            log.warning("order %s: %s does not answer", order.out_trade_no, error.system)
        except PaymentMismatch:
            pass  # audited and logged where it was found
        return False

    async def _closed(self, order: PayOrder, why: str) -> bool:
        """Write that an order can no longer be paid; ``REFUND`` means that somebody refunded it past us."""
        async with self._db.begin() as session:
            held = await locked(session, order.id)
            if held.state in (*ARRIVED, OrderState.CLOSED):
                return False
            held.state, held.next_try_at = OrderState.CLOSED, None
            self._record(session, held, "pay_order", "refunded_elsewhere" if why == "REFUND" else "closed")
        return True

    # --- CSMS has booked

    async def _finish(self, session: AsyncSession, order: PayOrder, booked: Mapping[str, LineResult]) -> None:
        now = self._clock.now()
        for line in order.lines:
            line.result, line.applied_fen = booked[line.bill_no].result, booked[line.bill_no].applied_fen
        order.state, order.settled_at, order.next_try_at = OrderState.SETTLED, now, None
        applied = [line for line in order.lines if line.applied_fen]
        if applied:
            amount = sum(line.applied_fen or 0 for line in applied)
            accounts = list(dict.fromkeys(line.account_no for line in applied))
            await self._tell(session, order, TOLD_RECEIVED[OrderPurpose(order.purpose)], amount, accounts, count=len(applied))
        for kind, amount in _excess(order).items():
            await self._give_back(session, order, kind, amount)
        self._record(session, order, "settle")

    async def _give_back(self, session: AsyncSession, order: PayOrder, kind: RefundKind, amount_fen: int) -> None:
        now = self._clock.now()
        is_credit = kind is RefundKind.CREDIT
        session.add(
            Refund(
                order_id=order.id, out_refund_no=f"{order.out_trade_no}-{kind}", amount_fen=amount_fen, kind=kind,
                state=RefundState.DONE if is_credit else RefundState.CREATED, created_at=now,
                done_at=now if is_credit else None, next_try_at=None if is_credit else now,
            ),
        )
        if is_credit:
            await self._tell(session, order, "EXTERNAL_payment_credited", amount_fen, _overpaid(order), paid=order.amount_fen)

    async def _tell(
        self, session: AsyncSession, order: PayOrder, intent: str, amount_fen: int, accounts: Sequence[str], **more: int,
    ) -> None:
        """Have the dialogue tell the customer. ``amount`` in fen, ``accounts`` in full: it masks them."""
        await enqueue(
            session, self._clock, openid=order.openid, kind="trigger", dedupe_key=f"{intent}:{order.out_trade_no}",
            payload={"intent": intent, "entities": {"amount": amount_fen, "accounts": list(accounts), **more}},
        )

    # --- money goes back

    async def _due_refunds(self) -> list[Refund]:
        now = self._clock.now()
        waiting = and_(Refund.state.in_((RefundState.CREATED, RefundState.SENT)), Refund.next_try_at <= now)
        if not await self._is_any(Refund.id, waiting):
            return []
        async with self._db.begin() as session:
            refunds = list(await session.scalars(_batch(Refund, waiting)))
            for refund in refunds:
                refund.tries += 1
                refund.next_try_at = now + backoff(refund.tries)
        return refunds

    async def _refund(self, refund: Refund) -> bool:
        """Ask WeChat Pay for one refund; the same number again only tells how it stands."""
        try:
            result = await self._pay.refund(
                refund.order.out_trade_no, refund.out_refund_no, refund.amount_fen, refund.order.amount_fen,
                REFUND_REASONS[OrderPurpose(refund.order.purpose)],
            )
        except SystemUnavailable as error:
            log.warning("refund %s is not sent yet: %s", refund.out_refund_no, error)
            return False
        return await self._refund_told(refund.id, result)

    async def _refund_told(self, refund_id: int, result: RefundResult) -> bool:
        """Write how a refund stands. The customer is told when WeChat Pay takes it on: the rest is the bank's time."""
        async with self._db.begin() as session:
            found = await session.execute(select(Refund).where(Refund.id == refund_id).with_for_update())
            refund = found.scalar_one()
            before = refund.state
            if before in (RefundState.DONE, RefundState.FAILED):
                return False
            refund.state = {"SUCCESS": RefundState.DONE, "PROCESSING": RefundState.SENT}.get(result.state, RefundState.FAILED)
            if refund.state == before:
                return False
            if refund.state != RefundState.SENT:
                refund.done_at, refund.next_try_at = self._clock.now(), None
            if refund.state == RefundState.FAILED:
                log.error("refund %s ended as %s at WeChat Pay: a person must see to it", refund.out_refund_no, result.state)
            elif before == RefundState.CREATED:
                order = refund.order
                await self._tell(
                    session, order, TOLD_REFUNDED[OrderPurpose(order.purpose)], refund.amount_fen, _overpaid(order),
                    paid=order.amount_fen,
                )
            self._record(session, refund.order, "refund", str(refund.state))
        return True


def _batch[M: (PayOrder, Refund)](model: type[M], condition: ColumnElement[bool]) -> Select[M]:
    """A few rows, the longest waiting first, held against other workers."""
    return select(model).where(condition).order_by(model.next_try_at).limit(BATCH).with_for_update(skip_locked=True)


def _checked(order: PayOrder, results: Sequence[LineResult]) -> dict[str, LineResult]:
    """The results by bill number.

    Raises:
        SystemUnavailable: they do not fit what CSMS was asked to book.
    """
    booked = {result.bill_no: result for result in results}
    owed = {line.bill_no: line.amount_fen for line in order.lines}
    if booked.keys() != owed.keys() or any(not 0 <= booked[number].applied_fen <= owed[number] for number in owed):
        raise SystemUnavailable("csms")
    return booked


def _excess(order: PayOrder) -> dict[RefundKind, int]:
    """What no bill needed: by the order's rule, but CSMS keeps nothing for a bill that it rejected."""
    sums: dict[RefundKind, int] = {}
    for line in order.lines:
        left = line.amount_fen - (line.applied_fen or 0)
        kind = RefundKind.REFUND if line.result == "rejected" else RefundKind(order.excess)
        if left:
            sums[kind] = sums.get(kind, 0) + left
    return sums


def _overpaid(order: PayOrder) -> list[str]:
    return list(dict.fromkeys(line.account_no for line in order.lines if line.amount_fen != line.applied_fen))
