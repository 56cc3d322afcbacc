"""What the customer does: see what is payable, get a link, open it, pay."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import SHANGHAI
from services.audit import record
from services.errors import (
    AmountChanged,
    BillDisputed,
    ClosedAccount,
    LinkInvalid,
    NothingToPay,
    PaymentInProgress,
    PrepayOutOfRange,
    TooManyBills,
    UnknownAccount,
)
from services.payments.base import (
    ARRIVED,
    FIRST_RETRY,
    OPEN,
    Offer,
    OfferLine,
    OrderLine,
    OrderView,
    PayLink,
    PaymentsBase,
    locked,
)
from services.ports import AccountState, Bill, BillStatus
from store.models.payments import OrderPurpose, OrderState, PayLine, PayOrder, RefundKind, RefundState

type Months = tuple[str, str]  # first and last month, both included: ("2026-08", "2026-08")

MAC_CHARACTERS = 22  # of base64: 132 of HMAC-SHA256's 256 bits
# What has changed so that an order must not be paid any more.
REASONS_TO_GIVE_UP = (
    NothingToPay, BillDisputed, PaymentInProgress, AmountChanged, PrepayOutOfRange, UnknownAccount, ClosedAccount,
)
MOST_SHOWN = 20  # orders of one customer
DESCRIPTION_CHARACTERS = 127  # https://pay.weixin.qq.com/doc/v3/merchant/4012791856, description


class Orders(PaymentsBase):
    """From the offer to the moment when WeChat Pay takes over."""

    async def offer(
        self, account_nos: Sequence[str], *, periods: Sequence[Months] = (), exclude: Sequence[Months] = (),
        bill_nos: Sequence[str] = (),
    ) -> Offer:
        """What is payable on these accounts, oldest first.

        ``periods`` and ``bill_nos`` narrow the choice where given; ``exclude`` takes months out.
        """
        found = await asyncio.gather(*(self._csms.bills(account_no) for account_no in dict.fromkeys(account_nos)))
        chosen = [
            bill for bills in found for bill in bills
            if (not periods or _within(bill.period, periods))
            and not _within(bill.period, exclude)
            and (not bill_nos or bill.bill_no in bill_nos)
        ]
        chosen.sort(key=lambda bill: (bill.period, bill.account_no, bill.bill_no))
        busy = await self._in_progress([bill.bill_no for bill in chosen])
        payable = [bill for bill in chosen if bill.outstanding_fen > 0]
        return Offer(
            lines=tuple(_offered(bill, bill.outstanding_fen) for bill in payable if bill.bill_no not in busy),
            disputed=tuple(
                _offered(bill, bill.amount_fen - bill.paid_fen) for bill in chosen if bill.status is BillStatus.DISPUTED
            ),
            in_progress=tuple(_offered(bill, bill.outstanding_fen) for bill in payable if bill.bill_no in busy),
        )

    async def create_order(self, openid: str, lines: Iterable[OfferLine]) -> PayLink:
        """Make the order for what the customer confirmed, and the link to its payment page.

        The bills are read again first. Orders of this customer that hold one of the bills and are not paid are given up.

        Raises:
            TooManyBills: more than one order may hold.
            NothingToPay: nothing was chosen, or all of it is paid by now.
            BillDisputed: one of the bills is disputed.
            PaymentInProgress: money for one of the bills has arrived.
            AmountChanged: a bill owes something else than what was confirmed.
            SystemUnavailable: CSMS does not answer.
        """
        chosen = list({line.bill_no: line for line in lines}.values())
        if len(chosen) > self._utility.payments.max_bills_per_order:
            raise TooManyBills
        await self._check_bills({line.bill_no: line.amount_fen for line in chosen})
        order = self._new_order(openid, OrderPurpose.BILLS, [
            PayLine(account_no=line.account_no, bill_no=line.bill_no, period=line.period, amount_fen=line.amount_fen)
            for line in chosen
        ])
        return await self._add(order, PayLine.bill_no.in_([line.bill_no for line in chosen]))

    async def create_prepayment(self, openid: str, account_no: str, amount_fen: int) -> PayLink:
        """Make the order for money paid in advance for an account, and the link to its payment page.

        Orders of this customer to prepay for the same account that are not paid are given up.

        Raises:
            PrepayOutOfRange: less or more than the rules allow at a time.
            UnknownAccount, ClosedAccount: the account takes no money.
            SystemUnavailable: CSMS does not answer.
        """
        await self._check_prepayment(account_no, amount_fen)
        line = PayLine(account_no=account_no, bill_no="", period="", amount_fen=amount_fen)
        order = self._new_order(openid, OrderPurpose.PREPAY, [line])
        return await self._add(order, (PayOrder.purpose == OrderPurpose.PREPAY) & (PayLine.account_no == account_no))

    async def open_link(self, token: str, openid: str) -> OrderView:
        """The order behind a link, for the customer whose order it is.

        Raises:
            LinkInvalid: ``forged`` or ``foreign``.
        """
        return view(await self._order_behind(token, openid))

    async def prepay(self, token: str, openid: str) -> dict[str, str]:
        """Begin the payment, or go on with it: the parameters for the page's call of WeChat Pay.

        The bills are read once more, so that one that was paid elsewhere meanwhile is not paid again.

        Raises:
            LinkInvalid: ``forged``, ``foreign``, ``used`` (paid already) or ``expired`` (its time is over, or a newer link
                took its place).
            NothingToPay, BillDisputed, PaymentInProgress, AmountChanged: the bills have changed; the order is given up.
            ClosedAccount, UnknownAccount, PrepayOutOfRange: nothing can be paid in advance any more; the order is given up.
            SystemUnavailable: CSMS or WeChat Pay does not answer; nothing has changed.
        """
        order = await self._order_behind(token, openid)
        self._check_open(order)
        try:
            await self._check_still_due(order)
        except REASONS_TO_GIVE_UP:
            await self._give_up(order.id)
            raise
        order = await self._begin(order.id)
        prepay_id = order.prepay_id or await self._ask_prepay(order)
        return self._pay.jsapi_parameters(prepay_id)

    async def recent(self, openid: str, limit: int = 3) -> tuple[OrderView, ...]:
        """The customer's latest orders that were begun, newest first: what became of "我付了怎么还没到账"."""
        newest = (
            select(PayOrder)
            .where(PayOrder.openid == openid, PayOrder.state.in_((OrderState.PREPAID, *ARRIVED)))
            .order_by(PayOrder.id.desc()).limit(limit)
        )
        async with self._db.read() as session:
            return tuple(view(order) for order in await session.scalars(newest))

    async def since(self, openid: str, day: date) -> tuple[OrderView, ...]:
        """The customer's orders that were made since ``day`` and opened at least once, or paid; newest first.

        An order that was never opened, or gave way to another, tells nothing about money.
        """
        start = datetime.combine(day, time(), SHANGHAI)
        told = PayOrder.state.in_((OrderState.BEGUN, OrderState.PREPAID, *ARRIVED)) | PayOrder.prepay_id.is_not(None)
        mine = select(PayOrder).where(PayOrder.openid == openid, PayOrder.created_at >= start, told)
        async with self._db.read() as session:
            return tuple(view(order) for order in await session.scalars(mine.order_by(PayOrder.id.desc()).limit(MOST_SHOWN)))

    async def _order_behind(self, token: str, openid: str) -> PayOrder:
        out_trade_no = token.partition(".")[0]
        async with self._db.read() as session:
            order = await session.scalar(select(PayOrder).where(PayOrder.out_trade_no == out_trade_no))
        if order is None or not hmac.compare_digest(self._token(order).encode(), token.encode()):
            raise LinkInvalid("forged")
        if order.openid != openid:
            raise LinkInvalid("foreign")
        return order

    def _token(self, order: PayOrder) -> str:
        signed = f"pay-link\n{order.out_trade_no}\n{order.link_nonce}".encode()
        mac = urlsafe_b64encode(hmac.digest(self._link_key, signed, hashlib.sha256)).decode()
        return f"{order.out_trade_no}.{mac[:MAC_CHARACTERS]}"

    def _check_open(self, order: PayOrder) -> None:
        if order.state in ARRIVED:
            raise LinkInvalid("used")
        if order.state not in OPEN or order.expires_at <= self._clock.now():
            raise LinkInvalid("expired")

    def _new_order(self, openid: str, purpose: OrderPurpose, lines: list[PayLine]) -> PayOrder:
        now = self._clock.now()
        expires_at = now + timedelta(minutes=self._utility.payments.link_minutes)
        return PayOrder(
            out_trade_no=_new_out_trade_no(now), openid=openid, amount_fen=sum(line.amount_fen for line in lines),
            state=OrderState.CREATED, purpose=purpose, excess=self._utility.payments.paid_twice,
            link_nonce=secrets.token_hex(16), created_at=now, expires_at=expires_at, next_try_at=expires_at, lines=lines,
        )

    async def _add(self, order: PayOrder, same: ColumnElement[bool]) -> PayLink:
        """Write the order in place of the customer's open orders with a line that is the ``same``; its link."""
        async with self._db.begin() as session:
            await self._give_up_others(session, order.openid, same)
            session.add(order)
            self._record(session, order, "pay_order")
        url = f"{self._public_base_url}/p/pay/{self._token(order)}"
        return PayLink(url, order.amount_fen, order.expires_at, order.out_trade_no)

    async def _check_still_due(self, order: PayOrder) -> None:
        if order.purpose == OrderPurpose.PREPAY:
            await self._check_prepayment(order.lines[0].account_no, order.amount_fen)
        else:
            await self._check_bills({line.bill_no: line.amount_fen for line in order.lines})

    async def _check_prepayment(self, account_no: str, amount_fen: int) -> None:
        rule = self._utility.payments.prepay
        if not rule.lowest * 100 <= amount_fen <= rule.highest * 100:
            raise PrepayOutOfRange(rule.lowest * 100, rule.highest * 100)
        account = await self._csms.account(account_no)
        if account is None:
            raise UnknownAccount
        if account.state is AccountState.CLOSED:
            raise ClosedAccount

    async def _check_bills(self, amounts: dict[str, int]) -> None:
        """Ask CSMS whether the bills still owe these amounts."""
        found = await asyncio.gather(*(self._csms.bill(bill_no) for bill_no in amounts))
        bills = [bill for bill in found if bill is not None]
        if any(bill.status is BillStatus.DISPUTED for bill in bills):
            raise BillDisputed
        if not any(bill.outstanding_fen for bill in bills):
            raise NothingToPay
        if await self._in_progress(list(amounts)):
            raise PaymentInProgress
        owed = {bill.bill_no: bill.outstanding_fen for bill in bills}
        for bill_no, amount_fen in amounts.items():
            if owed.get(bill_no, 0) != amount_fen:
                raise AmountChanged(bill_no, owed.get(bill_no, 0))

    async def _in_progress(self, bill_nos: Sequence[str]) -> set[str]:
        """Those bills whose money has arrived here but which CSMS has not booked yet, whoever paid."""
        if not bill_nos:
            return set()
        arrived = (
            select(PayLine.bill_no).join(PayLine.order)
            .where(PayOrder.state == OrderState.PAID, PayLine.bill_no.in_(bill_nos))
        )
        async with self._db.read() as session:
            return set(await session.scalars(arrived))

    async def _begin(self, order_id: int) -> PayOrder:
        """Write that WeChat Pay is about to be asked; from now on only it can say whether the order was paid."""
        now = self._clock.now()
        async with self._db.begin() as session:
            order = await locked(session, order_id)
            self._check_open(order)
            if order.state == OrderState.CREATED:
                order.state = OrderState.BEGUN
                order.expires_at = now + timedelta(minutes=self._utility.payments.order_minutes)
            order.tries, order.next_try_at = 0, now + FIRST_RETRY
        return order

    async def _ask_prepay(self, order: PayOrder) -> str:
        prepay_id = await self._pay.prepay(
            order.out_trade_no, self._description(order), order.amount_fen, order.openid, order.expires_at,
        )
        async with self._db.begin() as session:
            held = await locked(session, order.id)
            self._check_open(held)
            held.state, held.prepay_id = OrderState.PREPAID, prepay_id
            self._record(session, held, "prepay")
        return prepay_id

    def _description(self, order: PayOrder) -> str:
        if order.purpose == OrderPurpose.PREPAY:
            what = "预存"
        else:
            what = order.lines[0].period if len(order.lines) == 1 else f"{len(order.lines)}笔账单"
        return f"{self._utility.short_name}水费 {what}"[:DESCRIPTION_CHARACTERS]

    async def _give_up(self, order_id: int) -> None:
        async with self._db.begin() as session:
            self._abandon(session, await locked(session, order_id))

    async def _give_up_others(self, session: AsyncSession, openid: str, same: ColumnElement[bool]) -> None:
        overlapping = (
            select(PayOrder).join(PayOrder.lines)
            .where(PayOrder.openid == openid, PayOrder.state.in_(OPEN), same)
            .order_by(PayOrder.id).with_for_update(of=PayOrder)
        )
        for order in (await session.scalars(overlapping)).unique():
            self._abandon(session, order)

    def _abandon(self, session: AsyncSession, order: PayOrder) -> None:
        """An open order is given up; where WeChat Pay may know of it, a job closes it there."""
        if order.state not in OPEN:
            return
        known_to_pay = order.state != OrderState.CREATED
        order.state = OrderState.CLOSING if known_to_pay else OrderState.CLOSED
        order.tries, order.next_try_at = 0, self._clock.now() if known_to_pay else None
        self._record(session, order, "pay_order", "given_up")

    def _record(self, session: AsyncSession, order: PayOrder, action: str, outcome: str = "ok") -> None:
        """Audit what happens to the order, once for each of its accounts."""
        for account_no in dict.fromkeys(line.account_no for line in order.lines):
            record(session, self._clock, order.openid, action, account_no, outcome, order.out_trade_no)


