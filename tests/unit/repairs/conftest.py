"""The repairs service over a real database, with fakes for the outside systems."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from runxia.clock import SHANGHAI, FixedClock
from runxia.utility import load_utility
from services.media import MediaStore
from services.repairs import Fault, OrderKind, Repairs, Report
from store import crypto
from store.db import Database
from store.models import Base, Binding, Customer, Outbox
from tests.databases import postgres_database
from tests.fakes import FakeCsms, number_of, sample_csms
from tests.unit.repairs.board import FakeHotline, FakeOutages

OPENID, OTHER = "oCustomer", "oSomebodyElse"
ROOT = Path(__file__).parents[3]


@dataclass
class World:
    """The service and what stands around it."""

    repairs: Repairs
    hotline: FakeHotline
    outages: FakeOutages
    csms: FakeCsms
    media: MediaStore
    db: Database
    clock: FixedClock

    async def bind(self, role: str = "ordinary", openid: str = OPENID) -> str:
        """Bind an account; its number."""
        account, now = self.csms.accounts[number_of(role)], self.clock.now()
        async with self.db.begin() as session:
            session.add(Customer(openid=openid, created_at=now, last_seen_at=now))
            await session.flush()
            session.add(Binding(
                openid=openid, account_no=account.account_no, alias=None, owner=account.owner, address=account.address,
                is_default=True, created_at=now,
            ))
        return account.account_no

    async def pushed(self) -> list[dict[str, Any]]:
        """What waits to be told."""
        async with self.db.read() as session:
            return [json.loads(row.payload) for row in await session.scalars(select(Outbox).order_by(Outbox.id))]


def report(key: str = "rep-00000001", **changes: Any) -> Report:
    """A leak in the road, changed by keyword."""
    usual: dict[str, Any] = {
        "request_key": key, "kind": OrderKind.REPAIR, "description": "路面渗水", "fault": Fault.LEAK,
        "address": "滨江区江南大道288号", "phone": "13900000009",
    }
    return Report(**{**usual, **changes})


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL database of our own; skips where there is no server."""
    with postgres_database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Nothing filed yet."""
    crypto.use(crypto.KeyRing({"k1": bytes(range(32))}))
    is_sqlite = request.param == "sqlite"
    db = Database(f"sqlite:///{tmp_path / 'repairs.db'}" if is_sqlite else request.getfixturevalue("postgres_url"))
    async with db.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        for table in reversed(Base.metadata.sorted_tables):
            await connection.execute(table.delete())
    clock = FixedClock(datetime(2026, 11, 21, 9, 30, tzinfo=SHANGHAI))
    hotline, outages, csms, media = FakeHotline(clock), FakeOutages(), sample_csms(), MediaStore(db, clock, tmp_path)
    repairs = Repairs(db, hotline, outages, csms, media, clock, load_utility(ROOT / "utility.yml"))
    yield World(repairs, hotline, outages, csms, media, db, clock)
    await db.close()
