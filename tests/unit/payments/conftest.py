"""A database of each kind, and the payments service over fakes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from runxia.utility import load_utility
from store import crypto
from store.db import Database
from store.models import Base
from tests.databases import postgres_database
from tests.unit.payments.world import World


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL database of our own; skips where there is no server."""
    with postgres_database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def db(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database with all tables."""
    crypto.use(crypto.KeyRing({"test": bytes(32)}))
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'payments.db'}" if is_sqlite else request.getfixturevalue("postgres_url")
    database = Database(url)
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        for table in reversed(Base.metadata.sorted_tables):
            await connection.execute(table.delete())
    yield database
    await database.close()


@pytest.fixture
def world(db: Database) -> World:
    """The payments service, a billing system with a few accounts, and WeChat Pay."""
    return World.over(db, load_utility(Path("utility.yml")))
