"""The payments service with everything around it: billing system, WeChat Pay, a clock, and people who pay.

Any step of it can be the last one before a crash: see :class:`Life`.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import SHANGHAI, FixedClock
from runxia.utility import Utility
from services.payments import OfferLine, OrderState, PayLink, Payments
from services.ports import Transaction
from store.db import Database
from store.models import AuditEntry, Outbox, PayOrder, Refund
from store.models.payments import RefundState
from tests.fakes import FakeCsms, FakePay, number_of, sample_csms

START = datetime(2026, 11, 10, 9, tzinfo=SHANGHAI)
MOTHER, SON = "oMother0000000000000000000001", "oSon0000000000000000000000002"
KEY = b"payments-test-link-key"


class Killed(BaseException):
    """The process dies here."""


class Life:
    """Counts the steps that change something outside the process, and ends it before or after one of them."""

    def __init__(self) -> None:
        self.steps = 0
        self.last: int | None = None

    def step(self) -> None:
        """One more; dies if it is the last. The next process has no such fate."""
        self.steps += 1
        if self.steps == self.last:
            self.last = None
            raise Killed


class MortalDatabase:
    """A database whose user may die just before or just after a commit."""

    def __init__(self, db: Database, life: Life) -> None:
        self._db = db
        self._life = life

    def read(self) -> Any:
        """As it is."""
        return self._db.read()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """A transaction with two more ways to end."""
        async with self._db.begin() as session:
            yield session
            self._life.step()
        self._life.step()


class Mortal:
    """A port whose user may die just before or just after a call."""

    def __init__(self, port: Any, life: Life) -> None:
        self._port = port
        self._life = life

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name == "jsapi_parameters":
            return method

        async def call(*arguments: Any, **options: Any) -> Any:
            self._life.step()
            result = await method(*arguments, **options)
            self._life.step()
            return result

        return call


@dataclass
class World:
    """Everything. ``payments`` is today's process; :meth:`restart` gives the next one."""

    db: Database
    csms: FakeCsms
    pay: FakePay
    clock: FixedClock
    utility: Utility
    life: Life
    payments: Payments

    @classmethod
    def over(cls, db: Database, utility: Utility) -> World:
        """A world as it is on an ordinary day."""
        world = cls(db, sample_csms(), FakePay(), FixedClock(START), utility, Life(), None)  # type: ignore[arg-type]
        world.restart()
        return world

    def restart(self) -> None:
        """The process ends, and another starts."""
        self.payments = Payments(
            MortalDatabase(self.db, self.life),  # type: ignore[arg-type]
            Mortal(self.csms, self.life), Mortal(self.pay, self.life), self.clock, self.utility,
            link_key=KEY, public_base_url="https://water.example",
        )

    def rule(self, paid_twice: str) -> None:
        """Change what becomes of money that no bill needs."""
        payments = self.utility.payments.model_copy(update={"paid_twice": paid_twice})
        self.utility = self.utility.model_copy(update={"payments": payments})
        self.restart()

    async def surviving[T](self, action: Callable[[], Awaitable[T]]) -> T:
        """Do something, again after each crash: what people, WeChat Pay and the worker's schedule do."""
        while True:
            try:
                return await action()
            except Killed:
                self.restart()

    # --- people

    async def lines(self, *roles: str) -> tuple[OfferLine, ...]:
        """What the accounts of these roles owe."""
        return (await self.payments.offer([number_of(role) for role in roles])).lines

    async def order(self, openid: str, *roles: str) -> PayLink:
        """A customer confirms all that these accounts owe."""
        return await self.payments.create_order(openid, await self.lines(*roles))

    async def prepaid(self, openid: str, *roles: str) -> PayLink:
        """... and taps the button on the payment page."""
        link = await self.order(openid, *roles)
        await self.payments.prepay(token(link), openid)
        return link

    def thumb(self, link: PayLink) -> Transaction:
        """... and confirms in the cashier. WeChat Pay will tell, or not."""
        return self.pay.pay_order(link.out_trade_no, self.clock.now())

    async def paid(self, openid: str, *roles: str) -> tuple[PayLink, Transaction]:
        """All of that, and the callback arrives."""
        link = await self.prepaid(openid, *roles)
        transaction = self.thumb(link)
        await self.payments.notified(transaction)
        return link, transaction

    # --- the worker

    async def tick(self) -> int:
        """Every job once; how much was done."""
        payments = self.payments
        return (
            await payments.query_due() + await payments.close_expired()
            + await payments.settle_paid() + await payments.send_refunds()
        )

    async def hours_pass(self) -> None:
        """The worker works and the clock runs until nothing is left to do, or for two hours."""
        for _ in range(12):
            await self.surviving(self.tick)
            if all(order.state in (OrderState.SETTLED, OrderState.CLOSED) for order in await self.orders()) and all(
                refund.state in (RefundState.DONE, RefundState.FAILED) for refund in await self.refunds()
            ):
                return
            self.clock.advance(minutes=11)

    # --- what there is to see

    async def one(self, link: PayLink) -> PayOrder:
        """The order behind a link."""
        async with self.db.read() as session:
            found = await session.execute(select(PayOrder).where(PayOrder.out_trade_no == link.out_trade_no))
            return found.scalar_one()

    async def orders(self) -> Sequence[PayOrder]:
        """All orders, oldest first."""
        async with self.db.read() as session:
            return (await session.scalars(select(PayOrder).order_by(PayOrder.id))).all()

    async def refunds(self) -> Sequence[Refund]:
        """All refunds, oldest first."""
        async with self.db.read() as session:
            return (await session.scalars(select(Refund).order_by(Refund.id))).all()

    async def told(self, about: PayOrder | None = None) -> list[tuple[str, str, dict[str, Any]]]:
        """What customers are told, of all orders or of one: openid, intent, entities."""
        number = about.out_trade_no if about else ""
        async with self.db.read() as session:
            entries = await session.scalars(
                select(Outbox).where(Outbox.dedupe_key.endswith(number)).order_by(Outbox.id),
            )
            payloads = [(entry.openid, json.loads(entry.payload)) for entry in entries]
        return [
            (openid, re.sub("EXTERNAL_(payment|prepay)_", "", payload["intent"]), payload["entities"])
            for openid, payload in payloads
        ]

    async def audited(self) -> list[tuple[str, str, str]]:
        """The audit log: actor, action, outcome."""
        async with self.db.read() as session:
            entries = await session.scalars(select(AuditEntry).order_by(AuditEntry.id))
            return [(entry.actor, entry.action, entry.outcome) for entry in entries]

    async def check_books(self) -> None:
        """What must hold when the dust has settled, whatever happened."""
        credits = sum(account.credit_fen for account in self.csms.accounts.values()) - 5000  # the role "credit" had that
        booked = sum(payment.amount_fen for payment in self.csms.booked if payment.channel == "wechat")
        taken = sum(order.amount_fen for order in self.pay.orders.values() if order.state in ("SUCCESS", "REFUND"))
        returned = sum(sum(order.refunds.values()) for order in self.pay.orders.values())
        assert taken == booked + returned + credits, "every fen taken is booked, sent back, or kept as credit"
        for bill in self.csms.all_bills.values():
            assert bill.paid_fen <= bill.amount_fen
        for order in await self.orders():
            there = self.pay.orders.get(order.out_trade_no)
            is_paid = there is not None and there.state in ("SUCCESS", "REFUND")
            assert order.state == (OrderState.SETTLED if is_paid else OrderState.CLOSED)
            assert is_paid or there is None or there.state == "CLOSED", "what we gave up cannot be paid any more"
            await self._check_told(order)

    async def _check_told(self, order: PayOrder) -> None:
        applied = sum(line.applied_fen or 0 for line in order.lines)
        due = [(order.openid, "received", applied)] if applied else []
        due += [(order.openid, f"{refund.kind}ed", refund.amount_fen) for refund in order.refunds]
        told = [(openid, intent, entities["amount"]) for openid, intent, entities in await self.told(order)]
        assert sorted(told) == sorted(due), "told once about everything, and about nothing else"


def token(link: PayLink) -> str:
    """The link's last part."""
    return link.url.rsplit("/", 1)[1]


def changed(line: OfferLine, **changes: Any) -> OfferLine:
    """A line with other facts."""
    return replace(line, **changes)
