"""The dialogues about money over the real services, with fakes for the outside systems."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select

from actions import runtime
from runxia.bootstrap import Services
from runxia.clock import SHANGHAI, FixedClock
from runxia.utility import load_utility
from services.accounts import Accounts
from services.auto_pay import AutoPay
from services.invoices import Invoices
from services.payments import Payments
from services.refunds import Refunds
from services.secrets import Secrets
from store import crypto
from store.db import Database
from store.kv import MemoryStore
from store.models import Base, Binding, Customer, PayOrder, VerifiedSession
from tests.fakes import FakeCsms, FakePay, FakeSms, number_of, sample_csms
from tests.unit.accounts.talk import OPENID, Talk
from tests.unit.auto_pay.fakes import FakeDebitDesk, FakePapay
from tests.unit.invoices.fakes import FakeInvoiceDesk
from tests.unit.refunds.fakes import FakeRefundDesk

ROOT = Path(__file__).parents[3]


@dataclass
class Counter:
    """A customer with bound accounts, and what stands behind them."""

    talk: Talk
    csms: FakeCsms
    pay: FakePay
    papay: FakePapay
    invoice_desk: FakeInvoiceDesk
    refund_desk: FakeRefundDesk
    payments: Payments
    auto_pay: AutoPay
    db: Database
    clock: FixedClock

    async def bind(self, *roles: str, **aliases: str) -> None:
        """Bind accounts by role; the first is the default. Aliases by role."""
        now = self.clock.now()
        async with self.db.begin() as session:
            session.add(Customer(openid=OPENID, created_at=now, last_seen_at=now))
            await session.flush()
            for place, role in enumerate(roles):
                account = self.csms.accounts[number_of(role)]
                session.add(VerifiedSession(openid=OPENID, account_no=account.account_no, until=now + timedelta(minutes=30)))
                session.add(
                    Binding(
                        openid=OPENID, account_no=account.account_no, alias=aliases.get(role), owner=account.owner,
                        address=account.address, is_default=place == 0, created_at=now,
                    ),
                )

    async def say(self, text: str, intent: str = "pay_bill", **entities: Any) -> str:
        """What the bot answers."""
        return await self.talk.say(text, intent, **entities)

    async def paid(self, *, settled: bool = True) -> PayOrder:
        """Pay the bills of the default account, and let the billing system hear of it; the order."""
        await self.say("交水费")
        return await self.pay_what_is_asked(settled=settled)

    async def pay_what_is_asked(self, *, settled: bool = True) -> PayOrder:
        """Confirm what the bot asks for, and pay it."""
        await self.say("确认", "affirm")
        async with self.db.read() as session:
            order = (await session.scalars(select(PayOrder).order_by(PayOrder.id.desc()))).first()
        assert order is not None
        await self.pay.prepay(order.out_trade_no, "水费", order.amount_fen, OPENID, order.expires_at)
        await self.payments.notified(self.pay.pay_order(order.out_trade_no, self.clock.now()))
        if settled:
            await self.payments.settle_paid()
        return order

    @property
    def chosen(self) -> list[tuple[str, str]]:
        """Role-less account tail and month of the bills in question."""
        return [(line["account_no"][-2:], line["period"]) for line in self.talk.slots.get("pay_lines") or []]

    @property
    def months(self) -> list[str]:
        """The months in question."""
        return [period for _, period in self.chosen]


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    """Nothing bound yet."""
    crypto.use(crypto.KeyRing({"k1": bytes(range(32))}))
    db = Database(f"sqlite:///{tmp_path / 'talk.db'}")
    async with db.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    clock = FixedClock(datetime(2026, 11, 2, 9, 30, tzinfo=SHANGHAI))
    utility, csms, pay, kv = load_utility(ROOT / "utility.yml"), sample_csms(), FakePay(), MemoryStore(clock)
    keys: dict[str, Any] = {"link_key": b"link" * 8, "public_base_url": "https://water.example"}
    payments = Payments(db, csms, pay, clock, utility, **keys)
    papay, desk, refund_desk = FakePapay(clock.now()), FakeInvoiceDesk(csms, clock.now()), FakeRefundDesk()
    auto_pay = AutoPay(db, papay, FakeDebitDesk(), clock, utility, **keys)
    services = cast(Services, SimpleNamespace(
        utility=utility, clock=clock, db=db, kv=kv, csms=csms, payments=payments, secrets=Secrets(kv),
        accounts=Accounts(db, kv, csms, FakeSms(), clock, utility), auto_pay=auto_pay,
        invoices=Invoices(db, csms, desk, clock, utility, **keys),
        refunds=Refunds(db, csms, refund_desk, payments, clock, utility),
    ))
    runtime.use(services)
    yield Counter(Talk(services), csms, pay, papay, desk, refund_desk, payments, auto_pay, db, clock)
    runtime.use(None)
    await db.close()


def month(period: str, *, excluded: bool = False, text: str = "") -> dict[str, object]:
    """The value component's entity for one month, ``2026-08``."""
    return {
        "from": f"{period}-01", "to": f"{period}-28", "text": text or f"{int(period[5:])}月", "grain": "month",
        "exclude": excluded,
    }
