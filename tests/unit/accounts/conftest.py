"""The account services over fakes, and a customer who talks to the actions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import delete

from actions import runtime
from runxia.bootstrap import Services
from runxia.clock import SHANGHAI, FixedClock
from runxia.utility import Utility, load_utility
from services.accounts import Accounts
from services.secrets import Secrets
from store import crypto
from store.db import Database
from store.kv import MemoryStore
from store.models import Base
from tests.databases import postgres_database
from tests.fakes import FakeCsms, FakeSms, sample_csms
from tests.unit.accounts.talk import Talk

ROOT = Path(__file__).parents[3]


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still."""
    return FixedClock(datetime(2026, 11, 2, 9, 30, tzinfo=SHANGHAI))


@pytest.fixture
def utility() -> Utility:
    """The demonstration utility."""
    return load_utility(ROOT / "utility.yml")


@pytest.fixture
def csms() -> FakeCsms:
    """A billing system with one account for each role."""
    return sample_csms()


@pytest.fixture
def sms() -> FakeSms:
    """Keeps the codes."""
    return FakeSms()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """One PostgreSQL database for all tests here; each finds its tables empty."""
    with postgres_database() as made:
        yield made


@asynccontextmanager
async def _tables(url: str) -> AsyncIterator[Database]:
    crypto.use(crypto.KeyRing({"k1": bytes(range(32))}))
    db = Database(url)
    async with db.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    try:
        yield db
    finally:
        async with db.begin() as session:
            for table in reversed(Base.metadata.sorted_tables):
                await session.execute(delete(table))
        await db.close()


@pytest.fixture(params=["sqlite", "postgresql"])
async def db(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database of each kind, with all tables."""
    sqlite = f"sqlite:///{tmp_path / 'runxia.db'}"
    url = sqlite if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    async with _tables(url) as database:
        yield database


@pytest.fixture
def accounts(db: Database, csms: FakeCsms, sms: FakeSms, clock: FixedClock, utility: Utility) -> Accounts:
    """The service on each kind of database."""
    return Accounts(db, MemoryStore(clock), csms, sms, clock, utility)


@pytest.fixture
async def talk(tmp_path: Path, csms: FakeCsms, sms: FakeSms, clock: FixedClock, utility: Utility) -> AsyncIterator[Talk]:
    """A customer, with the real services over fakes and SQLite."""
    async with _tables(f"sqlite:///{tmp_path / 'talk.db'}") as database:
        kv = MemoryStore(clock)
        services = SimpleNamespace(
            utility=utility, clock=clock, db=database, kv=kv, csms=csms, secrets=Secrets(kv),
            accounts=Accounts(database, kv, csms, sms, clock, utility),
        )
        runtime.use(cast(Services, services))
        yield Talk(cast(Services, services))
        runtime.use(None)
