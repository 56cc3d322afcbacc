"""Changes reach listeners in other processes within a second."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from runxia.clock import FixedClock
from store.db import Database
from store.kv import MemoryStore, RedisStore
from store.live import Change, Live, RedisLive, SqlLive, live_over
from store.models import Base
from tests.databases import postgres_database

REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15")
FIRST, SECOND = Change("message", 7), Change("presence", who="li")


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
async def pair(request: pytest.FixtureRequest, tmp_path: Path, clock: FixedClock) -> AsyncIterator[tuple[Live, Live]]:
    """What two processes have."""
    if request.param == "redis":
        redis = Redis.from_url(REDIS)
        try:
            await redis.ping()
        except (RedisError, OSError) as error:
            pytest.skip(f"no Redis at TEST_REDIS_URL ({REDIS}): {error}")
        other, channel = Redis.from_url(REDIS), f"test:{secrets.token_hex(6)}"
        yield RedisLive(redis, channel), RedisLive(other, channel)
        await redis.aclose()
        await other.aclose()
    elif request.param == "sqlite":
        async for each in _tables(f"sqlite:///{tmp_path / 'live.db'}", clock):
            yield each
    else:
        with postgres_database() as url:
            async for each in _tables(url, clock):
                yield each


async def _tables(url: str, clock: FixedClock) -> AsyncIterator[tuple[Live, Live]]:
    databases = [Database(url) for _ in range(2)]
    async with databases[0].engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    first, second = (SqlLive(db, clock) for db in databases)
    yield first, second
    for db in databases:
        await db.close()


async def collect(live: Live, count: int) -> list[Change]:
    found: list[Change] = []
    async for change in live.listen():
        found.append(change)
        if len(found) == count:
            break
    return found


async def test_changes_are_heard_in_order_by_all_who_listen(pair: tuple[Live, Live]) -> None:
    here, there = pair
    await here.publish(Change("before anybody listened"))
    listening = [asyncio.create_task(collect(live, 2)) for live in (here, there)]
    await asyncio.sleep(0.3)
    await here.publish(FIRST)
    await there.publish(SECOND)
    async with asyncio.timeout(1.0):
        assert await asyncio.gather(*listening) == [[FIRST, SECOND]] * 2


async def test_what_cannot_be_told_is_not_an_error(tmp_path: Path, clock: FixedClock) -> None:
    without_tables = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    await SqlLive(without_tables, clock).publish(FIRST)
    await without_tables.close()
    nowhere = Redis.from_url("redis://127.0.0.1:1/0")
    await RedisLive(nowhere).publish(FIRST)
    await nowhere.aclose()


async def test_old_changes_are_dropped_and_numbers_are_not_given_again(db: Database, clock: FixedClock) -> None:
    live = SqlLive(db, clock)
    for _ in range(3):
        await live.publish(FIRST)
    clock.advance(seconds=61)
    assert await live.prune() == 2
    listening = asyncio.create_task(collect(live, 1))
    await asyncio.sleep(0.1)
    await live.publish(SECOND)
    async with asyncio.timeout(1.0):
        assert await listening == [SECOND]


async def test_redis_carries_changes_where_it_is_the_shared_state(db: Database, clock: FixedClock) -> None:
    redis = Redis.from_url(REDIS)
    assert isinstance(live_over(RedisStore(redis), db, clock), RedisLive)
    assert isinstance(live_over(MemoryStore(clock), db, clock), SqlLive)
    await redis.aclose()
