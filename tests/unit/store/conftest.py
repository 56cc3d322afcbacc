"""A database of each kind, with all tables."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from runxia.clock import SHANGHAI, FixedClock
from store import crypto
from store.db import Database
from store.models import Base
from tests.databases import postgres_database

OLD_KEY, NEW_KEY = bytes(range(32)), bytes(range(32, 64))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'runxia.db'}"
        return
    with postgres_database() as made:
        yield made


@pytest.fixture
async def db(url: str, ring: crypto.KeyRing) -> AsyncIterator[Database]:
    """A database with all tables."""
    database = Database(url)
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield database
    await database.close()


@pytest.fixture
def ring() -> crypto.KeyRing:
    """One key, in use."""
    only = crypto.KeyRing({"k1": OLD_KEY})
    crypto.use(only)
    return only


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still."""
    return FixedClock(datetime(2026, 11, 2, 9, 30, tzinfo=SHANGHAI))