def view(order: PayOrder) -> OrderView:
    """An order as its customer may see it."""
    sums = {kind: sum(each.amount_fen for each in order.refunds if each.kind == kind) for kind in RefundKind}
    refund = next((each for each in order.refunds if each.kind == RefundKind.REFUND), None)
    return OrderView(
        out_trade_no=order.out_trade_no, state=OrderState(order.state), purpose=OrderPurpose(order.purpose),
        amount_fen=order.amount_fen,
        lines=tuple(
            OrderLine(line.account_no, line.bill_no, line.period, line.amount_fen, line.applied_fen) for line in order.lines
        ),
        created_at=order.created_at, expires_at=order.expires_at, paid_at=order.paid_at,
        settled_at=order.settled_at, refund_fen=sums[RefundKind.REFUND], credit_fen=sums[RefundKind.CREDIT],
        refund_state=RefundState(refund.state) if refund else None, refunded_at=refund.done_at if refund else None,
    )


def _within(period: str, spans: Sequence[Months]) -> bool:
    return any(first <= period <= last for first, last in spans)


def _offered(bill: Bill, amount_fen: int) -> OfferLine:
    return OfferLine(bill.account_no, bill.bill_no, bill.period, amount_fen, bill.status)


def _new_out_trade_no(now: datetime) -> str:
    """32 characters, WeChat Pay's limit, of the letters and digits that it allows; the second makes it readable."""
    return f"RX{now:%Y%m%d%H%M%S}{secrets.token_hex(8)}"
