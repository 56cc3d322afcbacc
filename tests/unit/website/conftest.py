"""A customer, their accounts, and a website of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from actions import runtime
from runxia.bootstrap import Services
from runxia.clock import SHANGHAI, FixedClock
from runxia.utility import load_utility
from services.accounts import Accounts
from services.outages import Outages
from services.quality import Quality
from services.subscriptions import Subscriptions
from store import crypto
from store.db import Database
from store.kv import MemoryStore
from store.models import Base, Binding, Customer
from tests.fakes import FakeSms, FakeWebsite, number_of, sample_csms
from tests.unit.answering import OPENID

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=SHANGHAI)


@dataclass
class Home:
    """What stands behind the customer."""

    db: Database
    website: FakeWebsite
    clock: FixedClock
    subscriptions: Subscriptions

    async def bind(self, *roles: str, openid: str = OPENID, **aliases: str) -> None:
        """Bind accounts by role; the first is the default. Aliases by role."""
        accounts = sample_csms().accounts
        async with self.db.begin() as session:
            session.add(Customer(openid=openid, created_at=NOW, last_seen_at=NOW))
            await session.flush()
            for place, role in enumerate(roles):
                account = accounts[number_of(role)]
                session.add(Binding(
                    openid=openid, account_no=account.account_no, alias=aliases.get(role), owner=account.owner,
                    address=account.address, is_default=place == 0, created_at=NOW,
                ))


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    crypto.use(crypto.KeyRing({"k1": bytes(range(32))}))
    opened = Database(f"sqlite:///{tmp_path / 'test.db'}")
    async with opened.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield opened
    await opened.close()


@pytest.fixture
def home(db: Database) -> Iterator[Home]:
    utility = load_utility(Path(__file__).parents[3] / "utility.yml")
    clock, website, kv = FixedClock(NOW), FakeWebsite(), MemoryStore(FixedClock(NOW))
    outages = Outages(website, utility)
    subscriptions = Subscriptions(db, clock, utility, outages)
    runtime.use(cast("Services", SimpleNamespace(
        utility=utility, clock=clock, outages=outages, quality=Quality(website, utility), subscriptions=subscriptions,
        accounts=Accounts(db, kv, sample_csms(), FakeSms(), clock, utility),
    )))
    yield Home(db, website, clock, subscriptions)
    runtime.use(None)
