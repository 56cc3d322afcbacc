"""One contract for the three stores of shared state."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from runxia.clock import FixedClock
from store.db import Database
from store.kv import MemoryStore, RedisStore, SqlStore, Store
from store.models import Base
from tests.databases import postgres_database

REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15")

type Wait = Callable[[float], object]


@pytest.fixture(params=["memory", "sqlite", "postgresql", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Store]:
    """A store of each kind, empty."""
    match request.param:
        case "memory":
            yield MemoryStore(clock)
        case "redis":
            redis = Redis.from_url(REDIS)
            try:
                await redis.ping()
            except (RedisError, OSError) as error:
                pytest.skip(f"no Redis at TEST_REDIS_URL ({REDIS}): {error}")
            yield RedisStore(redis, prefix=f"test:{secrets.token_hex(6)}:")
            await redis.aclose()
        case "sqlite":
            async for each in _sql(f"sqlite:///{tmp_path / 'kv.db'}", clock):
                yield each
        case _:
            with postgres_database() as url:
                async for each in _sql(url, clock):
                    yield each


async def _sql(url: str, clock: FixedClock) -> AsyncIterator[Store]:
    db = Database(url)
    async with db.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield SqlStore(db, clock)
    await db.close()


async def pass_time(store: Store, clock: FixedClock, key: str) -> None:
    """Let a key's time run out; Redis has a clock of its own."""
    if isinstance(store, RedisStore):
        await store.redis.pexpire(store._prefix + key, 0)
    clock.advance(seconds=61)


async def test_what_was_set_is_there_and_what_was_not_is_not(store: Store) -> None:
    await store.set("a", "一", 60)
    assert await store.get("a") == "一"
    assert await store.get("b") is None


async def test_set_replaces(store: Store) -> None:
    await store.set("a", "1", 60)
    await store.set("a", "2", 60)
    assert await store.get("a") == "2"


async def test_add_writes_only_where_there_is_nothing(store: Store) -> None:
    assert await store.add("a", "1", 60)
    assert not await store.add("a", "2", 60)
    assert await store.get("a") == "1"


async def test_everything_ends(store: Store, clock: FixedClock) -> None:
    await store.set("a", "1", 60)
    await pass_time(store, clock, "a")
    assert await store.get("a") is None
    assert not await store.delete("a")
    assert await store.add("a", "2", 60)


async def test_counting_starts_at_one_and_starts_again_after_its_end(store: Store, clock: FixedClock) -> None:
    assert [await store.incr("n", 60) for _ in range(3)] == [1, 2, 3]
    await pass_time(store, clock, "n")
    assert await store.incr("n", 60) == 1


async def test_counting_does_not_put_off_the_end(store: Store, clock: FixedClock) -> None:
    await store.incr("n", 60)
    clock.advance(seconds=40)
    await store.incr("n", 60)
    clock.advance(seconds=40)
    if isinstance(store, RedisStore):
        assert 0 < await store.redis.ttl(store._prefix + "n") <= 60
    else:
        assert await store.get("n") is None


async def test_delete_tells_whether_there_was_something(store: Store) -> None:
    await store.set("a", "1", 60)
    assert await store.delete("a")
    assert not await store.delete("a")
    assert await store.get("a") is None


async def test_of_many_that_add_at_once_one_wins(store: Store) -> None:
    wins = await asyncio.gather(*(store.add("lock", str(number), 60) for number in range(20)))
    assert sum(wins) == 1
    assert await store.get("lock") == str(wins.index(True))


async def test_of_many_that_add_to_an_ended_key_one_wins(store: Store, clock: FixedClock) -> None:
    await store.set("lock", "old", 60)
    await pass_time(store, clock, "lock")
    assert sum(await asyncio.gather(*(store.add("lock", "new", 60) for _ in range(20)))) == 1


async def test_no_count_is_lost_or_given_twice(store: Store) -> None:
    counts = await asyncio.gather(*(store.incr("n", 60) for _ in range(30)))
    assert sorted(counts) == list(range(1, 31))


async def test_of_many_that_delete_at_once_one_had_it(store: Store) -> None:
    await store.set("handle", "x", 60)
    assert sum(await asyncio.gather(*(store.delete("handle") for _ in range(20)))) == 1


async def test_set_is_never_lost_to_a_delete_at_the_same_moment(store: Store) -> None:
    await store.set("a", "0", 60)
    for number in range(10):
        await asyncio.gather(store.delete("a"), store.set("a", str(number), 60), store.delete("a"))
        await store.set("a", "kept", 60)
        assert await store.get("a") == "kept"


async def test_what_has_ended_is_pruned_from_the_table(db: Database, clock: FixedClock) -> None:
    store = SqlStore(db, clock)
    await store.set("short", "1", 60)
    await store.set("long", "1", int(timedelta(days=1).total_seconds()))
    clock.advance(seconds=61)
    assert await store.prune() == 1
    assert await store.get("long") == "1"
