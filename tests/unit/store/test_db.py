"""Transactions: writers at once, and nothing half done."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text

from runxia.clock import SHANGHAI, FixedClock
from store.db import Database, async_url, sync_url
from store.models import AuditEntry, Entry


async def _count(db: Database) -> int:
    async with db.read() as session:
        return await session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def _entry(clock: FixedClock, actor: str = "o1") -> AuditEntry:
    return AuditEntry(at=clock.now(), actor=actor, action="bind", outcome="ok")


async def test_many_writers_that_read_first_all_get_through(db: Database, clock: FixedClock) -> None:
    async with db.begin() as session:
        session.add(Entry(key="n", value="0", ends_at=clock.now()))

    async def add_one() -> None:
        async with db.begin() as session:
            entry = await session.get(Entry, "n", with_for_update=True)
            assert entry is not None
            await asyncio.sleep(0)
            entry.value = str(int(entry.value) + 1)

    await asyncio.gather(*(add_one() for _ in range(25)))
    async with db.read() as session:
        assert await session.scalar(select(Entry.value)) == "25"


async def test_an_error_takes_everything_back(db: Database, clock: FixedClock) -> None:
    async def fail_half_way() -> None:
        async with db.begin() as session:
            session.add(_entry(clock))
            await session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_half_way()
    assert await _count(db) == 0


async def test_a_task_that_is_cancelled_leaves_no_lock(db: Database, clock: FixedClock) -> None:
    started = asyncio.Event()

    async def hang() -> None:
        async with db.begin() as session:
            session.add(_entry(clock))
            await session.flush()
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with db.begin() as session:
        session.add(_entry(clock))
    assert await _count(db) == 1


async def test_reading_does_not_wait_for_a_writer(db: Database, clock: FixedClock) -> None:
    async with db.begin() as session:
        session.add(_entry(clock))
        await session.flush()
        assert await asyncio.wait_for(_count(db), 2) == 0


async def test_times_keep_their_moment_and_come_back_in_shanghai(db: Database) -> None:
    moment = datetime(2026, 11, 2, 1, 30, 15, 123456, tzinfo=UTC)
    async with db.begin() as session:
        session.add(AuditEntry(at=moment, actor="o1", action="bind", outcome="ok"))
    async with db.read() as session:
        kept = await session.scalar(select(AuditEntry.at))
        raw = await session.scalar(text("SELECT at FROM audit"))
    assert kept == moment
    assert kept is not None
    assert kept.tzinfo is SHANGHAI
    assert kept.hour == 9
    assert str(raw).startswith("2026-11-02 01:30:15")


async def test_a_time_without_a_zone_is_refused(db: Database) -> None:
    with pytest.raises(Exception, match="without a zone"):
        async with db.begin() as session:
            session.add(AuditEntry(at=datetime(2026, 11, 2), actor="o1", action="bind", outcome="ok"))


@pytest.mark.parametrize(
    ("url", "waiting", "blocking"),
    [
        ("sqlite:///var/x.db", "sqlite+aiosqlite:///var/x.db", "sqlite:///var/x.db"),
        ("postgresql://u:p%40ss@h/d", "postgresql+asyncpg://u:p%40ss@h/d", "postgresql+psycopg://u:p%40ss@h/d"),
        ("postgresql+psycopg2://h/d", "postgresql+asyncpg://h/d", "postgresql+psycopg://h/d"),
    ],
)
def test_one_url_serves_both_drivers(url: str, waiting: str, blocking: str) -> None:
    assert (async_url(url), sync_url(url)) == (waiting, blocking)
