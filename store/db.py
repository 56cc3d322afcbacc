"""The connection to the database. Opened in a process's start listener, never at import."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from runxia.clock import SHANGHAI
from store import inline_sqlite

SQLITE_BUSY_MS = 10_000
INLINE_BUSY_MS = 20  # longer waits are ours, see Database; this one holds up the event loop
_RETRY_SECONDS = (0.001, 0.01)
_ASYNC_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_SYNC_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


class Moment(TypeDecorator[datetime]):
    """A point in time: UTC in the database, Asia/Shanghai in Python. Naive times are refused."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To naive UTC, which every database stores alike."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """To aware Asia/Shanghai."""
        return None if value is None else value.replace(tzinfo=UTC).astimezone(SHANGHAI)


def insert_for(session: AsyncSession, model: type[DeclarativeBase]) -> postgresql.Insert | sqlite.Insert:
    """An ``INSERT`` that knows ``on_conflict_do_nothing`` and ``on_conflict_do_update`` on the session's database."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(model)
    return postgresql.insert(model)


def async_url(url: str) -> str:
    """``DATABASE_URL`` with the asynchronous driver, whatever driver it names."""
    return _with_driver(url, _ASYNC_DRIVERS)


def sync_url(url: str) -> str:
    """``DATABASE_URL`` with the blocking driver, for Alembic and Celery."""
    return _with_driver(url, _SYNC_DRIVERS)


def _with_driver(url: str, drivers: dict[str, str]) -> str:
    parsed = make_url(url)
    kind = parsed.get_backend_name()
    return parsed.set(drivername=drivers.get(kind, parsed.drivername)).render_as_string(hide_password=False)


class Database:
    """The application's database.

    No transaction is held while another system is asked: read, close, ask, then write.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = async_url(url)
        self._is_sqlite = self.url.startswith("sqlite")
        options: dict[str, Any] = {"pool_pre_ping": True}
        if self._is_sqlite:
            options = {"connect_args": {"async_creator_fn": inline_sqlite.connect}}
        self.engine = create_async_engine(self.url, pool_size=pool_size, **options)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        # SQLite has one writer at a time and lets the others poll, some for very long; within a process they queue instead.
        self._writing: AbstractAsyncContextManager[object] = asyncio.Lock() if self._is_sqlite else nullcontext()
        if self._is_sqlite:
            event.listen(
                self.engine.sync_engine, "connect", lambda raw, _record: prepare_sqlite(raw, busy_ms=INLINE_BUSY_MS),
            )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """A transaction that writes: commits at the end of the block, rolls back on an error."""
        async with self._writing, self._sessions() as session:
            if self._is_sqlite:
                await self._begin_immediate(await session.connection())
            yield session
            await session.commit()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A transaction that only reads."""
        async with self._sessions() as session:
            if self._is_sqlite:
                await (await session.connection()).exec_driver_sql("BEGIN")
            yield session

    async def _begin_immediate(self, connection: AsyncConnection) -> None:
        """Begin to write on SQLite.

        A deferred transaction that turns into a writer fails with "database is locked" at once, without the busy timeout, so
        writers say so from the start; and they wait here, where others can go on meanwhile.
        """
        end = time.monotonic() + SQLITE_BUSY_MS / 1000
        while True:
            try:
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
                return
            except OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
            await asyncio.sleep(random.uniform(*_RETRY_SECONDS))

    async def close(self) -> None:
        """Give the connections back."""
        await self.engine.dispose()


def prepare_sqlite(connection: Any, *, busy_ms: int = SQLITE_BUSY_MS) -> None:
    """Set up a new SQLite connection: transactions are ours to begin, readers never wait for a writer."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={busy_ms}", "journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
