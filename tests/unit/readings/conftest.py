"""The readings service over a real database, with fakes for the outside systems."""

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
from services.billing import Billing
from services.readings import Readings
from services.secrets import Secrets
from store import crypto
from store.db import Database
from store.kv import MemoryStore
from store.models import Base, Binding, Customer, MeterRequestRecord, Outbox, VerifiedSession
from tests.fakes import FakeCsms, FakeSms, number_of, sample_csms
from tests.unit.accounts.talk import OPENID, Talk
from tests.unit.readings.desk import FakeMeterDesk, meter

ROOT = Path(__file__).parents[3]


@dataclass
class Desk:
    """A customer, and what stands behind them."""

    talk: Talk
    service: Readings
    csms: FakeCsms
    meters: FakeMeterDesk
    db: Database
    clock: FixedClock

    async def bind(self, role: str, openid: str = OPENID, *, verified: bool = True) -> str:
        """Bind an account by role, verified just now; its number."""
        now, account = self.clock.now(), self.csms.accounts[number_of(role)]
        async with self.db.begin() as session:
            session.add(Customer(openid=openid, created_at=now, last_seen_at=now))
            await session.flush()
            session.add(Binding(
                openid=openid, account_no=account.account_no, alias=None, owner=account.owner, address=account.address,
                is_default=True, created_at=now,
            ))
            if verified:
                until = now + timedelta(minutes=30)
                session.add(VerifiedSession(openid=openid, account_no=account.account_no, until=until))
        return account.account_no

    async def say(self, text: str, intent: str = "inform", **entities: Any) -> str:
        """What the bot answers."""
        return await self.talk.say(text, intent, **entities)

    async def records(self) -> list[MeterRequestRecord]:
        """What is kept of requests."""
        async with self.db.read() as session:
            return list(await session.scalars(select(MeterRequestRecord).order_by(MeterRequestRecord.id)))

    async def told(self) -> list[str]:
        """What waits in the outbox."""
        async with self.db.read() as session:
            return [row.payload for row in await session.scalars(select(Outbox).order_by(Outbox.id))]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Nothing bound yet; every account has a meter."""
    crypto.use(crypto.KeyRing({"k1": bytes(range(32))}))
    db = Database(f"sqlite:///{tmp_path / 'readings.db'}")
    async with db.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    clock = FixedClock(datetime(2026, 11, 2, 9, 30, tzinfo=SHANGHAI))
    utility, csms, meters = load_utility(ROOT / "utility.yml"), sample_csms(), FakeMeterDesk(clock)
    meters.meters = {number: meter(clock, number) for number in csms.accounts}
    kv = MemoryStore(clock)
    accounts = Accounts(db, kv, csms, FakeSms(), clock, utility)
    service = Readings(db, meters, csms, accounts, clock, utility)
    services = cast(Services, SimpleNamespace(
        utility=utility, clock=clock, db=db, kv=kv, csms=csms, accounts=accounts, readings=service, secrets=Secrets(kv),
        billing=Billing(csms, clock, utility),
    ))
    runtime.use(services)
    yield Desk(Talk(services), service, csms, meters, db, clock)
    runtime.use(None)
    await db.close()
